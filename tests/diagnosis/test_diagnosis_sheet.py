"""The sheet that a person fills in, and what is made of it when it comes back, with every slip that people make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Result
from openpyxl.worksheet.worksheet import Worksheet

LlfKit = Callable[..., Result]

CASES = [
    {"问题": "=血钾的参考区间？电话13800138000", "回答": "3.5～5.3 mmol/L", "期望答案": "3.5～5.3 mmol/L"},
    {"问题": "我血钠 120 mmol/L 怎么办？", "回答": "请及时就医，不要延误 1 天。", "提示词": "你是\r\n检验科专家。"},
    {"问题": "血氯？", "回答": "99～110 mmol/L", "回答2": "90～120 mmol/L", "症状": "说不清"},
]


@pytest.fixture
def sheet(llf_kit: LlfKit, tree: Callable[[dict[str, Any]], Path]) -> Path:
    """Written of three cases, two of them without a symptom."""
    here = tree({"cases.jsonl": CASES})
    done = llf_kit("diagnose", "cases.jsonl", "--excel", "fill.xlsx")
    assert done.status == 0, done.err
    assert "next: llf-kit diagnose fill.xlsx" in done.err
    return here / "fill.xlsx"


def edit(path: Path, change: Callable[[Worksheet, dict[str, int]], None]) -> None:
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    change(page, {str(cell.value): cell.column for cell in page[1]})
    book.save(path)


def test_it_asks_with_drop_downs_and_locks_what_was_measured(sheet: Path) -> None:
    book = openpyxl.load_workbook(sheet)
    page, guide, hidden = book.worksheets
    names = [str(cell.value) for cell in page[1]]
    assert names == ["编号", "来源", "问题", "提示词", "回答", "回答2", "期望答案", "测量与推测", "症状", "信息齐全",
                     "步骤齐全", "关注点", "可查资料", "备注"]  # fmt: skip
    open_cells = {names[cell.column - 1] for cell in page[2] if not cell.protection.locked}
    assert open_cells == {"症状", "信息齐全", "步骤齐全", "关注点", "可查资料", "备注"}
    lists = [one.formula1 for one in page.data_validations.dataValidation]
    assert '"是,否"' in lists and any("不够专业" in one and one.endswith('好"') for one in lists) and len(lists) == 5
    assert guide.title == "说明" and hidden.sheet_state == "veryHidden"
    assert sheet.stat().st_mode & 0o777 == 0o600
    every = [cell for sheet_page in book for line in sheet_page.iter_rows() for cell in line]
    assert not any("13800138000" in str(cell.value) or cell.data_type == "f" for cell in every)
    assert "推测为“不够稳定”" in str(page.cell(4, names.index("测量与推测") + 1).value)


def test_what_is_filled_in_is_read_back(llf_kit: LlfKit, sheet: Path) -> None:
    before = llf_kit("diagnose", "cases.jsonl", "--json").json
    assert [row["symptoms"] for row in before["rows"]] == [["none"], ["none"], ["unstable"]]

    def fill(page: Worksheet, columns: dict[str, int]) -> None:
        for line, words in {2: {"症状": "好"}, 3: {"症状": "缺少针对性", "关注点": "否", "信息齐全": "是"},
                            4: {"症状": "不够稳定"}}.items():  # fmt: skip
            for name, word in words.items():
                page.cell(line, columns[name]).value = word

    edit(sheet, fill)
    after = llf_kit("diagnose", "fill.xlsx", "--json").json
    assert after["symptoms"] == {"untailored": 1, "unstable": 1, "good": 1}
    assert after["causes"] == {"cares_missing": 1, "stability": 1}
    assert [row["place"] for row in after["rows"]] == [f"cases.jsonl:{line}" for line in (1, 2, 3)]
    assert [row["measures"] for row in after["rows"]] == [row["measures"] for row in before["rows"]]
    assert not after["notes"] and not after["left_out"]


def test_it_can_be_written_anew_from_itself_and_in_english(llf_kit: LlfKit, sheet: Path) -> None:
    done = llf_kit("diagnose", "fill.xlsx", "--excel", "again.xlsx", "--lang", "en")
    assert done.status == 0, done.err
    page = openpyxl.load_workbook("again.xlsx").worksheets[0]
    assert [cell.value for cell in page[1]][:4] == ["id", "place", "question", "prompt"]
    assert llf_kit("diagnose", "again.xlsx", "--json").json["cases"] == 3


def test_a_sheet_that_may_be_filled_in_is_not_replaced(llf_kit: LlfKit, sheet: Path) -> None:
    before = sheet.read_bytes()
    done = llf_kit("diagnose", "cases.jsonl", "--excel", "fill.xlsx")
    assert done.status == 2 and "is there already" in done.err
    assert sheet.read_bytes() == before


def test_deleted_rows_are_counted(llf_kit: LlfKit, sheet: Path) -> None:
    edit(sheet, lambda page, _: page.delete_rows(2))
    done = llf_kit("diagnose", "fill.xlsx", "--json").json
    assert (done["cases"], done["left_out"]) == (2, {"deleted from the sheet": 1})
    assert "1 行不算案例：已从表中删除" in llf_kit("diagnose", "fill.xlsx").err
    edit(sheet, lambda page, _: page.delete_rows(2, 2))
    assert "holds no case any more" in llf_kit("diagnose", "fill.xlsx").err


def test_every_slip_is_told_with_its_cell(llf_kit: LlfKit, sheet: Path) -> None:
    def spoil(page: Worksheet, columns: dict[str, int]) -> None:
        page.cell(2, columns["编号"]).value = "001-000000000000"
        page.cell(3, columns["回答"]).value = "另一个回答"
        page.cell(4, columns["备注"]).value = "=1+1"
        for column in range(1, page.max_column + 1):
            page.cell(5, column).value = page.cell(4, column).value
        page.cell(5, columns["备注"]).value = None

    edit(sheet, spoil)
    done = llf_kit("diagnose", "fill.xlsx")
    assert done.status == 1
    slips = ("A2: this id was changed", "A3: a text of this row was", "N4: is a formula", "A5: the id 003-")
    assert [line.removeprefix("error: fill.xlsx:").startswith(slip)
            for line, slip in zip(done.err.splitlines(), slips, strict=True)] == [True] * 4  # fmt: skip


def test_a_missing_heading_is_named(llf_kit: LlfKit, sheet: Path) -> None:
    edit(sheet, lambda page, columns: page.delete_cols(columns["症状"]))
    done = llf_kit("diagnose", "fill.xlsx")
    assert done.status == 1 and "fill.xlsx: has no column 症状." in done.err
