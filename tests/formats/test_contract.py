"""Rows of every format and container go through LLaMA-Factory's own loader, converter and template.

None is dropped and none is changed. One process of upstream serves all of them: it takes seconds to import.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ask_upstream

from llf_kit.convert import Plan, convert
from llf_kit.formats import FORMATS
from llf_kit.outputs import Container

THROUGH_UPSTREAM = """
from llamafactory.data.loader import _get_dataset_processor, _load_single_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments
from transformers import AutoTokenizer, TrainingArguments

model = ModelArguments(model_name_or_path=data["model"], cache_dir=data["cache"])
training = TrainingArguments(output_dir=data["cache"], use_cpu=True)
tokenizer = AutoTokenizer.from_pretrained(data["model"])
result = {}
for name, (stage, template) in data["names"].items():
    arguments = DataArguments(template=template, dataset=name, dataset_dir=data["directory"], cutoff_len=512)
    aligned = _load_single_dataset(get_dataset_list([name], data["directory"])[0], model, arguments, training)
    shaped = get_template_and_fix_tokenizer(tokenizer, arguments)
    processor = _get_dataset_processor(arguments, stage, shaped, tokenizer, None)
    few = aligned.select(range(min(len(aligned), 8)))
    ready = processor.preprocess_dataset(few[:])
    decode = lambda labels: tokenizer.decode([t for t in labels if t >= 0])
    keys = [key for key in ("labels", "chosen_labels", "rejected_labels") if key in ready] or ["input_ids"]
    result[name] = {
        "count": len(aligned),
        "rows": [{key[1:]: row[key] for key in ("_prompt", "_response", "_system", "_tools")} for row in few],
        "trained": {key: [decode(labels) for labels in ready[key]] for key in keys},
        "good": ready.get("kto_tags"),
    }
"""

STAGES = {"preference": "rm", "preference_sharegpt": "rm", "kto": "kto", "pretrain": "pt"}
CHAT: list[dict[str, Any]] = [
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
PAIRS = [
    {"question": "血钾 6.8？", "chosen": "复查", "rejected": "喝水"},
    {"history": [["甲", "乙"]], "question": "丙", "system": "你是检验师。", "chosen": "丁", "rejected": "戊"},
]
JUDGED = [{"question": "甲", "answer": "好答", "label": True}, {"question": "乙", "answer": "坏答", "label": False}]
CALL = {"id": "1", "type": "function", "function": {"name": "lis", "arguments": '{"analyte": "血钾"}'}}
TOOL = {"type": "function", "function": {"name": "lis", "description": "查结果", "parameters": {"type": "object"}}}
CALLS = [
    {
        "messages": [
            {"role": "user", "content": "今天的血钾？"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": '{"value": 6.8}'},
            {"role": "assistant", "content": "6.8 mmol/L"},
        ],
        "tools": [TOOL],
    }
]


@pytest.fixture(scope="module")
def seen(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What upstream makes of one dataset a format, and of some that need a closer look."""
    here = tmp_path_factory.mktemp("contract")

    def write(name: str, rows: list[dict[str, Any]], format_: str, container: Container | None = None) -> None:
        source = here / f"{name}.raw.jsonl"
        source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        convert(Plan(name, (source,), format_, container=container or Container()), here)

    for name in FORMATS:
        rows = {"preference": PAIRS, "preference_sharegpt": PAIRS, "kto": JUDGED}.get(name, CHAT)
        write(name, rows, name)
    write("calls_sharegpt", CALLS, "sharegpt")
    write("calls_openai", CALLS, "openai")
    # The first block of ten megabytes decides upon the type of every column.
    many = [{"messages": [CHAT[0]["messages"][0], {"role": "assistant", "content": f"{n}" * 900}]} for n in range(9999)]
    write("late", [*many, CHAT[1]], "alpaca")
    write("late_sharegpt", [*many, {**CHAT[1], "tools": [TOOL]}], "sharegpt")
    write("array", CHAT, "alpaca", Container("json"))
    write("columns", CHAT, "alpaca", Container("parquet"))
    write("parts", CHAT, "sharegpt", Container("jsonl", shard_rows=1))
    write("column_parts", CHAT, "alpaca", Container("parquet", shard_rows=1))
    names = {
        name: (STAGES.get(name, "sft"), "qwen" if name.startswith("calls") else "chatml") for name in _entries(here)
    }
    found: dict[str, Any] = ask_upstream(
        THROUGH_UPSTREAM,
        {"names": names, "directory": str(here), "cache": str(here / "cache"), "model": str(smollm2)},
    )
    return found


def _entries(directory: Path) -> list[str]:
    return list(json.loads((directory / "dataset_info.json").read_text(encoding="utf-8")))


@pytest.mark.real
@pytest.mark.parametrize("name", ["alpaca", "sharegpt", "openai", "array", "columns", "parts", "column_parts"])
def test_conversations_come_through_whole(seen: dict[str, Any], name: str) -> None:
    found = sorted(seen[name]["rows"], key=lambda row: len(row["prompt"]))  # parts are listed in any order
    for row, sample in zip(found, CHAT, strict=True):
        turns = [turn for turn in sample["messages"] if turn["role"] != "system"]
        assert row["prompt"] + row["response"] == turns
        assert (row["system"] or "") == ("你是检验师。" if len(turns) > 2 else "")
        assert not row["tools"]
    assert sorted(seen[name]["trained"]["labels"]) == [
        "3.5～5.3 mmol/L<|im_end|>\n",
        "乙<|im_end|>\n10⁹/L<|im_end|>\n",
    ]


@pytest.mark.real
@pytest.mark.parametrize("name", ["preference", "preference_sharegpt"])
def test_pairs_come_through_whole(seen: dict[str, Any], name: str) -> None:
    contents = [[turn["content"] for turn in row["prompt"] + row["response"]] for row in seen[name]["rows"]]
    assert contents == [["血钾 6.8？", "复查", "喝水"], ["甲", "乙", "丙", "丁", "戊"]]
    assert [row["system"] or "" for row in seen[name]["rows"]] == ["", "你是检验师。"]
    assert seen[name]["trained"] == {
        "chosen_labels": ["复查<|im_end|>\n", "丁<|im_end|>\n"],
        "rejected_labels": ["喝水<|im_end|>\n", "戊<|im_end|>\n"],
    }


@pytest.mark.real
def test_judgements_come_through_whole(seen: dict[str, Any]) -> None:
    assert seen["kto"]["good"] == [True, False]
    assert seen["kto"]["trained"]["labels"] == ["好答<|im_end|>\n", "坏答<|im_end|>\n"]


@pytest.mark.real
def test_texts_come_through_whole(seen: dict[str, Any]) -> None:
    assert [row["prompt"][0]["content"] for row in seen["pretrain"]["rows"]] == [
        "血钾？\n3.5～5.3 mmol/L",
        "你是检验师。\n甲\n乙\n丙\n10⁹/L",
    ]
    assert len(seen["pretrain"]["trained"]["input_ids"]) == 2


@pytest.mark.real
@pytest.mark.parametrize("name", ["calls_sharegpt", "calls_openai"])
def test_tool_calls_come_through_whole(seen: dict[str, Any], name: str) -> None:
    (row,) = seen[name]["rows"]
    assert [turn["role"] for turn in row["prompt"] + row["response"]] == [
        "user",
        "function",
        "observation",
        "assistant",
    ]
    assert json.loads(row["tools"]) == [TOOL]
    assert seen[name]["trained"]["labels"] == [
        '<tool_call>\n{"name": "lis", "arguments": {"analyte": "血钾"}}\n</tool_call><|im_end|>\n6.8 mmol/L<|im_end|>\n'
    ]


@pytest.mark.real
@pytest.mark.parametrize("name", ["late", "late_sharegpt"])
def test_what_first_appears_late_in_a_large_file_is_loaded(seen: dict[str, Any], name: str) -> None:
    assert seen[name]["count"] == 10_000
