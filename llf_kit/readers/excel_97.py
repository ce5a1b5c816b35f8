"""xls, the format of Excel 97: through xlrd, because a damaged one makes calamine ask for more memory than there is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llf_kit.readers.sheets import Merged

if TYPE_CHECKING:
    from xlrd.sheet import Cell

MARK = b"\xd0\xcf\x11\xe0"  # a locked xlsx begins with it too


def sheets(path: Path) -> Iterator[tuple[str, list[list[Any]], list[Merged]]]:
    """Name, cells and merged ranges of every sheet."""
    import xlrd

    # Merges come with the formats; what xlrd has to say of oddities is for nobody's eyes.
    with xlrd.open_workbook(path, formatting_info=True, ragged_rows=True, logfile=io.StringIO()) as book:
        for sheet in book.sheets():
            rows = [[_value(cell, book.datemode) for cell in sheet.row(place)] for place in range(sheet.nrows)]
            width = max(map(len, rows), default=0)
            merged = [((top, left), (bottom - 1, right - 1)) for top, bottom, left, right in sheet.merged_cells]
            yield sheet.name, [[*row, *[None] * (width - len(row))] for row in rows], merged


def _value(cell: Cell, datemode: int) -> Any:
    import xlrd

    match cell.ctype:
        case xlrd.XL_CELL_DATE:
            try:
                return xlrd.xldate_as_datetime(cell.value, datemode)
            except (ValueError, OverflowError):  # a number that is formatted as a date and is none
                return cell.value
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_ERROR:
            return None
        case _:
            return cell.value
