"""Excel sheets that a person fills in: every text stays a text, whatever it begins with, and what is read back is told.

Excel, LibreOffice and WPS take a cell that begins like a formula for one as soon as it is edited; a quote prefix, and
a number format of text where something is typed, keep it from being calculated.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from llf_kit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from openpyxl import Workbook
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

AS_TEXT = "@"  # the number format of cells whose content is never calculated

_LONGEST = 32_767  # characters of a cell of Excel, in UTF-16 (Microsoft: Excel specifications and limits)
_CUT = " …"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def fits(text: str) -> bool:
    """Whether a cell can hold all of ``text``."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 <= _LONGEST


def append(sheet: Worksheet, values: Iterable[Any]) -> None:
    """A line of texts and numbers below the last one. A text that no cell can hold ends with an ellipsis."""
    line = 1 if sheet.cell(1, 1).value is None else sheet.max_row + 1
    for column, value in enumerate(values, start=1):
        cell = sheet.cell(line, column)
        if isinstance(value, str):
            _put(cell, value)
        else:
            cell.value = value


def choices(sheet: Worksheet, column: str, words: Iterable[str], otherwise: str | None = None) -> None:
    """A drop-down of ``words`` in the cells of ``column`` (a letter) under the heading; nothing else can be entered.

    ``otherwise`` is what the program says to something else.
    """
    from openpyxl.worksheet.datavalidation import DataValidation

    choice = DataValidation("list", f'"{",".join(words)}"', allow_blank=True, showErrorMessage=True, error=otherwise)
    sheet.add_data_validation(choice)
    choice.add(f"{column}2:{column}{max(2, sheet.max_row)}")


def load(path: Path, writer: str) -> Workbook:
    """The workbook in ``path``; ``writer`` is the command that writes such a one.

    Raises:
        DataError: there is none, or it is no xlsx.
    """
    from openpyxl import load_workbook

    try:
        return load_workbook(path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file. Give the sheet that {writer} wrote.") from None
    except Exception as error:  # openpyxl's have no common root
        raise DataError(f"{path}: is not a readable xlsx ({type(error).__name__}). Save it as xlsx.") from None


def shown(text: str) -> str:
    """``text`` as a cell shows it: without the control characters that no xlsx can hold, its lines ended by line feeds
    alone, as every program saves them."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    whole = text.encode("utf-8", "replace").decode()  # JSON can hold half of a character
    return str(ILLEGAL_CHARACTERS_RE.sub("\ufffd", whole)).replace("\r\n", "\n").replace("\r", "\n")


def _put(cell: Cell, value: str) -> None:
    text = shown(value)
    if not fits(text):
        text = text.encode("utf-16-le")[: 2 * (_LONGEST - len(_CUT))].decode("utf-16-le", "ignore") + _CUT
    cell.value = text
    cell.data_type = "s"
    if value[:1] in _FORMULA:
        cell.quotePrefix = True
