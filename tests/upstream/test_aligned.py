"""Rows in upstream's form: every kind of entry against upstream's own loader and converters."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from conftest import ask_upstream

from llf_kit.errors import DataError
from llf_kit.upstream.aligned import Aligned, Refused, aligner, refusal, rows
from llf_kit.upstream.dataset_entries import Dataset

ALPACA = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}
TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
TAGS |= {"system_tag": "system", "observation_tag": "tool", "function_tag": "function"}
CONVERSATION = {"messages": "messages", "system": "system"}


def turns(*pairs: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in pairs]


ASKED = turns(("user", "血钾？"), ("assistant", "3.5"), ("user", "血钠？"), ("assistant", "137"))

# Each: an entry, and rows of it. No row here ends upstream's run.
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "alpaca": (
        {"formatting": "alpaca", "columns": ALPACA},
        [
            {"instruction": "问", "input": "补", "output": "答", "system": "师", "history": [["早", "晚"]]},
            {"instruction": "", "input": None, "output": "", "system": None, "history": []},
            {"instruction": "问", "input": "", "output": None, "system": "", "history": None},
        ],
    ),
    "alpaca_defaults": ({}, [{"instruction": "问", "input": "补", "output": "答", "system": "不读"}]),
    "alpaca_partial": (
        {"columns": {"prompt": "instruction", "response": "output"}},
        [{"instruction": "问", "input": "不读", "output": "答"}],
    ),
    "ranking": (
        {"ranking": True, "columns": {"prompt": "q", "chosen": "a", "rejected": "b"}},
        [{"q": "问", "a": "好", "b": "坏"}, {"q": "问", "a": "好", "b": None}],
    ),
    "kto": (
        {"columns": {"prompt": "q", "response": "a", "kto_tag": "good"}},
        [{"q": "问", "a": "答", "good": True}, {"q": "问", "a": "答", "good": False}],
    ),
    "sharegpt": (
        {"formatting": "sharegpt", "columns": CONVERSATION, "tags": TAGS},
        [
            {"messages": ASKED, "system": None},
            {"messages": turns(("system", "师")) + ASKED, "system": "被盖过"},
            {"messages": ASKED[1:], "system": ""},
            {"messages": ASKED[:3], "system": ""},
            {"messages": [], "system": ""},
            {"messages": turns(("stranger", "甲"), ("assistant", "乙")), "system": ""},
            {
                "messages": turns(("user", "问"), ("function", "{}"), ("tool", "值"), ("assistant", "答")),
                "system": "",
            },
        ],
    ),
    "sharegpt_ranking": (
        {
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {"messages": "messages", "chosen": "a", "rejected": "b"},
            "tags": TAGS,
        },
        [{"messages": ASKED[:3], "a": ASKED[1], "b": ASKED[3]}, {"messages": ASKED, "a": ASKED[1], "b": ASKED[3]}],
    ),
    "sharegpt_kto": (
        {"formatting": "sharegpt", "columns": {"messages": "messages", "kto_tag": "good"}, "tags": TAGS},
        [{"messages": ASKED, "good": True}, {"messages": ASKED, "good": False}],
    ),
    "openai": (
        {"formatting": "openai", "columns": CONVERSATION, "tags": TAGS},
        [
            {"messages": ASKED, "system": None},
            {"messages": ASKED, "system": "师"},
            {"messages": ASKED, "system": "师 detailed thinking on"},
            {"messages": ASKED[1:], "system": ""},
            {
                "messages": turns(
                    ("user", "问"), ("function", "{}"), ("tool", "一"), ("tool", "二"), ("assistant", "答")
                ),
                "system": "",
            },
        ],
    ),
}

_CONVERT = """
import logging; logging.disable(logging.CRITICAL)
from datasets import load_dataset
from llamafactory.data.converter import get_dataset_converter
from llamafactory.data.parser import get_dataset_list
result = {}
for name, (info, file) in data.items():
    attr = get_dataset_list([name], {name: info})[0]
    convert = get_dataset_converter(attr.formatting, attr, None)
    result[name] = [convert(row) for row in load_dataset("json", data_files=file, split="train")]
"""


def dataset(entry: dict[str, Any], path: Path | None = None) -> Dataset:
    return Dataset("lab", "dataset", entry, path)


@pytest.mark.real
def test_rows_are_aligned_as_upstream_does(tmp_path: Path) -> None:
    asked = {}
    for name, (entry, given) in CASES.items():
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in given), encoding="utf-8")
        asked[name] = ({**entry, "file_name": file.name}, str(file))
    told = ask_upstream(_CONVERT, asked)
    for name, (entry, file) in asked.items():
        convert = aligner(dataset(entry))
        for number, (row, upstream) in enumerate(zip(rows(Path(file)), told[name], strict=True)):
            made = convert(row)
            if isinstance(made, Refused):
                assert upstream["_prompt"] == upstream["_response"] == [], f"{name} {number}: {made}"
                continue
            theirs = [[(turn["role"], turn["content"]) for turn in upstream[key]] for key in ("_prompt", "_response")]
            assert astuple(made)[:2] == tuple(theirs), f"{name} {number}"
            assert (made.system, made.tools) == (upstream["_system"] or "", upstream["_tools"] or "")


@pytest.mark.parametrize(
    ("entry", "row", "why"),
    [
        ({}, {"instruction": 5, "output": "a"}, Refused.NOT_TEXT),
        ({"columns": ALPACA}, {"instruction": "q", "history": [["one"]], "output": "a"}, Refused.HISTORY),
        ({"columns": ALPACA}, {"instruction": "q", "system": 3, "output": "a"}, Refused.NOT_TEXT),
        ({"formatting": "sharegpt"}, {"conversations": "text"}, Refused.MESSAGES),
        ({"formatting": "sharegpt"}, {"conversations": [{"from": "gpt", "value": "a"}]}, Refused.ROLES),
        ({"formatting": "sharegpt"}, {"conversations": [{"from": "human", "value": "a"}]}, Refused.COUNT),
        (
            {"formatting": "openai", "tags": TAGS, "columns": CONVERSATION},
            {"messages": turns(("stranger", "a"), ("assistant", "b"))},
            Refused.UNKNOWN_ROLE,
        ),
        ({"columns": {"prompt": "q", "response": "a", "tools": "t"}}, {"q": "q", "a": "a", "t": [1]}, Refused.TOOLS),
    ],
)
def test_what_upstream_does_not_take_is_refused(entry: dict[str, Any], row: dict[str, Any], why: Refused) -> None:
    made = aligner(dataset(entry))(row)
    assert made is why
    assert why.fails == (why not in (Refused.ROLES, Refused.COUNT))


@pytest.mark.parametrize(
    ("response", "stage", "why"),
    [
        (None, "sft", Refused.NO_ANSWER),
        (None, "pt", None),
        (None, "ppo", None),
        ("a", "sft", None),
        ("a", "dpo", Refused.NO_PAIR),
    ],
)
def test_the_stage_decides_what_it_can_use(response: str | None, stage: str, why: Refused | None) -> None:
    made = aligner(dataset({}))({"instruction": "q", "output": response})
    assert isinstance(made, Aligned)
    assert refusal(made, stage) is why


def test_files_are_read_as_upstream_reads_them(tmp_path: Path) -> None:
    import polars as pl

    given = [{"q": "问", "n": 1}, {"q": None, "n": 2}]
    (tmp_path / "a.json").write_text(" \n" + json.dumps(given, indent=1), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text("\n\n".join(map(json.dumps, given)), encoding="utf-8")
    (tmp_path / "c.csv").write_text("q,n\n问,1\nNA,2\n", encoding="utf-8")
    pl.DataFrame(given).write_parquet(tmp_path / "d.parquet")
    pl.DataFrame(given).write_ipc(tmp_path / "e.arrow")
    (tmp_path / "f.txt").write_text("一\n二\n", encoding="utf-8")
    for name in ("a.json", "b.jsonl", "c.csv", "d.parquet", "e.arrow"):
        assert list(rows(tmp_path / name)) == given, name
    assert list(rows(tmp_path / "f.txt")) == [{"text": "一"}, {"text": "二"}]


@pytest.mark.parametrize(("name", "text"), [("a.jsonl", "{}\n{"), ("a.jsonl", "[1]"), ("a.xlsx", ""), ("a.json", "3")])
def test_a_file_that_upstream_cannot_load_is_told_without_its_text(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=name):
        list(rows(tmp_path / name))
