"""Excel sheets that a person fills in: every text stays a text, whatever it begins with, and what is read back is told.

Excel, LibreOffice and WPS take a cell that begins like a formula for one as soon as it is edited; a quote prefix, and
a number format of text where something is typed, keep it from being calculated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llf_kit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from openpyxl import Workbook
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

AS_TEXT = "@"  # the number format of cells whose content is never calculated

_LONGEST = 32_767  # characters of a cell of Excel, in UTF-16 (Microsoft: Excel specifications and limits)
_CUT = " …"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Look:
    """How a column looks: its width in characters, whether a person fills it in (and types no text there but a
    ``number``), and whether it is ``centred``."""

    width: int
    filled: bool = False
    number: bool = False
    centred: bool = False


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


def dress(sheet: Worksheet, looks: Sequence[Look], stays: str) -> None:
    """Widths, wrapped text, yellow cells to fill in, and a lock on the others; for paper, landscape A4.

    What is above and left of the cell ``stays`` stays in sight. The lock is against slips, not against people: there is
    no password.
    """
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side

    line = Side(style="thin", color="BFBFBF")
    for number, look in enumerate(looks, start=1):
        letter = sheet.cell(1, number).column_letter
        sheet.column_dimensions[letter].width = look.width
        sheet.cell(1, number).font = Font(bold=True)
        sheet.cell(1, number).fill = PatternFill("solid", fgColor="E7E6E6")
        for cell in sheet[letter]:
            head = cell.row == 1
            cell.border = Border(line, line, line, line)
            cell.alignment = Alignment(
                "center" if head or look.centred else None, "center" if head else "top", wrap_text=True
            )
            if look.filled and not head:
                cell.fill = PatternFill("solid", fgColor="FFF7E0")
                cell.protection = Protection(locked=False)
                if not look.number:
                    cell.number_format = AS_TEXT
    sheet.freeze_panes = stays
    sheet.auto_filter.ref = sheet.dimensions
    guard = sheet.protection
    guard.sheet = True
    guard.formatColumns = guard.formatRows = guard.autoFilter = False  # these stay allowed
    setup = sheet.page_setup
    setup.orientation, setup.paperSize, setup.fitToWidth, setup.fitToHeight = "landscape", sheet.PAPERSIZE_A4, 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    sheet.oddFooter.center.text = "&P / &N"


def explain(guide: Worksheet, lines: Iterable[str]) -> None:
    """A page of instructions, a line each, below those that are there; nobody writes on it."""
    from openpyxl.styles import Alignment

    for line in lines:
        append(guide, [line])
    guide.column_dimensions["A"].width = 100
    for cell in guide["A"]:
        cell.alignment = Alignment(vertical="top", wrap_text=True)
    guide.protection.sheet = True
    guide.page_setup.paperSize = guide.PAPERSIZE_A4
    guide.page_setup.fitToHeight = 0
    guide.sheet_properties.pageSetUpPr.fitToPage = True


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
