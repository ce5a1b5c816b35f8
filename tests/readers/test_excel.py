"""Workbooks, and what only bears their name."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from conftest import Result
from reading import columns, fields, read

from llf_kit.errors import DataError

Tree = Callable[[dict[str, Any]], Path]


def test_xlsx_reads_every_sheet_past_its_title(project: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "参考区间"
    sheet.append(["检验科问答 2024"])
    sheet.merge_cells("A1:C1")
    sheet.append(["问题", "答案", "编号"])
    sheet.append(["血钾？", "3.5～5.3", 1])
    sheet.append([None, None, None])
    sheet.append(["血钠？", "137～147", 2.5])
    book.create_sheet("空")
    book.save(project / "a.xlsx")
    found = read(project / "a.xlsx")
    assert [(row["source"], row["row"], tuple(row["raw"].values())) for row in found] == [
        ("a.xlsx#参考区间", 3, ("血钾？", "3.5～5.3", "1")),
        ("a.xlsx#参考区间", 5, ("血钠？", "137～147", "2.5")),
    ]


def test_a_workbook_without_rows_is_said_to_be_empty(project: Path, llf_kit: Callable[..., Result]) -> None:
    openpyxl.Workbook().save(project / "a.xlsx")
    done = llf_kit("convert", "a.xlsx", "--name", "lab")
    assert done.status == 1
    assert "a.xlsx#Sheet: is empty. Give a table with a header and rows." in done.err


def test_a_file_that_only_claims_to_be_xlsx(tree: Tree) -> None:
    with pytest.raises(DataError, match="is not a readable Excel workbook"):
        read(tree({"a.xlsx": b"PK not really"}) / "a.xlsx")


def book(path: Path, rows: list[list[Any]], *merged: str) -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    workbook.save(path)
    return path


def test_a_cell_merged_over_rows_counts_in_each_of_them(project: Path) -> None:
    rows = [
        ["检验科问答", None, None],
        ["分类", "问题", "答案"],
        ["电解质", "血钾？", "3.5～5.3"],
        [None, "血钠？", "137～147"],
        [None, None, None],
        [None, "血氯？", "99～110"],
    ]
    path = book(project / "a.xlsx", rows, "A1:C1", "A3:A5")
    assert fields(path) == [
        (3, ("电解质", "血钾？", "3.5～5.3")),
        (4, ("电解质", "血钠？", "137～147")),
        (6, (None, "血氯？", "99～110")),
    ]


def test_an_answer_in_parts_beside_a_merged_question_is_one(project: Path) -> None:
    rows = [
        ["序号", "问题", "答案"],
        ["1", "哪些标本拒收？", "1. 溶血"],
        [None, None, None],
        [None, None, "2. 凝块"],
        ["2", "血钠？", "137～147"],
    ]
    path = book(project / "a.xlsx", rows, "A2:A4", "B2:B4")
    assert fields(path) == [(2, ("1", "哪些标本拒收？", "1. 溶血\n2. 凝块")), (5, ("2", "血钠？", "137～147"))]
    path = book(project / "b.xlsx", [["类别", "内容"], ["电解质", "血钾是钾。"], [None, "血钠是钠。"]], "A2:A3")
    assert fields(path) == [(2, ("电解质", "血钾是钾。")), (3, ("电解质", "血钠是钠。"))]


@pytest.mark.parametrize("children", [2, 4])
def test_a_header_of_two_rows_is_one_header(project: Path, children: int) -> None:
    last = "CDEF"[children - 1]
    names = ["甲", "乙", "丙", "丁"][:children]
    rows = [["问题", "答案", "结果"], [None, None, *names], ["血钾？", "3.5～5.3", *names]]
    path = book(project / "a.xlsx", rows, "A1:A2", "B1:B2", f"C1:{last}1")
    assert columns(path) == [("问题", "答案", *(f"结果 {name}" for name in names))]
    assert fields(path) == [(3, ("血钾？", "3.5～5.3", *names))]


def test_a_second_row_of_names_stands_only_under_a_merged_one(project: Path) -> None:
    rows = [["编号", "内容", None], [None, "怎么问", "怎么答"], ["1", "血钾？", "3.5～5.3"]]
    path = book(project / "a.xlsx", rows, "B1:C1")
    assert columns(path) == [("编号", "内容 怎么问", "内容 怎么答")]
    assert fields(path) == [(3, ("1", "血钾？", "3.5～5.3"))]
    rows[1][0] = "0"  # a row of values fills more than that
    assert [row for row, _ in fields(book(project / "b.xlsx", rows, "B1:C1"))] == [2, 3]


def test_questions_and_answers_below_one_another(project: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["问题", "血钾？"], ["答案", "3.5～5.3"], [], ["问题", "血钠？"], ["答案", "137～147"]):
        book.active.append(row)
    book.save(project / "a.xlsx")
    assert fields(project / "a.xlsx") == [(1, ("血钾？", "3.5～5.3")), (4, ("血钠？", "137～147"))]


def test_columns_of_one_name_and_empty_columns(project: Path) -> None:
    path = book(project / "a.xlsx", [["问题", "答案", "答案", None, None], ["1", "2", "3", None, "5"]])
    assert columns(path) == [("问题", "答案", "答案 3", "column 4")]
    assert fields(path) == [(2, ("1", "2", "3", "5"))]


def test_the_old_excel_format(project: Path) -> None:
    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("问答")
    for row, cells in enumerate([["分类", "问题", "答案"], ["电解质", "血钾？", 3.5], [None, "血钠？", 137]]):
        for column, cell in enumerate(cells):
            if (row, column) not in ((1, 0), (2, 0)):
                sheet.write(row, column, cell)
    sheet.write_merge(1, 2, 0, 0, "电解质")
    workbook.save(project / "a.xls")
    assert [row["source"] for row in read(project / "a.xls")] == ["a.xls#问答"] * 2
    assert fields(project / "a.xls") == [(2, ("电解质", "血钾？", "3.5")), (3, ("电解质", "血钠？", "137"))]


def test_dates_and_truths_of_the_old_format(project: Path) -> None:
    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("a")
    date = xlwt.XFStyle()
    date.num_format_str = "yyyy-mm-dd"
    for column, cell in enumerate(["日期", "对", "值"]):
        sheet.write(0, column, cell)
    sheet.write(1, 0, datetime.date(2024, 5, 1), date)
    sheet.write(1, 1, True)
    sheet.write(1, 2, 5)
    workbook.save(project / "a.xls")
    assert fields(project / "a.xls") == [(2, ("2024-05-01", "True", "5"))]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_tabbed_text_under_the_name_of_xls(tree: Tree, encoding: str) -> None:
    path = tree({"a.xls": "问题\t答案\r\n血钾？\t3.5～5.3\r\n".encode(encoding)}) / "a.xls"
    assert fields(path) == [(2, ("血钾？", "3.5～5.3"))]


@pytest.mark.parametrize("ending", ["xls", "xml"])
def test_the_xml_of_excel_2003(tree: Tree, ending: str) -> None:
    cell = "<ss:Cell{}><ss:Data ss:Type='String'>{}</ss:Data></ss:Cell>".format
    header = "".join(cell("", name) for name in ("类别", "问题", "答案"))
    first = cell(" ss:MergeDown='1'", "生化") + cell("", "血钾？") + cell("", "3.5～5.3")
    second = cell(" ss:Index='2'", "血钠？") + cell("", "137～147")
    third = cell(" ss:Index='2'", "血氯？")
    page = (
        "<?xml version='1.0' encoding='GB2312'?><ss:Workbook xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'>"
        "<ss:Worksheet ss:Name='问答'><ss:Table>"
        f"<ss:Row>{header}</ss:Row><ss:Row>{first}</ss:Row><ss:Row>{second}</ss:Row>"
        f"<ss:Row ss:Index='9'>{third}</ss:Row>"
        "</ss:Table></ss:Worksheet></ss:Workbook>"
    )
    path = tree({f"a.{ending}": page.encode("gb18030")}) / f"a.{ending}"
    assert fields(path) == [
        (2, ("生化", "血钾？", "3.5～5.3")),
        (3, ("生化", "血钠？", "137～147")),
        (9, (None, "血氯？", None)),
    ]
    assert read(path)[0]["source"] == f"a.{ending}#问答"


def test_a_web_page_under_the_name_of_xls(tree: Tree) -> None:
    page = "<html><body><table><tr><td>问题<td>答案<tr><td>血钾？<td>3.5～5.3</table></body></html>"
    path = tree({"a.xls": page.encode("gb18030")}) / "a.xls"
    assert fields(path) == [(2, ("血钾？", "3.5～5.3"))]


def test_a_cell_far_from_its_table_does_not_fill_the_memory(project: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0]["A1"] = "问题"
    workbook.worksheets[0]["XFD1048576"] = "x"
    workbook.save(project / "a.xlsx")
    with pytest.raises(DataError, match="a sheet reaches too far"):
        read(project / "a.xlsx")


def test_a_workbook_that_swells_is_not_opened(project: Path) -> None:
    with zipfile.ZipFile(project / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (60 << 20))
    with pytest.raises(DataError, match="far larger inside than outside"):
        read(project / "a.xlsx")
