"""csv and tsv: separators, headers, damaged rows."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import columns, fields, read

Tree = Callable[[dict[str, Any]], Path]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("careful", [False, True])
def test_csv_reads_the_same_in_every_encoding(tree: Tree, encoding: str, careful: bool) -> None:
    text = '问题,答案\n"血钾，\n多少？","他说""正常"""\n𠮷,10⁹/L\n'
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else b""
    path = tree({"a.csv": mark + text.encode(encoding)}) / "a.csv"
    assert fields(path, careful=careful) == [(2, ("血钾，\n多少？", '他说"正常"')), (3, ("𠮷", "10⁹/L"))]


@pytest.mark.parametrize("careful", [False, True])
def test_a_blank_line_is_no_row_and_keeps_the_count(tree: Tree, careful: bool) -> None:
    path = tree({"a.csv": "q,a\n1,2\n\n,\n3,\n"}) / "a.csv"
    assert fields(path, careful=careful) == [(2, ("1", "2")), (5, ("3", None))]


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_the_separator_is_found(tree: Tree, separator: str) -> None:
    path = tree({"a.csv": f"问题{separator}答案\n甲{separator}乙\n"}) / "a.csv"
    assert fields(path) == [(2, ("甲", "乙"))]


def test_a_damaged_csv_loses_no_good_row(tree: Tree) -> None:
    path = tree({"a.csv": 'q,a\n1,2\n3,4,5\n"6"x,7\n8,9\n'}) / "a.csv"
    found = read(path, careful=True)
    assert [(row["row"], row["reason"]) for row in found] == [
        (2, None),
        (3, "3 fields where the header has 2"),
        (4, "stray quotes in lines 4 to 4"),
        (5, None),
    ]


def test_a_quote_that_never_closes_is_said_with_its_place(tree: Tree) -> None:
    path = tree({"a.csv": 'q,a\n1,2\n"3,4\n5,6\n'}) / "a.csv"
    assert [row["reason"] for row in read(path, careful=True)] == [
        None,
        "a quote is opened and never closed in lines 3 to 4",
    ]


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize(
    "above", ["检验科问答汇总\n", "检验科问答汇总,\n\n", '\n"导出日期：\n2024-05-01"\n\n', '检验科 "问答"\n']
)
def test_titles_above_the_header_are_passed_over(tree: Tree, above: str, careful: bool) -> None:
    path = tree({"a.csv": f"{above}问题,答案\n血钾？,3.5～5.3\n\n血钠？,137～147\n"}) / "a.csv"
    header = above.replace("：\n", "：").count("\n") + 1
    assert columns(path, careful=careful) == [("问题", "答案")]
    assert fields(path, careful=careful) == [
        (header + 1, ("血钾？", "3.5～5.3")),
        (header + 3, ("血钠？", "137～147")),
    ]


@pytest.mark.parametrize("careful", [False, True])
def test_two_columns_of_one_name_are_told_apart(tree: Tree, careful: bool) -> None:
    path = tree({"a.csv": "问题,答案,答案\n1,2,3\n"}) / "a.csv"
    assert columns(path, careful=careful) == [("问题", "答案", "答案 3")]
    assert fields(path, careful=careful) == [(2, ("1", "2", "3"))]


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ('"a;b;c;d",答案\n"x;y",2\n', ("a;b;c;d", "答案"), [("x;y", "2")]),
        ("question\tanswer\na, b, c\td, e\n", ("question", "answer"), [("a, b, c", "d, e")]),
        ("q;a\n1,5;2,5\n", ("q", "a"), [("1,5", "2,5")]),
        ("text\n血钾\n血钠\n", ("text",), [("血钾",), ("血钠",)]),
        ("text\nhigh, repeat\nlow\nnormal\n", ("text",), [("high, repeat",), ("low",), ("normal",)]),
        (",question,answer\n0,a,b\n", ("column 1", "question", "answer"), [("0", "a", "b")]),
        (",text\n0,a\n", ("column 1", "text"), [("0", "a")]),
        ("q,a,c\n1,2,\n3,,\n", ("q", "a", "c"), [("1", "2", None), ("3", None, None)]),
    ],
    ids=["quoted", "commas in tabs", "decimal commas", "one column", "commas in it", "index", "bare index", "sparse"],
)
@pytest.mark.parametrize("careful", [False, True])
def test_the_columns_are_found(
    tree: Tree, text: str, names: tuple[str, ...], rows: list[tuple[str | None, ...]], careful: bool
) -> None:
    path = tree({"a.csv": text}) / "a.csv"
    assert columns(path, careful=careful) == [names]
    assert [row for _, row in fields(path, careful=careful)] == rows


@pytest.mark.parametrize("careful", [False, True])
def test_line_ends_of_old_macs_and_nul_bytes_lose_no_row(tree: Tree, careful: bool) -> None:
    here = tree({"mac.csv": "q,a\r1,2\r3,4\r", "nul.csv": f"q,a\n1,2\n{'血' * 50},4\0\n"})
    assert fields(here / "mac.csv", careful=careful) == [(2, ("1", "2")), (3, ("3", "4"))]
    assert fields(here / "nul.csv", careful=careful) == [(2, ("1", "2")), (3, ("血" * 50, "4\0"))]


def test_a_damaged_row_is_not_taken_for_the_header(tree: Tree) -> None:
    path = tree({"a.csv": "q,a\n1,2\n3,4,5,6,7\n8,9\n"}) / "a.csv"
    assert [(row["row"], row["reason"]) for row in read(path, careful=True)] == [
        (2, None),
        (3, "5 fields where the header has 2"),
        (4, None),
    ]


@pytest.mark.parametrize("careful", [False, True])
def test_a_table_without_a_header_loses_no_row(tree: Tree, careful: bool) -> None:
    text = "\n血钾的参考区间是多少？,3.5～5.3 mmol/L\n血钠的参考区间是多少？,137～147 mmol/L\n"
    path = tree({"a.csv": text}) / "a.csv"
    assert columns(path, careful=careful) == [("column 1", "column 2")]
    assert [row for row, _ in fields(path, careful=careful)] == [2, 3]
    options = (
        tree({"c.csv": "血钾升高最常见的原因是溶血还是肾衰,溶血,肾衰,A\n肌酐测的是,肾,肝,A\n甲,乙,丙,B\n"}) / "c.csv"
    )
    assert len(fields(options, careful=careful)) == 3
    again = tree({"d.csv": "问题是什么？,答案\n甲,乙\n问题是什么？,答案\n"}) / "d.csv"  # a header that is repeated
    assert columns(again, careful=careful) == [("问题是什么？", "答案")]
    survey = tree({"b.csv": "1、您的科室？,2、您的问题？\n急诊,血钾 6.8 怎么办\n"}) / "b.csv"
    assert columns(survey, careful=careful) == [("1、您的科室？", "2、您的问题？")]
