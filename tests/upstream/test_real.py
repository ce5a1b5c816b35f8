"""The hand-off to the real llamafactory and the real small model: train, resume, stop, predict."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import BIN, Trained, call

from llf_kit.evaluation import predictions
from llf_kit.upstream import record
from llf_kit.upstream.models import fingerprint
from llf_kit.upstream.system_prompt import SystemPrompt

pytestmark = pytest.mark.real


def wait_for(what: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


def test_two_steps_leave_an_adapter_a_record_and_a_private_log(trained: Trained, smollm2: Path) -> None:
    assert (trained.adapter / "adapter_model.safetensors").is_file()
    made = record.load(trained.adapter)
    assert (made.status, made.exit_code, made.command) == ("done", 0, "train")
    assert made.versions["llamafactory"] and made.versions["torch"]
    assert made.data == {
        "lab": {"file": "datasets/lab.jsonl", "sha256": made.data["lab"]["sha256"], "rows": 4},
    }
    assert made.system == SystemPrompt("你是检验科专家。", 4, 4) and made.base == fingerprint(smollm2)
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


def test_the_model_comes_once_and_whole(smollm2: Path) -> None:
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {
        path.name for path in smollm2.iterdir()
    }
    status, out, _ = call(smollm2, "model", "fetch", "smollm2")
    assert status == 0 and out.splitlines()[-1] == str(smollm2)
