"""A filled sheet becomes a dataset that the shipped DPO template really trains on."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import call
from reviewing import QUESTIONS, change, fill, predicted, put, write_rows

pytestmark = pytest.mark.real


def test_two_steps_of_dpo_on_what_raters_preferred(smollm2: Path, project: Path) -> None:
    lines = [f"{question},{wanted},{label}" for question, (wanted, label) in QUESTIONS.items()]
    (project / "raw.csv").write_text("\n".join(["问题,答案,标签", *lines]), encoding="utf-8")
    write_rows(project / "base.jsonl", predicted(lambda number, _: f"不清楚 {number}。"))
    write_rows(project / "tuned.jsonl", predicted(lambda _, wanted: wanted))

    def run(*arguments: object) -> str:
        status, _, said = call(project, *arguments)
        assert status == 0, said[-2000:]
        return said

    run("convert", "raw.csv", "--name", "lab", "--system", "你是检验科专家。")
    run("review", "export", "base.jsonl", "tuned.jsonl", "--name", "blind", "--raters", "张老师")
    path = fill(project, "张老师", {"base": 2, "tuned": 5}, dict.fromkeys(range(5), "tuned") | {5: "都不好"})
    change(path, lambda sheet: put(sheet, 6, 修正后的答案="拒收，记录，并通知重新采集。"))
    said = run("review", "import", "blind", path, "--dataset", "pairs")
    assert "datasets/pairs.jsonl: 5 rows" in said
    settings = {
        "model": smollm2, "dataset": "pairs", "precision": "fp32", "val_size": 0, "cutoff_len": 128,
        "logging_steps": 1, "gradient_accumulation_steps": 1, "per_device_train_batch_size": 1,
    }  # fmt: skip
    run("render", "train/dpo", "-o", "dpo.yaml", *(part for key, value in settings.items()
                                                    for part in ("--set", f"{key}={value}")))  # fmt: skip
    said = run("train", "dpo.yaml", "max_steps=2", "max_samples=2", "logging_steps=1")
    assert "step 2/2" in said
    assert (project / "saves/dpo/adapter_model.safetensors").is_file()
