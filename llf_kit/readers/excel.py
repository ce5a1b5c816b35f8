"""xlsx, xlsm, xls, ods: every sheet is a table. What only bears the name (a web page, tabbed text) is read as it is."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.readers import archive, delimited, html
from llf_kit.readers.encoding import Opening
from llf_kit.readers.sheets import sheet
from llf_kit.schema import RawTable

_LOOK = 4096  # bytes that tell a workbook from a text
_MARKS = (b"\xff\xfe", b"\xfe\xff")  # UTF-16: the only text that has NUL bytes


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table a sheet; rows are counted as Excel counts them. An empty sheet is a table without columns.

    Raises:
        DataError: not an Excel workbook, locked, or far larger inside than outside.
    """
    from python_calamine import CalamineWorkbook, PasswordError

    if other := _other(path):
        return other(path, opening)
    archive.check(path)
    try:
        with CalamineWorkbook.from_path(path) as book:
            return [_sheet(path, book.get_sheet_by_name(name)) for name in _names(book)]
    except OSError:
        raise
    except PasswordError:
        raise DataError(f"{path}: is locked with a password. Save it without.") from None
    except Exception as error:  # calamine has one exception a container and no common root
        raise DataError(f"{path}: is not a readable Excel workbook ({type(error).__name__}). Save it anew.") from None


def _names(book: Any) -> list[str]:
    """Charts and macros are sheets too, without cells."""
    from python_calamine import SheetTypeEnum

    return [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def _other(path: Path) -> Callable[[Path, Opening], list[RawTable]] | None:
    """The reader for a text under this name: systems export web pages and tabbed text as ``.xls``."""
    with path.open("rb") as file:
        start = file.read(_LOOK)
    text = start.replace(b"\0", b"").lower()
    if start.startswith(b"PK") or (b"\0" in start and not start.startswith(_MARKS)):
        return None
    if b"<table" in text or b"<html" in text:
        return html.read
    return delimited.read if b"\t" in text or b"," in text else None


def _sheet(path: Path, cells: Any) -> RawTable:
    rows = [[_text(cell) for cell in row] for row in cells.to_python(skip_empty_area=False)]
    return sheet(f"{path.name}#{cells.name}", rows, cells.merged_cell_ranges or ())


def _text(cell: Any) -> str | None:
    if isinstance(cell, str):  # nearly all of them
        return cell.strip() or None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # Excel keeps every number as a float; nobody typed 5.0
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell)
