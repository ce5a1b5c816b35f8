"""docx: every table is a table, and the paragraphs outside of them are text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llf_kit.errors import DataError
from llf_kit.readers import archive
from llf_kit.readers.documents import WIDEST, Grid, Heading, Part, lowered, raised, tables
from llf_kit.readers.encoding import Opening
from llf_kit.readers.lines import Line
from llf_kit.readers.sheets import Merged, Row
from llf_kit.schema import RawTable

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element as Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# What Word does not show: deleted and moved text, and the copy of a text box for programs of before 2010.
_HIDDEN = (f"{_W}del", f"{_W}moveFrom", f"{_MC}Fallback")
# What only stands around paragraphs, rows and cells: content controls, tracked changes, tags.
_AROUND = frozenset(f"{_W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
_TEXTS = tuple(f"{_W}{name}" for name in ("t", "tab", "br", "cr", "noBreakHyphen", "p"))
_SIGNS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", f"{_W}p": "\n"}
_HEADING = re.compile(r"(?:heading|标题)\s*(\d)", re.IGNORECASE)


def read(path: Path, opening: Opening) -> list[RawTable]:
    """A table for every table, where the row is its place in it, and one for the text, where it is the paragraph.

    Raises:
        DataError: not a Word document, or far larger inside than outside.
    """
    import docx

    archive.check(path)
    try:
        # Its parser resolves no entities and fetches nothing.
        parts = list(_parts(docx.Document(str(path))))
    except OSError:
        raise
    except Exception as error:  # zip, package, key and XML errors have no common root
        raise DataError(f"{path}: is not a readable Word document ({type(error).__name__}). Save it anew.") from None
    return tables(path.name, parts)


def _parts(document: Document) -> Iterator[Part]:
    body = document.element.body
    for hidden in list(body.iter(*_HIDDEN)):
        hidden.getparent().remove(hidden)
    levels = _levels(document)
    number = 0
    for block in _children(body, "p", "tbl"):
        if block.tag == f"{_W}tbl":
            grid = _grid(block)
            if len(grid.rows) > 1 and max(map(len, grid.rows)) > 1:
                yield grid
            else:  # a frame around text
                yield from (Line(max(number, 1), cell) for row in grid.rows for cell in row if cell)
            continue
        number += 1
        style = block.find(f"{_W}pPr/{_W}pStyle")
        level = levels.get(style.get(f"{_W}val") or "") if style is not None else None
        text = _text(block)
        if level:
            yield Heading(number, text, level)
        else:
            yield from (Line(number, line) for line in text.split("\n"))


def _levels(document: Document) -> dict[str, int]:
    """The level of every style that is a heading, by its id."""
    named = {style.style_id: _HEADING.match(style.name or "") for style in document.styles}
    return {name: int(found[1]) for name, found in named.items() if found}


def _children(element: Element, *names: str) -> Iterator[Element]:
    wanted = {f"{_W}{name}" for name in names}
    for child in element:
        if child.tag in wanted:
            yield child
        elif child.tag in _AROUND:
            yield from _children(child, *names)


def _text(element: Element) -> str:
    texts = []
    for node in element.iter(*_TEXTS):
        if node is element:
            continue
        text = _SIGNS.get(str(node.tag), node.text or "")
        run = node.getparent()
        align = run.find(f"{_W}rPr/{_W}vertAlign") if run is not None else None
        if align is not None:
            place = align.get(f"{_W}val")
            text = raised(text) if place == "superscript" else lowered(text) if place == "subscript" else text
        texts.append(text)
    return "".join(texts).strip()


def _grid(element: Element) -> Grid:
    rows: list[Row] = []
    spans: list[tuple[int, int, int]] = []  # row, first and last column of every merged cell
    bottoms: list[int] = []
    above: dict[int, int] = {}  # column → which of these may go on in the next row
    for top, line in enumerate(_children(element, "tr")):
        row: Row = []
        going: dict[int, int] = {}
        for cell in _children(line, "tc"):
            left, right = len(row), len(row) + _span(cell) - 1
            down = cell.find(f"{_W}tcPr/{_W}vMerge")
            goes_on = down is not None and down.get(f"{_W}val") != "restart" and left in above
            row += [None if goes_on else _text(cell) or None, *[None] * (right - left)]
            if goes_on:
                going[left] = above[left]
                bottoms[going[left]] = top
            elif down is not None or right > left:
                going[left] = len(spans)
                spans.append((top, left, right))
                bottoms.append(top)
        rows.append(row)
        above = going
    merged: list[Merged] = [
        ((top, left), (bottom, right)) for (top, left, right), bottom in zip(spans, bottoms, strict=True)
    ]
    return Grid(rows, merged, [])


def _span(cell: Element) -> int:
    span = cell.find(f"{_W}tcPr/{_W}gridSpan")
    return max(1, min(int(span.get(f"{_W}val") or 1), WIDEST)) if span is not None else 1
