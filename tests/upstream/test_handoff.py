"""The hand-off without training: finding the command, reading configs, refusing what would go wrong in silence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result

from llf_kit.errors import ConfigError, NotInstalledError, UsageError
from llf_kit.upstream import configs, failures, locate, record, runs, serving

Tree = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]


def test_not_installed_is_one_sentence(
    llf_kit: Run, tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tree({"a.yaml": "output_dir: out\n"})
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for verb in ("train", "export", "chat", "serve"):
        done = llf_kit(verb, "a.yaml")
        assert done.status == 1
        assert (
            done.err.splitlines()[-1]
            == "error: llamafactory-cli: is not installed. Install it: pip install 'llf-kit[train]'"
        )


def test_the_variable_wins_and_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other-cli"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv(locate.VARIABLE, str(other))
    assert locate.find() == other
    monkeypatch.setenv(locate.VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(NotInstalledError, match="is no program"):
        locate.find()


@pytest.mark.parametrize(
    ("name", "overrides", "error", "says"),
    [
        ("a.json", (), ConfigError, "reads .yaml and .yml only"),
        ("gone.yaml", (), ConfigError, "there is no such file"),
        ("bad.yaml", (), ConfigError, r"bad\.yaml:2: "),
        ("list.yaml", (), ConfigError, "not `key: value` lines"),
        ("a.yaml", ("lr",), UsageError, "is not key=value"),
    ],
)
def test_unusable_configs(tree: Tree, name: str, overrides: tuple[str, ...], error: type[Exception], says: str) -> None:
    here = tree({"a.yaml": "output_dir: out\n", "a.json": "{}", "bad.yaml": "a: [1\nb: 2\n", "list.yaml": "- a\n"})
    with pytest.raises(error, match=says):
        configs.load(here / name, overrides)


def test_overrides_are_typed_as_yaml(tree: Tree) -> None:
    here = tree({"a.yaml": "lora_rank: 8\noutput_dir: out\n"})
    values = configs.load(here / "a.yaml", ["lora_rank=16", "bf16=true", "output_dir=a=b"]).values
    assert values == {"lora_rank": 16, "bf16": True, "output_dir": "a=b"}


def test_a_finished_run_is_not_continued_unasked(llf_kit: Run, tree: Tree) -> None:
    here = tree({"a.yaml": "output_dir: out\ndo_train: true\n", "out/checkpoint-20/x": "", "out/checkpoint-100/x": ""})
    assert "a.yaml:1: error: out holds checkpoints" in llf_kit("train", "a.yaml").err
    done = llf_kit("train", "a.yaml", "--no-check")
    assert done.status == 1
    assert "out: already holds a run (checkpoint-100)" in done.err
    assert not (here / "out" / record.FILE).exists()


@pytest.mark.parametrize("text", ["output_dir: out\ndo_train: true\n", "output_dir: out\ndo_predict: true\n"])
def test_what_has_no_checkpoint_is_not_resumed(llf_kit: Run, tree: Tree, text: str) -> None:
    tree({"a.yaml": text, "out/checkpoint-x/x": ""})
    done = llf_kit("train", "a.yaml", "--resume")
    assert (done.status, done.err) == (
        2,
        "error: out: has no checkpoint to resume from. Leave --resume out.\n",
    )


def test_without_an_output_folder_nothing_starts(llf_kit: Run, tree: Tree) -> None:
    tree({"a.yaml": "stage: sft\n"})
    assert "error: output_dir is missing" in llf_kit("train", "a.yaml").err
    assert "a.yaml: output_dir is missing. Add it, or give output_dir=…" in llf_kit("train", "a.yaml", "--no-check").err


def test_the_progress_of_the_trainer_log_is_read_line_by_line(tmp_path: Path) -> None:
    log = tmp_path / "trainer_log.jsonl"
    line = {
        "current_steps": 5,
        "total_steps": 20,
        "loss": 1.5,
        "lr": 1e-4,
        "elapsed_time": "0:00:10",
        "remaining_time": "0:00:30",
    }
    seen: list[runs.Progress] = []
    log.write_text(json.dumps({**line, "current_steps": 1}) + "\n")  # an earlier run's
    tail = runs._Tail(log, seen.append)
    with log.open("a") as file:
        file.write(json.dumps(line) + "\n" + json.dumps(line)[:20])
        file.flush()
        tail.look()
        assert [report.step for report in seen] == [5]
        file.write(json.dumps(line)[20:] + "\n")
    tail.look()
    assert [(report.step, report.steps, report.loss) for report in seen] == [(5, 20, 1.5)] * 2
    log.write_text(json.dumps({**line, "current_steps": 2}) + "\n")  # upstream began a new one
    tail.look()
    assert seen[-1].step == 2


@pytest.mark.parametrize(
    ("log", "code", "says"),
    [
        (
            "ValueError: Some keys are not used by the HfArgumentParser: ['lr']",
            1,
            "unknown to the installed LLaMA-Factory",
        ),
        ("ValueError: Undefined dataset lab in dataset_info.json.", 1, "llf-kit convert"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", 1, "per_device_train_batch_size"),
        ("ValueError: Your setup doesn't support bf16/gpu.", 1, "precision=fp32"),
        ("OSError: We couldn't connect to 'https://huggingface.co' to load the files", 1, "llf-kit model fetch"),
        ("OSError: [Errno 28] No space left on device", 1, "Make room"),
        ("12%|█  | 3/20", -9, "memory ran out"),
        ("nothing of note", 3, "it ended with exit status 3. The log has the rest."),
    ],
)
def test_known_failures_are_explained(tmp_path: Path, log: str, code: int, says: str) -> None:
    path = tmp_path / "log"
    path.write_text(f"training example:\ninputs: 张三 13800138000\nTraceback (most recent call last):\n{log}\n")
    said = failures.explain(path, code)
    assert says in said
    assert "13800138000" not in said


def test_the_key_of_the_server_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "api_key"
    key, new = serving._key(path)
    assert new and len(key) > 30 and path.stat().st_mode & 0o777 == 0o600
    assert serving._key(path) == (key, False)


def test_a_taken_port_is_said_before_the_model_is_loaded(llf_kit: Run, tree: Tree) -> None:
    import socket

    tree({"a.yaml": "model_name_or_path: lab/expert\ntemplate: chatml\n"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = llf_kit("serve", "a.yaml", "--port", port)
    assert done.status == 2
    assert f"--port {port}: cannot be used on 127.0.0.1" in done.err
