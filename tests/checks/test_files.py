"""Files beside the data: configurations, calibration texts, models and adapters that a key names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checking import project, said
from conftest import ask_upstream

from llf_kit import checks

_TRAINING = ("do_train", "output_dir", "dataset", "per_device_train_batch_size", "learning_rate", "num_train_epochs")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_configuration_of_deepspeed_that_is_missing_or_broken(here: Path) -> None:
    path = project(here, {"deepspeed": "ds.json"})
    (found,) = said(path, "files")
    assert (found.severity, found.message, found.where) == ("error", "ds.json: there is no such file", "train.yaml:15")
    (here / "ds.json").write_text("{")
    assert [one.message for one in said(path, "files")] == ["ds.json is not readable JSON"]
    (here / "ds.json").write_text(json.dumps({"zero_optimization": {"stage": 3}}))
    assert said(path, "files") == []
    (found,) = said(path, "combinations", "pissa_init=true")
    assert found.message.startswith("ZeRO-3 goes with none of")


@pytest.mark.parametrize("value", ['{"zero_optimization": {"stage": 2}}', {"zero_optimization": {"stage": 2}}])
def test_a_configuration_that_stands_in_the_yaml_is_no_file(here: Path, value: Any) -> None:
    assert said(project(here, {"deepspeed": value}), "files") == []


def test_tokens_with_descriptions(here: Path) -> None:
    path = project(here, {"new_special_tokens_config": "tokens.yaml"})
    assert [one.message for one in said(path, "files")] == ["tokens.yaml: there is no such file"]
    (here / "tokens.yaml").write_text('"<|lab|>": "a value of a laboratory"\n')
    assert said(path, "files") == []


@pytest.mark.parametrize(
    ("stage", "key", "kind", "message"),
    [
        ("ppo", "reward_model", {}, "no such folder"),
        ("ppo", "reward_model", {"reward_model_type": "full"}, "no such folder"),
        ("dpo", "ref_model", {}, "no such folder"),
        ("dpo", "ref_model_adapters", {}, "no such folder"),
    ],
)
def test_other_models_than_the_base(here: Path, stage: str, key: str, kind: dict[str, str], message: str) -> None:
    (found,) = said(project(here, {"stage": stage, key: "saves/lab/reward", **kind}), "model")
    assert message in found.message and found.where.startswith("train.yaml:")


def test_a_reward_model_behind_an_address_is_no_folder(here: Path) -> None:
    changes = {"stage": "ppo", "reward_model": "http://127.0.0.1:9", "reward_model_type": "api"}
    assert said(project(here, changes), "model") == []


def test_the_base_model_is_missing(here: Path) -> None:
    (found,) = said(project(here, without=("model_name_or_path",)), "model")
    assert (found.severity, found.hint) == ("error", "Add model_name_or_path.")
    (here / "train.yaml").write_text("")
    assert [one.hint for one in checks.check(Path("train.yaml"))] == ["Add model_name_or_path."]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (None, "there is no such file"),
        ([{"instruction": "a", "output": "b"}], "has a row without a 'text'"),
        ([{"text": "short"}], "no text of texts.jsonl is longer than export_quantization_maxlen: 1024 tokens"),
        ([{"text": "short"}, {"text": "long " * 999}], ""),
    ],
)
def test_texts_to_calibrate_on(here: Path, rows: list[dict[str, str]] | None, message: str) -> None:
    changes = {"export_dir": "out", "export_quantization_bit": 4, "export_quantization_dataset": "texts.jsonl"}
    path = project(here, changes, without=_TRAINING)
    if rows is not None:
        (here / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = said(path, "calibration")
    assert [message in one.message for one in found] == ([True] if message else [])


CALIBRATION = """
from llamafactory.hparams import ModelArguments
from llamafactory.model.model_utils.quantization import _get_quantization_dataset
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(data["model"])
result = []
for file in data["files"]:
    arguments = ModelArguments(model_name_or_path=data["model"], cache_dir=data["cache"])
    arguments.export_quantization_dataset = file
    arguments.export_quantization_nsamples, arguments.export_quantization_maxlen = 2, 16
    try:
        _get_quantization_dataset(tokenizer, arguments)
        result.append("")
    except Exception as error:
        result.append(type(error).__name__)
"""


@pytest.mark.real
def test_upstream_calibrates_on_the_same_texts(here: Path, smollm2: Path) -> None:
    rows = {"no_text": {"output": "b"}, "short": {"text": "血钾"}, "right": {"text": "血钾 3.5～5.3 mmol/L " * 9}}
    files = []
    for name, row in rows.items():
        files.append(str(here / f"{name}.jsonl"))
        Path(files[-1]).write_text(json.dumps(row) + "\n")
    asked = {"model": str(smollm2), "files": files, "cache": str(here / "cache")}
    ends = ask_upstream(CALIBRATION, asked)
    assert ends == ["KeyError", "ValueError", ""]
    for file, end in zip(files, ends, strict=True):
        changes = {"export_dir": "out", "export_quantization_bit": 4, "export_quantization_dataset": file}
        more = {"model_name_or_path": str(smollm2), "template": "chatml", "export_quantization_maxlen": 16}
        assert bool(said(project(here, {**changes, **more}, without=_TRAINING), "calibration")) is bool(end)
