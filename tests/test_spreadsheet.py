"""Texts in cells: no formulas, no characters that Excel refuses, none too long for it."""

from __future__ import annotations

import openpyxl
import pytest

from llf_kit.spreadsheet import append, fits, shown


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx"])
def test_what_looks_like_a_formula_is_a_text(text: str) -> None:
    sheet = openpyxl.Workbook().active
    append(sheet, [text, "x", 3])
    assert (sheet["A1"].data_type, bool(sheet["A1"].quotePrefix)) == ("s", True)
    assert (sheet["B1"].data_type, bool(sheet["B1"].quotePrefix)) == ("s", False)
    assert sheet["C1"].value == 3


@pytest.mark.parametrize("letter", ["长", "𝛂"])  # the second counts as two in Excel
def test_a_text_that_is_too_long_ends_with_an_ellipsis(letter: str) -> None:
    sheet = openpyxl.Workbook().active
    append(sheet, [letter * 40_000])
    assert fits(sheet["A1"].value) and sheet["A1"].value.endswith(f"{letter} …")
    assert not fits(letter * 40_000) and fits("长" * 32_767) and not fits("𝛂" * 16_384)


def test_halves_of_characters_and_control_characters_are_marked() -> None:
    assert shown("a\x00b\ud800c\r\nd\re") == "a\ufffdb?c\nd\ne"
