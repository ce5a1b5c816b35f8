"""xlsx: every sheet is a table; title rows above the header are passed over."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.readers.encoding import Opening
from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable

_LOOK = 30  # rows in which the header is looked for


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table a sheet; rows are counted as Excel counts them. An empty sheet is a table without columns.

    Raises:
        DataError: not an Excel workbook.
    """
    import pandas as pd

    try:
        sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=object, engine="calamine", na_filter=False)
    except OSError:
        raise
    except Exception as error:  # calamine has one exception a container and no common root
        raise DataError(f"{path}: is not a readable Excel workbook ({type(error).__name__}). Save it anew.") from None
    return [_sheet(f"{path.name}#{name}", frame.values.tolist()) for name, frame in sheets.items()]


def _sheet(source: str, cells: list[list[Any]]) -> RawTable:
    rows = [[_text(cell) for cell in line] for line in cells]
    header = _header(rows)
    names = [name or f"column {place}" for place, name in enumerate(rows[header], start=1)] if rows else []
    for place, name in enumerate(names):
        if name in names[:place]:
            names[place] = f"{name} {place + 1}"

    def records() -> Iterator[Record]:
        for row, values in enumerate(rows[header + 1 :], start=header + 2):
            if any(values):
                yield Record(row, dict(zip(names, values, strict=True)))

    return table(source, names if any(any(line) for line in rows) else (), records)


def _header(rows: list[list[str | None]]) -> int:
    """Index of the header: the first row that is filled like a table's row; a merged title fills a single cell."""
    filled = [sum(value is not None for value in line) for line in rows[:_LOOK]]
    widest = max(filled, default=0)
    return next((place for place, count in enumerate(filled) if count and count >= 0.6 * widest), 0)


def _text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # Excel keeps every number as a float; nobody typed 5.0
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell).strip() or None
