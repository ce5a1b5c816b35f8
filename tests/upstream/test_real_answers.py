"""The tuned model, really: its answers in chat, merged and served, against those of upstream's own prediction."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, Trained, ask_upstream, call

from llf_kit.evaluation import predictions
from llf_kit.upstream import record

pytestmark = pytest.mark.real

LONGEST = 24  # tokens of an answer
QUESTIONS = ("血钾的参考区间？", "血钠的参考区间？", "血氯的参考区间？", "白蛋白的参考区间？")


@pytest.fixture(scope="module")
def predicted(trained: Trained, smollm2: Path) -> list[str]:
    """The likeliest answers of base and adapter to the four questions, by upstream's prediction."""
    settings = {"model": smollm2, "adapter": "saves/lora_sft", "eval_dataset": "lab", "precision": "fp32"}
    settings |= {"max_new_tokens": LONGEST, "cutoff_len": 128, "output_dir": "saves/asked"}
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    assert call(trained.directory, "render", "predict/generate", "-o", "asked.yaml", *options)[0] == 0
    status, _, said = call(trained.directory, "train", "asked.yaml")
    assert status == 0, said
    return [row.predict for row in predictions.read(trained.directory / "saves/asked" / predictions.FILE)]


@pytest.fixture(scope="module")
def merged(trained: Trained) -> tuple[Path, str]:
    """The run, exported by its folder alone, and what the command said."""
    status, _, said = call(trained.directory, "export", "saves/lora_sft")
    assert status == 0, said
    return trained.directory / "models/lora_sft", said


def parted(expected: Sequence[str], answers: Sequence[str]) -> list[str]:
    """Where the answers part, as something to read."""
    asked = zip(QUESTIONS, expected, answers, strict=True)
    return [f"{question} {one!r} | {other!r}" for question, one, other in asked if one != other.strip()]


def test_chat_answers_a_run_as_it_was_measured(trained: Trained, predicted: list[str]) -> None:
    """To the end of its input, at once: upstream's own chat aborts there, or ends with a traceback."""
    asked = "\nclear\n".join(QUESTIONS)
    status, said, error = call(trained.directory, "chat", "saves/lora_sft", f"max_new_tokens={LONGEST}", stdin=asked)
    assert status == 0, error
    assert not re.search(r"INFO|WARNING|Traceback|%\|", said + error)
    answers = [part.split("\n\nUser: ")[0] for part in said.split("Assistant: ")[1:]]
    assert parted(predicted, answers) == []


def test_a_merged_model_is_whole_and_fits_its_training(merged: tuple[Path, str]) -> None:
    folder, said = merged
    made = record.load(folder)
    assert made.status == "done" and made.result["mended"]
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"] and config["dtype"] == "float32"
    assert not (folder / "adapter_config.json").exists()
    # SmolLM2's own tokenizer ends at <|im_start|>, and its answers at <|im_end|>
    assert json.loads((folder / "tokenizer_config.json").read_text())["eos_token"] == "<|im_end|>"
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [2, 1]
    assert "tokenizer_config.json: the end token is <|im_end|>" in said
    assert 'SYSTEM """你是检验科专家。"""' in (folder / "Modelfile").read_text(encoding="utf-8")
    assert "--host 127.0.0.1" in (folder / "SERVING.txt").read_text(encoding="utf-8")
    assert "| lab | lab.jsonl | 4 |" in (folder / "README.md").read_text(encoding="utf-8")


_PROMPTS = """
from transformers import AutoTokenizer
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments
base, merged = (AutoTokenizer.from_pretrained(data[key]) for key in ("base", "merged"))
template = get_template_and_fix_tokenizer(base, DataArguments(template="smollm2", default_system=data["system"]))
result = []
for messages in data["conversations"]:
    system = messages[0]["content"] if messages[0]["role"] == "system" else None
    turns = messages[1:] if system else messages
    trained, _ = template.encode_oneturn(base, [*turns, {"role": "assistant", "content": ""}], system)
    served = merged.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    result.append([trained, merged.encode(served, add_special_tokens=False)])
"""


def test_a_server_that_knows_only_the_folder_asks_with_the_same_tokens(merged: tuple[Path, str], smollm2: Path) -> None:
    asked = {"role": "user", "content": QUESTIONS[0]}
    own = {"role": "system", "content": "Answer in English."}
    more = [asked, {"role": "assistant", "content": "3.5～5.3 mmol/L"}, {"role": "user", "content": "儿童呢？"}]
    data = {"base": str(smollm2), "merged": str(merged[0]), "system": "你是检验科专家。"}
    for trained, served in ask_upstream(_PROMPTS, {**data, "conversations": [[asked], [own, asked], more]}):
        assert trained == served


@dataclass
class Served:
    """``llf-kit serve`` of the merged model: where it listens, its key, and what it said."""

    port: int
    key: str
    said: str

    def ask(self, *messages: dict[str, str], key: str | None = None, longest: int = 1) -> dict[str, Any]:
        body = json.dumps({"model": "lab-expert", "messages": messages, "max_tokens": longest}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key or self.key}"}
        url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=300) as response:
            return dict(json.load(response))


@pytest.fixture(scope="module")
def served(merged: tuple[Path, str], trained: Trained) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [BIN / "llf-kit", "serve", "models/lora_sft", "--port", str(port), "--name", "lab-expert"]
    running = subprocess.Popen(command, cwd=trained.directory, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        said = ""
        while "kept in" not in said:
            line = running.stderr.readline()
            assert line, said
            said += line
        yield Served(port, (trained.directory / ".llf-kit/api_key").read_text().strip(), said)
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 0


def test_serve_answers_on_this_machine_to_the_key_alone_and_logs_no_question(served: Served, trained: Trained) -> None:
    assert f"ready: http://127.0.0.1:{served.port}/v1" in served.said and served.key in served.said
    assert (trained.directory / ".llf-kit/api_key").stat().st_mode & 0o777 == 0o600
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    assert (
        f"0100007F:{served.port:04X}" in listening and f"00000000:{served.port:04X} 00000000:0000 0A" not in listening
    )
    question = {"role": "user", "content": "Is 6.8 mmol/L of potassium critical in Mr Example?"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        served.ask(question, key="another")
    refused.value.close()
    assert refused.value.code == 401
    assert served.ask(question)["choices"]
    assert "Mr Example" not in (trained.directory / ".llf-kit/serve.log").read_text(encoding="utf-8")


def test_the_merged_model_answers_through_serve_as_it_was_measured(served: Served, predicted: list[str]) -> None:
    said = [served.ask({"role": "user", "content": question}, longest=LONGEST) for question in QUESTIONS]
    assert parted(predicted, [one["choices"][0]["message"]["content"] for one in said]) == []


def test_the_system_prompt_of_a_conversation_comes_before_that_of_the_training(served: Served) -> None:
    def length(*system: str) -> int:
        messages = [{"role": "system", "content": one} for one in system]
        asked = served.ask(*messages, {"role": "user", "content": QUESTIONS[0]})
        return int(asked["usage"]["prompt_tokens"])

    assert length() == length("你是检验科专家。") == length("")
    assert length("A.") < length()


def test_a_model_that_cannot_answer_is_not_called_ready(trained: Trained) -> None:
    """Another model's template: its tokens are not there, which upstream finds out at every question."""
    status, _, said = call(trained.directory, "chat", "saves/lora_sft", "template=llama3", "--no-check", stdin="x")
    assert status == 1
    assert "template is another than in training" in said
    assert "saves/lora_sft: the model is loaded and does not answer: IndexError" in said
