"""The hand-off to the real llamafactory and the real small model: train, resume, stop, predict, export, chat, serve."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Trained

from llf_kit.evaluation import predictions
from llf_kit.upstream import record

pytestmark = pytest.mark.real

BIN = Path(sys.executable).parent


def call(directory: Path, *arguments: object, program: str = "llf-kit", stdin: str = "") -> tuple[int, str, str]:
    """Run a command of this environment in ``directory``: exit status, stdout, stderr."""
    done = subprocess.run(
        [str(BIN / program), *map(str, arguments)],
        cwd=directory,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def wait_for(what: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


def test_two_steps_leave_an_adapter_a_record_and_a_private_log(trained: Trained) -> None:
    assert (trained.adapter / "adapter_model.safetensors").is_file()
    made = record.load(trained.adapter)
    assert (made.status, made.exit_code, made.command) == ("done", 0, "train")
    assert made.versions["llamafactory"] and made.versions["torch"]
    assert made.data == {
        "lab": {"file": "datasets/lab.jsonl", "sha256": made.data["lab"]["sha256"]},
    }
    assert len(made.data["lab"]["sha256"]) == len(made.config_sha256) == 64
    assert made.result["train_loss"] > 0
    assert made.seconds and made.device
    assert re.search(r"step 1/2  loss \d", trained.said)
    assert "training example" in Path(trained.directory / made.log).read_text(encoding="utf-8")
    assert (trained.directory / made.log).stat().st_mode & 0o777 == 0o600


def test_bare_llamafactory_takes_the_yaml_from_the_project_directory(trained: Trained) -> None:
    arguments = ("train", "train.yaml", "output_dir=saves/bare", "max_steps=1")
    status, _, said = call(trained.directory, *arguments, program="llamafactory-cli")
    assert status == 0, said[-2000:]
    assert (trained.directory / "saves/bare/adapter_model.safetensors").is_file()


def test_resume_goes_on_from_the_last_checkpoint(trained: Trained) -> None:
    shutil.copytree(trained.adapter, trained.directory / "saves/again")
    arguments = ("train", "train.yaml", "output_dir=saves/again", "num_train_epochs=2")
    status, _, said = call(trained.directory, *arguments)
    assert status == 1 and "saves/again holds checkpoints, from which upstream would go on without being asked" in said
    status, _, said = call(trained.directory, *arguments, "--no-check")
    assert status == 1 and "already holds a run (checkpoint-2)" in said
    status, _, said = call(trained.directory, *arguments, "--resume")
    assert status == 0, said
    assert "step 3/4" in said and "step 1/4" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_child_and_the_run_can_go_on(trained: Trained, number: signal.Signals) -> None:
    output = trained.directory / f"saves/{number.name}"
    command = [BIN / "llf-kit", "train", "train.yaml", f"output_dir=saves/{number.name}", "num_train_epochs=500"]
    running = subprocess.Popen(command, cwd=trained.directory, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (output / "checkpoint-2").is_dir())
    running.send_signal(number)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 1
    assert "train.yaml: stopped. Continue with --resume." in said
    assert "Traceback" not in said
    assert record.load(output).status == "stopped"
    everyone = [
        path for path in Path("/proc").glob("[0-9]*/cmdline") if f"saves/{number.name}".encode() in _bytes(path)
    ]
    assert not everyone, "a child lives on"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("lora_rnk=8", "A key in the YAML or an override is unknown"),
        ("dataset=labb", "dataset_info.json has no entry of that name"),
        ("template=chatmll", "Give the `template` that LLaMA-Factory lists for this model"),
    ],
)
def test_known_failures_come_with_a_way_out(trained: Trained, override: str, says: str) -> None:
    arguments = ("train", "train.yaml", "output_dir=saves/failed", override)
    status, _, said = call(trained.directory, *arguments)
    assert status == 1 and "was not handed to LLaMA-Factory" in said  # it is seen before
    assert not (trained.directory / "saves/failed").exists()
    status, _, said = call(trained.directory, *arguments, "--no-check")
    assert status == 1
    assert says in said
    assert "Traceback" not in said
    assert record.load(trained.directory / "saves/failed").status == "failed"
    shutil.rmtree(trained.directory / "saves/failed")


def test_predictions_come_a_row_each_in_order(trained: Trained, smollm2: Path) -> None:
    settings = {"model": smollm2, "adapter": "saves/lora_sft", "eval_dataset": "lab", "precision": "fp32"}
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    options += ["--set", "max_new_tokens=8", "--set", "cutoff_len=128"]
    assert call(trained.directory, "render", "predict/generate", "-o", "predict.yaml", *options)[0] == 0
    status, _, said = call(trained.directory, "train", "predict.yaml")
    assert status == 0, said
    found = predictions.read(trained.directory / "saves/predict" / predictions.FILE)
    assert [row.label for row in found] == ["3.5～5.3 mmol/L", "137～147 mmol/L", "99～110 mmol/L", "40～55 g/L"]
    assert all(row.predict for row in found)


def test_export_merges_the_adapter_into_a_model_of_its_own(trained: Trained, smollm2: Path) -> None:
    options = ("--set", f"model={smollm2}", "--set", "adapter=saves/lora_sft")
    assert call(trained.directory, "render", "export/merge", "-o", "merge.yaml", *options)[0] == 0
    status, _, said = call(trained.directory, "export", "merge.yaml")
    assert status == 0, said
    merged = trained.directory / "models/merged"
    assert json.loads((merged / "config.json").read_text())["architectures"] == ["LlamaForCausalLM"]
    assert (merged / "model.safetensors").stat().st_size > 200_000_000
    assert not (merged / "adapter_config.json").exists()
    assert record.load(merged).status == "done"


@pytest.fixture
def asking(trained: Trained, smollm2: Path) -> Path:
    options = ("--set", f"model={smollm2}", "--set", "adapter=saves/lora_sft", "--set", "max_new_tokens=8")
    for name in ("chat", "api"):
        assert call(trained.directory, "render", f"infer/{name}", "-o", f"{name}.yaml", *options)[0] == 0
    return trained.directory


def test_chat_answers_on_the_terminal(asking: Path) -> None:
    """To the end of its input, at once: upstream's own chat aborts there, or ends with a traceback."""
    status, said, error = call(asking, "chat", "chat.yaml", stdin="What is the potassium range?\nAnd in a child?")
    assert status == 0, error
    assert len(re.findall(r"Assistant: \S", said)) == 2
    assert not re.search(r"INFO|WARNING|Traceback|%\|", said + error)


def test_serve_answers_on_this_machine_to_the_key_alone_and_logs_no_question(asking: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [BIN / "llf-kit", "serve", "api.yaml", "--port", str(port), "--name", "lab-expert"]
    running = subprocess.Popen(command, cwd=asking, stderr=subprocess.PIPE, text=True)
    try:
        key_file = asking / ".llf-kit/api_key"
        assert running.stderr is not None
        said = ""
        while "kept in" not in said:
            line = running.stderr.readline()
            assert line, said
            said += line
        key = key_file.read_text().strip()
        assert f"ready: http://127.0.0.1:{port}/v1" in said and key in said
        assert key_file.stat().st_mode & 0o777 == 0o600
        listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        assert f"0100007F:{port:04X}" in listening and f"00000000:{port:04X} 00000000:0000 0A" not in listening

        question = "Is 6.8 mmol/L of potassium critical in Mr Example?"
        body = json.dumps({"model": "lab-expert", "messages": [{"role": "user", "content": question}]}).encode()

        def ask(headers: dict[str, str]) -> dict[str, object]:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
            with urllib.request.urlopen(request, timeout=60) as response:
                return dict(json.load(response))

        with pytest.raises(urllib.error.HTTPError) as refused:
            ask({})
        refused.value.close()
        assert refused.value.code == 401
        answer = ask({"Authorization": f"Bearer {key}"})
        assert answer["choices"]
        assert question not in (asking / ".llf-kit/serve.log").read_text(encoding="utf-8")
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 0


def test_the_model_comes_once_and_whole(smollm2: Path) -> None:
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {
        path.name for path in smollm2.iterdir()
    }
    status, out, _ = call(smollm2, "model", "fetch", "smollm2")
    assert status == 0 and out.splitlines()[-1] == str(smollm2)
