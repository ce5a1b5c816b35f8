"""Shares of labels: one dataset a label that LLaMA-Factory itself mixes, or rows that are drawn and repeated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Result, ask_upstream, rows

RAW = [
    *({"问题": f"参考区间{number}？", "答案": "3.5～5.3 mmol/L", "标签": "参考区间"} for number in range(40)),
    *({"问题": f"QC {number}?", "答案": "Stop.", "标签": "internal QC"} for number in range(8)),
    *({"问题": f"没有标签{number}？", "答案": "有", "标签": ""} for number in range(2)),
]
SHARES = "name: lab\nshares: {参考区间: 0.5, internal QC: 0.4, unknown: 0.1}\n"


@pytest.fixture
def converted(llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]) -> Path:
    directory = tree({"a.jsonl": RAW, "llf-kit.yaml": SHARES})
    assert llf_kit("convert", "a.jsonl").status == 0
    return directory


def test_one_dataset_a_label_with_the_lines_for_the_yaml(converted: Path, llf_kit: Callable[..., Result]) -> None:
    done = llf_kit("mix", "lab")
    assert done.status == 0, done.err
    yaml_ = yaml.safe_load(done.out)
    assert yaml_ == {
        "dataset": "lab_label1,lab_internal_qc,lab_unknown",
        "mix_strategy": "interleave_over",
        "interleave_probs": "0.5,0.4,0.1",
    }
    assert "lab_label1  参考区间: 40 rows → share 0.5" in done.err
    # 40 rows are half of what an epoch then holds; 32 of 8 and 8 of 2 are wanted.
    assert "about 80 rows an epoch: 30 are repetitions; 0 rows of the dataset are left out" in done.err
    entries = json.loads((converted / "dataset_info.json").read_text())
    assert entries["lab_label1"]["columns"] == entries["lab"]["columns"]
    assert [row["instruction"] for row in rows(converted / "datasets/lab_internal_qc.jsonl")] == [
        f"QC {number}?" for number in range(8)
    ]
    settings = [argument for key, value in yaml_.items() for argument in ("--set", f"{key}={value}")]
    rendered = llf_kit("render", "train/lora_sft", *settings, "-o", "train.yaml")
    assert rendered.status == 0, rendered.err
    checked = llf_kit("check", "train.yaml", "--no-tokens", "--json")
    assert [one for one in checked.json if one["severity"] == "error"] == []


def test_another_mix_takes_the_datasets_of_the_last_one_away(converted: Path, llf_kit: Callable[..., Result]) -> None:
    assert llf_kit("mix", "lab").status == 0
    (converted / "llf-kit.yaml").write_text("shares: {参考区间: 1, internal QC: 0, unknown: 0}\n")
    done = llf_kit("mix", "lab", "--json")
    assert done.json["left_out"] == 10
    assert "lab_unknown" not in json.loads((converted / "dataset_info.json").read_text())
    assert not (converted / "datasets/lab_unknown.jsonl").exists()
    assert len(rows(converted / "datasets/lab.jsonl")) == 50


def test_what_is_not_ours_is_not_replaced(converted: Path, llf_kit: Callable[..., Result]) -> None:
    (converted / "datasets/lab_unknown.jsonl").write_text("theirs\n")
    done = llf_kit("mix", "lab")
    assert done.status == 2
    assert "datasets/lab_unknown.jsonl is there and not registered" in done.err
    assert "lab_label1" not in json.loads((converted / "dataset_info.json").read_text())


def test_resampling_meets_the_shares_and_says_what_it_repeats(converted: Path, llf_kit: Callable[..., Result]) -> None:
    done = llf_kit("mix", "lab", "--resample", "--seed", "1", "--json")
    made = rows(converted / "datasets/lab_mixed.jsonl")
    assert Counter(row["label"] for row in made) == {"参考区间": 25, "internal QC": 20, "": 5}
    different = len({row["instruction"] for row in made})
    assert done.json["rows"] == 50 == different + done.json["repeated"]
    assert done.json["left_out"] == 50 - different == 15
    spread = Counter(row["instruction"] for row in made if row["label"] == "internal QC")
    assert set(spread.values()) == {2, 3}  # equally often, but for the remainder
    first = (converted / "datasets/lab_mixed.jsonl").read_bytes()
    assert llf_kit("mix", "lab", "--resample", "--seed", "1").status == 0
    assert (converted / "datasets/lab_mixed.jsonl").read_bytes() == first
    assert llf_kit("mix", "lab", "--resample", "--seed", "2").status == 0
    assert (converted / "datasets/lab_mixed.jsonl").read_bytes() != first


def test_shares_that_cannot_be_met_write_nothing(converted: Path, llf_kit: Callable[..., Result]) -> None:
    (converted / "llf-kit.yaml").write_text("shares: {参考区间: 0.5, 危急值: 0.3}\n")
    done = llf_kit("mix", "lab")
    assert done.status == 1
    for said in ("sum to 0.8", "危急值: wants 30%", "internal QC: has 8 rows and no share", "unknown: has 2 rows"):
        assert said in done.err
    assert not list((converted / "datasets").glob("lab_*"))


@pytest.mark.real
def test_upstream_mixes_them_in_these_shares(converted: Path, llf_kit: Callable[..., Result]) -> None:
    done = llf_kit("mix", "lab", "--json")
    told = ask_upstream(
        """
import logging; logging.disable(logging.CRITICAL)
import os; os.chdir(data["directory"])
from types import SimpleNamespace
from llamafactory.data.loader import _get_merged_dataset
from llamafactory.hparams import DataArguments, ModelArguments
from llamafactory.hparams.training_args import TrainingArguments
arguments = DataArguments(dataset_dir=".", val_size=0, **data["yaml"])
training = TrainingArguments(output_dir="out", seed=42)
mixed = _get_merged_dataset(arguments.dataset, ModelArguments(model_name_or_path="x"), arguments, training, "sft")
result = [row["content"] for prompt in mixed["_prompt"] for row in prompt]
""",
        {"directory": str(converted), "yaml": done.json["yaml"]},
    )
    kinds = Counter(question[:2] for question in told)
    assert set(kinds) == {"参考", "QC", "没有"}
    assert abs(len(told) - done.json["rows"]) <= 0.35 * done.json["rows"]
    assert kinds["参考"] / len(told) == pytest.approx(0.5, abs=0.12)
    assert len({question for question in told if question.startswith("参考")}) == 40
