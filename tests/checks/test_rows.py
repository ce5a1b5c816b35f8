"""Rows against what upstream makes of them: a bad example of each kind is told, with its place; a good one is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from llf_kit.checks import blocks, rows
from llf_kit.checks.subject import Subject
from llf_kit.convert import Plan, convert
from llf_kit.formats import FORMATS
from llf_kit.outputs import Container
from llf_kit.schema import Finding
from llf_kit.upstream import arguments, configs

STAGES = {"preference": "dpo", "preference_sharegpt": "dpo", "kto": "kto", "pretrain": "pt"}
COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}
ALPACA = {"formatting": "alpaca", "columns": COLUMNS}
SHAREGPT = {"formatting": "sharegpt", "columns": {"messages": "conversations"}}
PAIRS = {"ranking": True, "columns": {"prompt": "q", "chosen": "a", "rejected": "b"}}
KTO = {"columns": {"prompt": "q", "response": "a", "kto_tag": "good"}}
OPENAI = {"formatting": "sharegpt", "columns": {"messages": "messages"}}


def asked(question: Any = "血钾？", answer: Any = "3.5～5.3 mmol/L", **more: Any) -> dict[str, Any]:
    return {"instruction": question, "input": "", "output": answer, "system": "", "history": [], **more}


def talk(*turns: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {"conversations": [{"from": who, "value": what} for who, what in turns], **more}


SOUND = talk(("human", "甲？"), ("gpt", "乙"))


@pytest.fixture
def told(tree: Callable[[dict[str, Any]], Path]) -> Callable[..., list[Finding]]:
    """The findings about rows in one or two datasets, of which the second is for evaluation."""

    def look(
        entry: dict[str, Any], data: Any, test: Any = None, stage: str = "sft", file: str = "lab.jsonl", more: str = ""
    ) -> list[Finding]:
        entries = {"lab": {**entry, "file_name": file}}
        files = {file: data}
        config = f"stage: {stage}\ndo_train: true\ndataset_dir: .\ndataset: lab\noutput_dir: saves\n{more}"
        if test is not None:
            entries["test"] = {**entry, "file_name": "test.jsonl"}
            files["test.jsonl"] = test
            config += "eval_dataset: test\n"
        tree({"dataset_info.json": json.dumps(entries), "train.yaml": config, **files})
        subject = Subject(configs.load(Path("train.yaml")), arguments.schema())
        return list(rows.run(subject))

    return look


GOOD: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "alpaca": (ALPACA, [asked(), asked("血钠？", "137", history=[["早", "晚"]], system="师")], "sft"),
    "defaults": ({}, [{"instruction": "甲", "input": "", "output": "乙"}], "sft"),
    "left out, and empty": ({"columns": {"prompt": "instruction", "response": "output"}}, [asked()], "sft"),
    "an input alone": (ALPACA, [asked("", input="血钾？")], "sft"),
    "sharegpt": (SHAREGPT, [SOUND, talk(("system", "师"), *[("human", "甲"), ("gpt", "乙")] * 2)], "sft"),
    "tools": (
        {**SHAREGPT, "columns": {"messages": "conversations", "tools": "tools"}},
        [talk(("human", "甲"), ("function_call", "{}"), ("observation", "1"), ("gpt", "乙"), tools="[]")],
        "sft",
    ),
    "pairs": (PAIRS, [{"q": "甲", "a": "好", "b": "坏"}], "dpo"),
    "kto": (KTO, [{"q": "甲", "a": "好", "good": True}, {"q": "乙", "a": "坏", "good": False}], "kto"),
    "pt": ({"columns": {"prompt": "text"}}, [{"text": "甲乙丙"}], "pt"),
    "accents": (ALPACA, [asked("Was ist Größe? É © à", "10⁹/L, µmol/L – “ok” 烫伤 à l’âge"), asked("锟？")], "sft"),
    "images": (
        {"columns": {**COLUMNS, "images": "images"}},
        [asked("<image>这是什么？", images=["a.png"]), asked(images=[])],
        "sft",
    ),
    "json in a text": (ALPACA, [asked('写 {"output": 5, "system": [1, 2]}', '["a", 1, true]')], "sft"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_rows_are_left_alone(told: Callable[..., list[Finding]], name: str) -> None:
    entry, data, stage = GOOD[name]
    assert told(entry, data, stage=stage) == []


# Each: entry, rows, stage, severity, where, and words of the message and the hint.
Bad = tuple[dict[str, Any], Any, str, str, str, str]
ROW = "lab.jsonl"
INFO = "dataset_info.json: lab"
BAD: dict[str, Bad] = {
    "a column that no row has": (
        {"columns": {**COLUMNS, "response": "outptu"}}, [asked()], "sft", "error", INFO,
        "response: no row has a column 'outptu'. Did you mean 'output'?",
    ),
    "no columns, and others": (
        {}, [{"question": "甲", "input": "", "output": "乙"}], "sft", "error", INFO,
        "the entry has no columns, which means prompt: instruction, and no row has a column 'instruction'",
    ),
    "columns left out": (
        {"columns": {"prompt": "instruction", "response": "output"}}, [asked(system="师"), asked("乙")], "sft", "error",
        INFO, "1 of 2 rows fill 'system', which upstream drops, for columns leaves it out. Add \"system\": \"system\"",
    ),
    "no columns, and a history": (
        {}, [asked(history=[["早", "晚"]])], "sft", "error", INFO, "1 of 1 rows fill 'history'",
    ),
    "no response": ({"columns": {"prompt": "instruction"}}, [asked()], "sft", "error", INFO, "names no response"),
    "no prompt": ({"columns": {"response": "output"}}, [asked()], "sft", "error", INFO, "names no prompt"),
    "no messages": ({"formatting": "sharegpt", "columns": {"system": "s"}}, [SOUND | {"s": ""}], "sft", "error", INFO, "names no messages"),
    "no pair": ({"ranking": True, "columns": {"prompt": "q", "chosen": "a"}}, [{"q": "甲", "a": "乙"}], "dpo", "error", INFO, "names no rejected"),
    "numbers among texts": (
        ALPACA, [asked(), asked(answer=5), asked("乙")], "sft", "error", f"{ROW}:2", "1 of 3 rows have whole numbers in 'output'",
    ),
    "texts among histories": (
        ALPACA, [asked(history=[["早", "晚"]]), asked(history="早")], "sft", "error", "", "rows have texts in 'history'",
    ),
    "numbers in a history": (
        ALPACA, [asked(history=[["早", "晚"], ["早", 5]])], "sft", "error", f"{ROW}:1", "in 'history.*.*'",
    ),
    "numbers alone": (ALPACA, [asked(answer=5)], "sft", "error", INFO, "'output' holds numbers where text is needed"),
    "no answers": (ALPACA, [asked(), asked(answer=None), asked("乙", None)], "sft", "error", f"{ROW}:2", "2 of 3 rows are not trained on: it has no answer; upstream drops"),
    "empty answers": (ALPACA, [asked(), asked(answer=" ")], "sft", "error", f"{ROW}:2", "1 of 2 rows have an empty answer"),
    "empty questions": (ALPACA, [asked(), asked("")], "sft", "warning", f"{ROW}:2", "1 of 2 rows have an empty question"),
    "history without pairs": (
        ALPACA, [asked(history=[["早", "晚"]]), asked(history=[["早"]])], "sft", "error", f"{ROW}:2", "its history is not made of pairs; upstream ends there",
    ),
    "judgements that are none": (
        KTO, [{"q": "甲", "a": "乙", "good": "yes"}], "kto", "error", INFO, "'good' holds texts where true or false is needed",
    ),
    "a judgement that is missing": (
        KTO, [{"q": "甲", "a": "乙", "good": True}, {"q": "甲", "a": "丙", "good": None}], "kto", "error", f"{ROW}:2", "it has no two answers",
    ),
    "a worse answer that is missing": (
        PAIRS, [{"q": "甲", "a": "好", "b": None}, {"q": "甲", "a": "好", "b": "坏"}], "dpo", "error", f"{ROW}:1", "it has no two answers",
    ),
    "two answers that are one": (PAIRS, [{"q": "甲", "a": "好", "b": "好"}], "dpo", "warning", f"{ROW}:1", "prefer an answer to itself"),
    "tools that are no JSON": (
        {**SHAREGPT, "columns": {"messages": "conversations", "tools": "tools"}}, [SOUND | {"tools": "无"}], "sft", "error", f"{ROW}:1", "tools that are no JSON",
    ),
    "an answer first": (SHAREGPT, [SOUND, talk(("gpt", "乙"), ("human", "甲"))], "sft", "error", f"{ROW}:2", "its turns are not in order"),
    "a question last": (SHAREGPT, [SOUND, talk(*[("human", "甲"), ("gpt", "乙"), ("human", "丙")])], "sft", "error", f"{ROW}:2", "its turns do not end with an answer"),
    "an empty turn": (SHAREGPT, [SOUND, talk(("human", "甲"), ("gpt", ""))], "sft", "error", f"{ROW}:2", "an empty answer"),
    "strange speakers": (
        SHAREGPT, [talk(("user", "甲"), ("assistant", "乙"))], "sft", "error", INFO,
        "2 turns have speakers that tags does not know ('assistant', 'user'). Correct tags: assistant_tag, user_tag.",
    ),
    "OpenAI's messages": (
        OPENAI, [{"messages": [{"role": "user", "content": "甲"}, {"role": "assistant", "content": "乙"}]}], "sft", "error", INFO,
        "role_tag: no turn has a key 'from'. These are OpenAI's messages: add \"tags\"",
    ),
    "a mark without an image": (ALPACA, [asked("<image>？")], "sft", "warning", f"{ROW}:1", "not have as many images"),
    "an image without a mark": (
        {"columns": {**COLUMNS, "images": "images"}}, [asked(images=["a.png"])], "sft", "error", f"{ROW}:1", "not have as many images",
    ),
    "damage": (ALPACA, [asked(), asked("血\ufffd"), asked("锟斤拷"), asked("cafÃ©"), asked("烫烫烫")], "sft", "warning", f"{ROW}:2", "4 of 5 rows hold characters that a wrong encoding left (also :3, :4 …)"),
    "duplicates": (ALPACA, [asked(), asked("乙"), asked()], "sft", "info", f"{ROW}:3", "1 of 3 rows are the same as an earlier row"),
    "no JSON": (ALPACA, json.dumps(asked()) + "\n\n{\n" + json.dumps(asked("乙")) + "\n", "sft", "error", f"{ROW}:3", "1 of 2 rows are no JSON objects"),
    "null for a thousand rows": (
        ALPACA, [asked(system=None)] * 1000 + [asked(system="师")], "sft", "error", f"{ROW}:1001", "1 of 1001 rows fill 'system', which the first 1000 rows leave at null",
    ),
    "dates alone": (ALPACA, [asked(answer="2024-05-01"), asked(answer="2024-05-01 10:00")], "sft", "error", INFO, "'output' holds nothing but dates"),
    "a judgement without an answer": (
        KTO, [{"q": "甲", "a": "乙", "good": True}, {"q": "甲", "a": None, "good": None}], "kto", "error", f"{ROW}:2", "have no answer at all, at which upstream ends in stage kto",
    ),
    "no rows": (ALPACA, "", "sft", "error", INFO, "it has no rows"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_told_with_their_place(told: Callable[..., list[Finding]], name: str) -> None:
    entry, data, stage, severity, where, words = BAD[name]
    found = told(entry, data, stage=stage)
    matching = [one for one in found if words in f"{one.message}. {one.hint}" and one.where.startswith(where)]
    assert [one.severity for one in matching] == [severity], found
    assert all(one.hint for one in found)


def test_no_message_shows_a_text(told: Callable[..., list[Finding]]) -> None:
    secret = "张三丰"
    bad = [asked(secret, ""), asked(secret, None), asked("", secret), asked(f"{secret}\ufffd", history=[[secret]])]
    for entry, data in ((ALPACA, [*bad, asked(secret, 5)]), (SHAREGPT, [SOUND, talk((secret, secret))])):
        found = told(entry, data)
        assert found
        assert secret not in "".join(map(str, found))


def test_questions_that_training_saw_are_told(told: Callable[..., list[Finding]]) -> None:
    found = told(ALPACA, [asked(), asked("血钠？")], test=[asked("血氯？"), asked("血 钾？", "另答")])
    assert [(one.severity, one.where) for one in found] == [("warning", "test.jsonl:2")]
    assert "1 of 2 rows ask a question that lab trains on" in found[0].message
    assert told(ALPACA, [asked()], test=[asked("血氯？")]) == []
    turns = talk(("system", "师"), ("human", "甲？"), ("gpt", "丙"))
    assert [one.where for one in told(SHAREGPT, [SOUND], test=[turns])] == ["test.jsonl:1"]


def test_a_prediction_needs_no_answers(told: Callable[..., list[Finding]]) -> None:
    more = "predict_with_generate: true\n"
    assert told(ALPACA, [asked()], test=[asked("血氯？", None), asked("血钙？", "")], more=more) == []


@pytest.mark.parametrize("late", [{"system": "师"}, {"history": [["早", "晚"]]}, {"more": "新"}])
def test_what_the_first_block_has_no_type_for_is_told(
    told: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch, late: dict[str, Any]
) -> None:
    monkeypatch.setattr(blocks, "_SIZE", 1000)
    (key,) = late
    first = [asked(f"{number}？", system=None) for number in range(20)]
    last = asked(**{"system": None, **late})
    (found,) = told(ALPACA, [*first, last])
    assert (found.severity, found.where) == ("error", "lab.jsonl:21")
    assert f"1 of 21 rows fill {key!r}, which is empty or of another kind in the first 10 MB" in found.message
    assert told(ALPACA, [last, *first]) == []


@pytest.mark.parametrize(("size", "number"), [(300, 1), (10 << 20, 1)])
def test_blocks_hold_every_row_once_whatever_their_size(
    tree: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch, size: int, number: int
) -> None:
    monkeypatch.setattr(blocks, "_SIZE", size)
    data = [asked(f"{row}？", **({"extra": "甲"} if row == 77 else {})) for row in range(100)]
    tree({"lab.jsonl": data})
    found = list(blocks.blocks(Path("lab.jsonl")))
    assert [line for block in found for line in block.numbers] == list(range(1, 101))
    frame = pl.concat([block.frame for block in found], how="diagonal_relaxed")
    assert frame["instruction"].to_list() == [row["instruction"] for row in data]
    assert frame["extra"].drop_nulls().to_list() == ["甲"]  # a key that only one later row has is not lost


@pytest.mark.parametrize("file", ["lab.csv", "lab.json", "lab.parquet"])
def test_other_kinds_of_files_are_read_as_upstream_reads_them(told: Callable[..., list[Finding]], file: str) -> None:
    data = [{"instruction": "甲", "input": "", "output": "乙"}, {"instruction": "丙", "input": "", "output": None}]
    if file == "lab.csv":
        content: Any = "instruction,input,output\n甲,,乙\n丙,,NA\n"
    elif file == "lab.json":
        content = json.dumps(data)
    else:
        pl.DataFrame(data).write_parquet(file)
        content = Path(file).read_bytes()
    (found,) = told({}, content, file=file)
    assert (found.severity, found.where) == ("error", f"{file}:2")
    assert "it has no answer" in found.message


@pytest.mark.parametrize("entry", [{"formatting": "alpca"}, {"hf_hub_url": "a/b"}])
def test_what_the_check_of_entries_tells_is_not_told_twice(
    told: Callable[..., list[Finding]], entry: dict[str, Any]
) -> None:
    assert told(entry, [asked(answer=None)], file="lab.jsonl" if "formatting" in entry else "lab.xlsx") == []


def test_a_damaged_file_is_told(told: Callable[..., list[Finding]]) -> None:
    (found,) = told({}, b"PAR1 nothing", file="lab.parquet")
    assert (found.severity, found.where) == ("error", "lab.parquet")
    (*_, found) = told({}, json.dumps(asked(), ensure_ascii=False).encode("gb18030"))
    assert (found.severity, found.where) == ("error", "lab.jsonl:1") and "UTF-8" in found.hint


RAW = {
    "preference": [
        {"question": "血钾？", "chosen": "复查", "rejected": "喝水", "history": [["甲", "乙"]], "system": "师"}
    ],
    "kto": [{"question": "甲", "answer": "好", "label": True}, {"question": "乙", "answer": "坏", "label": False}],
}
CHAT = [
    {"messages": [{"role": "user", "content": "血钾？"}, {"role": "assistant", "content": "3.5"}]},
    {
        "messages": [
            {"role": "system", "content": "师"},
            *[{"role": r, "content": r} for r in ("user", "assistant") * 2],
        ]
    },
]


@pytest.mark.parametrize(
    "container", [Container("jsonl"), Container("json"), Container("parquet"), Container("jsonl", 1)]
)
@pytest.mark.parametrize("format_", FORMATS)
def test_what_convert_writes_gives_no_finding(
    tree: Callable[[dict[str, Any]], Path], format_: str, container: Container
) -> None:
    data = RAW["preference"] if format_.startswith("preference") else RAW.get(format_, CHAT)
    if container.shard_rows and format_ in ("alpaca", "preference", "kto"):
        data = [row for row in data if "history" not in row and len(row.get("messages", [])) < 3]
        data = data or [{key: value for key, value in RAW["preference"][0].items() if key != "history"}]
    here = tree(
        {
            "raw.jsonl": data,
            "train.yaml": f"stage: {STAGES.get(format_, 'sft')}\ndo_train: true\ndataset_dir: .\ndataset: lab\n",
        }
    )
    convert(Plan("lab", (here / "raw.jsonl",), format_, container=container), here)
    subject = Subject(configs.load(Path("train.yaml")), arguments.schema())
    assert list(rows.run(subject)) == []
