from __future__ import annotations

from pathlib import Path

import pytest

from llf_kit.errors import ConfigError
from llf_kit.project import PROJECT_FILE, Settings, load_settings


def read(directory: Path, text: str) -> Settings:
    (directory / PROJECT_FILE).write_text(text, encoding="utf-8")
    return load_settings(directory)


def test_a_project_may_say_how_it_trains(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "train:\n  template: train/full_sft\n  set: {num_train_epochs: 5, learning_rate: 1e-4, "
        "gradient_checkpointing: false, model: here}\nmetrics: [field_f1, json_valid]\n",
    )
    assert settings.train.template == "train/full_sft"
    assert settings.train.parameters == {
        "num_train_epochs": "5",
        "learning_rate": "0.0001",
        "gradient_checkpointing": "False",
        "model": "here",
    }
    assert settings.metrics == ["field_f1", "json_valid"]
    assert load_settings(tmp_path / "none").train.template == "train/lora_sft"


def test_an_unknown_key_is_told_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        read(tmp_path, "train: {tempalte: train/full_sft}\nmetrcs: []\n")
    assert told.value.problems == (
        "llf-kit.yaml: train.tempalte: unknown key. Did you mean 'template'?",
        "llf-kit.yaml: metrcs: unknown key. Did you mean 'metrics'?",
    )
