"""json and jsonl."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import fields, read

from llf_kit.errors import DataError

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


@pytest.mark.parametrize(
    "data",
    [[{"q": "1"}, {"q": "2"}], {"a": {"q": "1"}, "b": {"q": "2"}}, {"version": 3, "data": [{"q": "1"}, {"q": "2"}]}],
    ids=["array", "object by id", "array inside an object"],
)
def test_json_finds_the_rows(tree: Tree, data: Any) -> None:
    path = tree({"a.json": json.dumps(data)}) / "a.json"
    assert fields(path) == [(1, ("1",)), (2, ("2",))]


def test_json_lines_under_another_name(tree: Tree) -> None:
    assert fields(tree({"a.json": '{"q": "1"}\n{"q": "2"}\n'}) / "a.json") == [(1, ("1",)), (2, ("2",))]


def test_json_that_is_none_says_where(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"a\.json:2: is not JSON"):
        read(tree({"a.json": '[{"q": 1},\n oops]'}) / "a.json")
