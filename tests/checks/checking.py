"""A sound project, and what the checks say once something in it is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from llf_kit import checks
from llf_kit.schema import Finding

SOUND: dict[str, Any] = {
    "model_name_or_path": "Qwen/Qwen2-1.5B-Instruct",
    "template": "qwen",
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "lora_rank": 8,
    "lora_target": "all",
    "dataset_dir": ".",
    "dataset": "lab",
    "cutoff_len": 1024,
    "output_dir": "saves/lab",
    "per_device_train_batch_size": 2,
    "learning_rate": 1.0e-4,
    "num_train_epochs": 3.0,
}
ENTRY: dict[str, Any] = {
    "file_name": "datasets/lab.jsonl",
    "formatting": "alpaca",
    "columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"},
}  # fmt: skip
ROW: dict[str, Any] = {"instruction": "血钾？", "input": "", "output": "3.5～5.3 mmol/L", "system": "", "history": []}


def project(
    directory: Path,
    changes: dict[str, Any] | None = None,
    *,
    entry: dict[str, Any] | None = None,
    rows: list[dict[str, Any]] | None = None,
    without: tuple[str, ...] = (),
) -> Path:
    """A sound project with ``changes`` in its YAML (None removes nothing: see ``without``), its entry or its rows."""
    values = {key: value for key, value in {**SOUND, **(changes or {})}.items() if key not in without}
    (directory / "datasets").mkdir(exist_ok=True)
    text = "".join(
        json.dumps(row, ensure_ascii=False) + "\n" for row in rows or [ROW, {**ROW, "instruction": "血钠？"}]
    )
    (directory / "datasets/lab.jsonl").write_text(text, encoding="utf-8")
    (directory / "dataset_info.json").write_text(json.dumps({"lab": entry or ENTRY}), encoding="utf-8")
    path = directory / "train.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def said(path: Path, check: str, *overrides: str) -> list[Finding]:
    """What one check says; infos are left out."""
    return [one for one in checks.check(path, overrides) if one.check == check and one.severity != "info"]
