"""Rows of every format go through LLaMA-Factory's own loader, converter and template: none is dropped or changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ask_upstream

from llf_kit.convert import Plan, convert
from llf_kit.formats import FORMATS

Tree = Callable[[dict[str, Any]], Path]

THROUGH_UPSTREAM = """
from datasets import load_dataset
from llamafactory.data.converter import align_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.data.processor.supervised import SupervisedDatasetProcessor
from llamafactory.hparams import DataArguments
from transformers import AutoTokenizer, TrainingArguments

attributes = get_dataset_list([data["name"]], data["directory"])[0]
arguments = DataArguments(template="chatml", dataset=data["name"], dataset_dir=data["directory"], cutoff_len=512)
file = data["directory"] + "/" + attributes.dataset_name
raw = load_dataset("json", data_files=file, split="train", cache_dir=data["cache"])
aligned = align_dataset(raw, attributes, arguments, TrainingArguments(output_dir=data["cache"], use_cpu=True))
tokenizer = AutoTokenizer.from_pretrained(data["model"])
template = get_template_and_fix_tokenizer(tokenizer, arguments)
processor = SupervisedDatasetProcessor(template=template, tokenizer=tokenizer, processor=None, data_args=arguments)
ready = processor.preprocess_dataset(aligned[:])
result = {
    "rows": [{"prompt": row["_prompt"], "response": row["_response"], "system": row["_system"]} for row in aligned],
    "trained": [tokenizer.decode([t for t in labels if t >= 0]) for labels in ready["labels"]],
}
"""

ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "血钾？"}, {"role": "assistant", "content": "3.5～5.3 mmol/L"}]},
    {
        "messages": [
            {"role": "system", "content": "你是检验师。"},
            {"role": "user", "content": "甲"},
            {"role": "assistant", "content": "乙"},
            {"role": "user", "content": "丙"},
            {"role": "assistant", "content": "10⁹/L"},
        ]
    },
]


@pytest.mark.real
@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_dropped_or_changed(tree: Tree, smollm2: Path, name: str) -> None:
    here = tree({"a.jsonl": ROWS})
    convert(Plan("lab", (here / "a.jsonl",), name), here)
    seen = ask_upstream(
        THROUGH_UPSTREAM, {"name": "lab", "directory": str(here), "cache": str(here / "cache"), "model": str(smollm2)}
    )
    for row, sample in zip(seen["rows"], ROWS, strict=True):
        turns = [turn for turn in sample["messages"] if turn["role"] != "system"]
        assert row["prompt"] + row["response"] == turns
        assert (row["system"] or "") == ("你是检验师。" if len(turns) > 2 else "")
    assert seen["trained"] == [
        "3.5～5.3 mmol/L<|im_end|>\n",
        "乙<|im_end|>\n10⁹/L<|im_end|>\n",
    ]
