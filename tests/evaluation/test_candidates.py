"""Who a word of the command line stands for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llf_kit.errors import ConfigError, UsageError
from llf_kit.evaluation import candidates, generating

Tree = Callable[[dict[str, Any]], Path]


def record(**changes: Any) -> str:
    """The record of a LoRA training, as llf-kit writes it."""
    config = {
        "stage": "sft", "do_train": True, "model_name_or_path": "models/base", "template": "qwen3",
        "enable_thinking": False, "finetuning_type": "lora",
    }  # fmt: skip
    return json.dumps(
        {
            "command": "train", "output": "saves/a", "config": {**config, **changes}, "config_file": "a.yaml",
            "config_sha256": "", "overrides": [], "data": {}, "versions": {}, "device": "cpu", "started": "",
            "status": "done", "system": {"text": "你是检验科专家。", "rows": 4, "of": 4},
        }
    )  # fmt: skip


def test_a_run_and_its_base_are_asked_in_the_very_same_way(tree: Tree) -> None:
    tree({"saves/a/llf-kit-run.json": record(), "saves/a/adapter_config.json": "{}"})
    tuned, base = candidates.find("saves/a"), candidates.find("base:saves/a")
    assert tuned.tuned is not None
    assert base.tuned is not None
    assert tuned.tuned.adapters == ["saves/a"]
    assert base.tuned.adapters == []
    ours, theirs = dict(tuned.tuned.config.values), dict(base.tuned.config.values)
    assert theirs["default_system"] == "你是检验科专家。"
    for key in ("adapter_name_or_path", "finetuning_type"):
        ours.pop(key)
    assert ours == theirs
    assert candidates.find("base", beside="saves/a") == base
    assert candidates.find("base", beside="base:saves/a") == base


def test_base_and_tuned_are_computed_in_the_precision_of_the_training(tree: Tree) -> None:
    for trained, wanted in ({"bf16": True}, "bf16"), ({"fp16": True}, "fp16"), ({}, None):
        tree({"saves/a/llf-kit-run.json": record(**trained), "saves/a/adapter_config.json": "{}"})
        for word in ("saves/a", "base:saves/a"):
            found = candidates.find(word).tuned
            assert found is not None
            settings = generating.settings(found)
            assert [key for key in settings if key.endswith("_full_eval")] == (
                [f"{wanted}_full_eval"] if wanted else []
            )
            assert settings["default_system"] == "你是检验科专家。"
            assert settings["enable_thinking"] is False


def test_the_base_of_a_whole_model_is_where_its_training_began(tree: Tree) -> None:
    tree({"saves/full/llf-kit-run.json": record(finetuning_type="full"), "saves/full/config.json": "{}"})
    found = candidates.find("base:saves/full").tuned
    assert found is not None
    assert found.config.values["model_name_or_path"] == "models/base"


def test_an_override_reaches_both(tree: Tree) -> None:
    tree({"saves/a/llf-kit-run.json": record(), "saves/a/adapter_config.json": "{}"})
    for word in ("saves/a", "base:saves/a"):
        found = candidates.find(word, ["max_new_tokens=64"]).tuned
        assert found is not None
        assert found.config.values["max_new_tokens"] == 64


def test_models_by_folder_and_by_name(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tree({"cache/models/SmolLM2-135M-Instruct/config.json": "{}", "own/config.json": "{}"})
    monkeypatch.setenv("LLF_KIT_CACHE", str(here / "cache"))
    known = candidates.find("smollm2").tuned
    assert known is not None
    assert known.config.values["template"] == "smollm2"
    assert known.config.values["model_name_or_path"] == str(here / "cache/models/SmolLM2-135M-Instruct")
    with pytest.raises(UsageError, match=r"own: llf-kit does not know its template\. Add template=NAME"):
        candidates.find("own")
    own = candidates.find("own", ["template=qwen"]).tuned
    assert own is not None
    assert own.config.values["template"] == "qwen"


def test_an_endpoint_and_a_file(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree({"answers.jsonl": ""})
    monkeypatch.setenv("LLF_KIT_ENDPOINT_KEY", "secret")
    found = candidates.find("http://127.0.0.1:8000/v1#llf-kit", ["temperature=0.7"])
    assert found.endpoint is not None
    assert (found.endpoint.model, found.endpoint.key) == ("llf-kit", "secret")
    assert found.settings == (("temperature", 0.7),)
    assert "secret" not in repr(found)
    assert candidates.find("answers.jsonl").file == Path("answers.jsonl")


@pytest.mark.parametrize(
    ("word", "error", "said"),
    [
        ("http://127.0.0.1:8000/v1", UsageError, r"which model there\? Write http://127.0.0.1:8000/v1#MODEL"),
        ("http://me:secret@host/v1#m", UsageError, "takes no key in the address"),
        ("saves/nothing", UsageError, "is no file or folder here, and no known model"),
        ("empty", ConfigError, "holds neither a model nor a run"),
        ("base:empty", ConfigError, "there is no run record"),
    ],
)
def test_words_that_stand_for_nobody(word: str, error: type[Exception], said: str, project: Path) -> None:
    (project / "empty").mkdir()
    with pytest.raises(error, match=said) as told:
        candidates.find(word)
    assert "secret" not in str(told.value)
