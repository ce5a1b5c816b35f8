"""A YAML for one thing that is handed over for another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from checking import project
from conftest import Result, ask_upstream

from llf_kit import checks

TRAINING = ("do_train", "output_dir", "dataset", "per_device_train_batch_size", "learning_rate", "num_train_epochs")
REFUSED = "for training alone, and refused in chat, api and export"

UPSTREAM = """
from llamafactory.hparams import get_infer_args
try:
    get_infer_args(data)
except ValueError as error:
    result = str(error)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLF_KIT_LLAMAFACTORY_CLI", "/bin/true")
    return tmp_path


@pytest.mark.parametrize("verb", ["chat", "serve", "export"])
def test_a_yaml_of_training_is_not_handed_to_another_verb(
    here: Path, llf_kit: Callable[..., Result], verb: str
) -> None:
    (here / "saves/lab/checkpoint-5").mkdir(parents=True)
    done = llf_kit(verb, project(here))
    assert done.status == 1
    assert f"do_train, output_dir, per_device_train_batch_size, learning_rate, num_train_epochs: {REFUSED}" in done.err
    assert "checkpoints" not in done.err  # which are of no concern to it


@pytest.mark.real
def test_upstream_refuses_it_too() -> None:
    said = ask_upstream(UPSTREAM, {"model_name_or_path": "x", "template": "qwen", "do_train": True, "output_dir": "y"})
    assert "not used by the HfArgumentParser" in said


def test_a_yaml_for_chat_is_not_handed_to_train(here: Path, llf_kit: Callable[..., Result]) -> None:
    path = project(here, without=TRAINING)
    assert [one for one in checks.check(path) if one.severity != "info"] == []
    done = llf_kit("train", path)
    assert done.status == 1
    assert "do_train is not set" in done.err and "output_dir is missing" in done.err


def test_a_key_of_training_among_those_for_export(here: Path) -> None:
    path = project(here, {"export_dir": "out", "bf16": True}, without=TRAINING)
    (found,) = [one for one in checks.check(path) if one.severity == "error"]
    assert (found.check, found.message) == ("keys", f"bf16: {REFUSED}")
