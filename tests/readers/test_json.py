"""json and jsonl."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import fields, read

from llf_kit.errors import DataError
from llf_kit.readers import json_window

Tree = Callable[[dict[str, Any]], Path]


def test_a_text_in_a_list_of_one_is_that_text(tree: Tree) -> None:
    assert fields(tree({"a.jsonl": [{"q": ["甲"]}]}) / "a.jsonl") == [(1, ("甲",))]


def test_jsonl_rejects_bad_lines_and_sees_late_keys(tree: Tree) -> None:
    path = (
        tree({"a.jsonl": '{"q": "1"}\nnot json\n\n[1]\n{"q": "2", "late": {"x": [1]}}\n{"q": "\\ud800"}\n'}) / "a.jsonl"
    )
    assert [(row["row"], row["reason"], row["raw"]["late"]) for row in read(path)] == [
        (1, None, None),
        (2, "not JSON", None),
        (4, "a JSON array where an object is needed", None),
        (5, None, '{"x": [1]}'),
        (6, "half of a character (a lone surrogate)", None),
    ]


@pytest.fixture(params=[1 << 20, 7], ids=["whole", "in pieces"])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is small here; a window of a few characters shows what becomes of a large one."""
    monkeypatch.setattr(json_window, "_CHUNK", request.param)


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ([{"q": "1"}, {"q": "血钾" * 30}], [("1",), ("血钾" * 30,)]),
        ({"a": {"q": "1"}, "b": {"q": "2"}}, [("a", "1"), ("b", "2")]),
        ({"a": {"q": "1", "id": "x"}, "b": {"q": "2"}}, [("x", "1"), ("b", "2")]),
        ({"version": 3, "data": [{"q": "1"}, {"q": "2"}], "tags": ["x"]}, [("1",), ("2",)]),
        ({"q": "1", "options": ["A", "B"], "case": {"age": 30}}, [("1", '["A", "B"]', '{"age": 30}')]),
        ([{"q": "1"}, {"late": {"n": [5.25]}}], [("1", None), (None, '{"n": [5.25]}')]),
        ({"血钾多少？": "3.5～5.3", "血钠呢？": "137～147"}, [("血钾多少？", "3.5～5.3"), ("血钠呢？", "137～147")]),
    ],
    ids=[
        "array",
        "object by id",
        "an id of its own",
        "array inside an object",
        "one object",
        "late key",
        "by question",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_json_finds_the_rows(tree: Tree, data: Any, rows: list[tuple[str, ...]], encoding: str) -> None:
    path = tree({"a.json": json.dumps(data, ensure_ascii=False, indent=1).encode(encoding)}) / "a.json"
    assert fields(path) == list(enumerate(rows, start=1))


@pytest.mark.usefixtures("window")
def test_numbers_keep_their_spelling(tree: Tree) -> None:
    path = tree({"a.json": '[{"k": 5.10, "n": 12345678901234567890, "x": NaN, "t": true, "z": null}]'}) / "a.json"
    assert fields(path) == [(1, ("5.10", "12345678901234567890", "NaN", "true", None))]


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize(
    ("text", "good", "line"),
    [
        ('[{"q": "1"},\n{"q": "2"},\n{"q": oops}, {"q": "4"}]', 2, 3),
        ('[{"q": "1"},\n{"q": "2', 1, 2),
        ('[{"q": "1"}\n', 1, 2),
        ('[{"q": "1"}] and more', 1, 1),
        ('{"data": [{"q": "1"}, {"q": "2"} {"q": "3"}]}', 2, 1),
        ('{"a": {"q": "1"},\n"b": {"q": "2"},\n"c" {}}', 2, 3),
    ],
    ids=["damaged", "cut in a text", "cut behind a row", "more behind", "no comma", "by id"],
)
def test_json_damaged_in_the_middle_loses_no_good_row(tree: Tree, text: str, good: int, line: int) -> None:
    found = read(tree({"a.json": text}) / "a.json")
    assert [row["raw"]["q"] for row in found[:-1]] == [str(number + 1) for number in range(good)]
    assert (found[-1]["row"], found[-1]["reason"]) == (
        good + 1,
        f"not JSON from line {line} on: the rest of the file was not read",
    )


@pytest.mark.parametrize("text", ['"text"', "3", "null"])
def test_json_with_a_single_value(tree: Tree, text: str) -> None:
    with pytest.raises(DataError, match="holds a single value"):
        read(tree({"a.json": text}) / "a.json")


def test_json_nested_too_deeply(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"a\.json:1: is not JSON \(nested too deeply\)"):
        read(tree({"a.json": "[" * 100_000}) / "a.json")


def test_json_lines_under_the_name_of_json_whose_first_line_is_damaged(tree: Tree) -> None:
    found = read(tree({"a.json": '{"q": "1", oops}\n{"q": "2"}\n'}) / "a.json")
    assert [(row["reason"], row["raw"]["q"]) for row in found] == [("not JSON", None), (None, "2")]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_key_without_a_name(tree: Tree, ending: str) -> None:
    assert fields(tree({f"a.{ending}": '{"": "1", "q": "2"}'}) / f"a.{ending}") == [(1, ("1", "2"))]


def test_json_lines_under_another_name(tree: Tree) -> None:
    assert fields(tree({"a.json": '{"q": "1"}\n{"q": "2"}\n'}) / "a.json") == [(1, ("1",)), (2, ("2",))]


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{\n "q": "1"\n}\n{\n "q": "2"\n}\n'),
        ("a.jsonl", '[\n{"q": "1"},\n{"q": "2"}\n]\n'),
        ("a.json", '[{"q": "1"}, {"q": "2"},]'),
        ("a.jsonl", '{"q": "1"},\n{"q": "2"},\n'),
        ("a.txt", '{"q": "1"}\n{"q": "2"}\n'),
        ("a.csv", '[{"q": "1"}, {"q": "2"}]'),
    ],
    ids=[
        *("objects of several lines", "an array called jsonl", "a comma too many", "without its brackets"),
        *("called txt", "called csv"),
    ],
)
def test_rows_are_read_however_they_are_strung_together(tree: Tree, name: str, text: str) -> None:
    assert fields(tree({name: text}) / name) == [(1, ("1",)), (2, ("2",))]


def test_json_lines_without_any_say_so(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl: has no line that is a JSON object"):
        read(tree({"a.jsonl": "question,answer\n1,2\n"}) / "a.jsonl")


def test_json_that_is_none_says_where(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"a\.json:2: is not JSON \(Expecting value\)"):
        read(tree({"a.json": "[\n oops]"}) / "a.json")


def test_rows_deep_inside_an_answer_of_an_interface_are_found(tree: Tree) -> None:
    data = {"code": 0, "data": {"total": 2, "rows": [{"q": "甲", "a": "1"}, {"q": "乙", "a": "2", "t": "3"}]}}
    path = tree({"a.json": json.dumps(data)}) / "a.json"
    assert fields(path) == [(1, ("甲", "1", None)), (2, ("乙", "2", "3"))]


def test_a_conversation_that_is_a_file_of_its_own_is_one_row(tree: Tree) -> None:
    data = {"id": "7", "messages": [{"role": "user", "content": "甲"}, {"role": "assistant", "content": "乙"}]}
    (row,) = read(tree({"a.json": json.dumps(data)}) / "a.json")
    assert json.loads(row["raw"]["messages"]) == data["messages"]
