"""Which encoding a text is in, and what becomes of a text that is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import fields, read

from llf_kit.errors import DataError, UsageError
from llf_kit.readers.encoding import detect

Tree = Callable[[dict[str, Any]], Path]


def test_text_in_no_known_encoding_names_the_place(tree: Tree) -> None:
    path = tree({"a.csv": b"q,a\n\xff\xff,1\n"}) / "a.csv"
    with pytest.raises(
        DataError, match=r"a\.csv: is neither utf-8 nor gb18030: byte 4 does not decode. Give --encoding"
    ):
        read(path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("问题,答案\n血钾偏高怎么办？,先看标本是否溶血，再复查并结合心电图判断。\n", "gb18030"),
        ("問題,答案\n血鉀偏高怎麼辦？,先看標本是否溶血，再複查並結合心電圖判斷。\n", "big5"),
        ("問題,答案\n血鉀偏高怎麼辦？,先看標本是否溶血，再複查並結合心電圖判斷。\n", "gb18030"),
        ("问题,答案\n血钾偏高怎么办？,先看标本是否溶血，再复查。\n", "utf-16-le"),
        ("question,answer\nIs potassium high?,repeat it\n", "utf-16-be"),
        ("问题,答案\n𠮷野家？,10⁹/L\n", "gb18030"),
    ],
)
def test_the_encoding_is_found(tree: Tree, text: str, encoding: str) -> None:
    path = tree({"a.csv": text.encode(encoding)}) / "a.csv"
    assert detect(path) == encoding
    assert fields(path) == [(2, tuple(text.split("\n")[1].split(",")))]


def test_a_given_encoding_is_used_and_checked(tree: Tree) -> None:
    path = tree({"a.csv": "問題,答案\n血鉀,正常\n".encode("big5")}) / "a.csv"
    assert fields(path, encoding="big5") == [(2, ("血鉀", "正常"))]
    with pytest.raises(DataError, match="is not utf-8: byte 0"):
        read(path, encoding="utf-8")
    with pytest.raises(UsageError, match="no such encoding"):
        read(path, encoding="utf-88")
