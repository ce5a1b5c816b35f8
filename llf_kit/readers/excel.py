"""xlsx, xlsm, xls: every sheet is a table. What only bears the name (a web page, tabbed text) is read as what it is."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.readers import archive, delimited, excel_97, excel_2003, html
from llf_kit.readers.documents import of_cells
from llf_kit.readers.encoding import Opening
from llf_kit.readers.sheets import Merged
from llf_kit.schema import RawTable

_LOOK = 4096  # bytes that tell a workbook from a text
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # the only text that has NUL bytes
_CELL = re.compile(rb"""r\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_LONGEST = 64  # bytes of such a reference
_CHUNK = 1 << 20
_MOST = 32 << 20  # cells between the first and the last of a sheet, of 32 bytes each


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table a sheet; rows are counted as Excel counts them. An empty sheet is a table without columns.

    Raises:
        DataError: not an Excel workbook, locked, or far larger inside than outside.
    """
    with path.open("rb") as file:
        start = file.read(_LOOK)
    text = start.replace(b"\0", b"").lower()
    old = start.startswith(excel_97.MARK)
    if excel_2003.MARK in start:
        return [
            of_cells(f"{path.name}#{name}", rows, merged) for name, rows, merged in excel_2003.sheets(path, opening)
        ]
    if not old and not start.startswith(b"PK") and (b"\0" not in start or start.startswith(_UTF_16)):
        if b"<table" in text or b"<html" in text:
            return html.read(path, opening)
        if b"\t" in text or b"," in text:
            return delimited.read(path, opening)
    try:
        sheets = list(excel_97.sheets(path) if old else _sheets(path))
    except (DataError, OSError):
        raise
    except Exception as error:  # neither library has a common root
        raise DataError(f"{path}: is not a readable Excel workbook ({type(error).__name__}). Save it anew.") from None
    return [
        of_cells(f"{path.name}#{name}", [[_text(cell) for cell in row] for row in rows], merged)
        for name, rows, merged in sheets
    ]


def _sheets(path: Path) -> Iterator[tuple[str, list[list[Any]], list[Merged]]]:
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    archive.check(path)
    _check_extent(path)
    # By what it is, not by its name: many an xlsx is called xls.
    with path.open("rb") as file, CalamineWorkbook.from_filelike(file) as book:
        for about in book.sheets_metadata:
            if about.typ == SheetTypeEnum.WorkSheet:  # charts and macros are sheets too, without cells
                cells = book.get_sheet_by_name(about.name)
                yield about.name, cells.to_python(skip_empty_area=False), cells.merged_cell_ranges or []


def _check_extent(path: Path) -> None:
    """Calamine makes room for every cell up to the last; one stray cell in the last row and column is 500 GB.

    Raises:
        DataError: a sheet reaches too far.
    """
    with zipfile.ZipFile(path) as packed:
        for info in packed.infolist():
            if not info.filename.endswith(".xml"):
                continue
            columns: set[bytes] = set()
            last = 0
            with packed.open(info) as part:
                rest = b""
                while chunk := part.read(_CHUNK):
                    found = _CELL.findall(rest + chunk)
                    columns.update(map(itemgetter(0), found))
                    last = max(last, max(map(int, map(itemgetter(1), found)), default=0))
                    rest = chunk[-_LONGEST:]
            if last * max(map(_column, columns), default=0) > _MOST:
                raise DataError(
                    f"{path}: a sheet reaches too far. Delete what stands far from its table and save it anew."
                )


def _column(letters: bytes) -> int:
    """The number of a column; `A` is 1, `AA` 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _text(cell: Any) -> str | None:
    if isinstance(cell, str):  # nearly all of them
        return cell.strip() or None
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # Excel keeps every number as a float; nobody typed 5.0
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell)
