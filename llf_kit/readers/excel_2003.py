"""The XML that Excel 2003 wrote, under the name of xls or xml: laboratory systems export it to this day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llf_kit.readers import xml
from llf_kit.readers.documents import WIDEST
from llf_kit.readers.encoding import Opening
from llf_kit.readers.sheets import Merged, Row

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MARK = b"urn:schemas-microsoft-com:office:spreadsheet"
_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MOST_ROWS = 1 << 16  # that Excel 2003 has


def sheets(path: Path, opening: Opening) -> Iterator[tuple[str, list[Row], list[Merged]]]:
    """Name, cells and merged ranges of every sheet.

    Raises:
        DataError: not XML, or entities in it.
    """
    root, _ = xml.root(path, opening)
    for sheet in root.iter(f"{_SS}Worksheet"):
        rows: list[Row] = []
        merged: list[Merged] = []
        for line in sheet.iter(f"{_SS}Row"):
            rows += [[] for _ in range(len(rows), min(_number(line, "Index", len(rows) + 1) - 1, _MOST_ROWS))]
            row: Row = []
            for cell in line.iter(f"{_SS}Cell"):
                row += [None] * (min(_number(cell, "Index", len(row) + 1) - 1, WIDEST) - len(row))
                left, right = len(row), len(row) + min(_number(cell, "MergeAcross", 0), WIDEST)
                bottom = len(rows) + _number(cell, "MergeDown", 0)
                if (left, len(rows)) != (right, bottom):
                    merged.append(((len(rows), left), (bottom, right)))
                row += [_text(cell), *[None] * (right - left)]
            rows.append(row)
        width = max(map(len, rows), default=0)
        yield sheet.get(f"{_SS}Name") or "", [[*row, *[None] * (width - len(row))] for row in rows], merged


def _text(cell: Element) -> str | None:
    data = cell.find(f"{_SS}Data")
    return "".join(data.itertext()).strip() or None if data is not None else None


def _number(element: Element, name: str, default: int) -> int:
    given = element.get(_SS + name, "")
    return int(given) if given.isdecimal() and len(given) < 8 else default
