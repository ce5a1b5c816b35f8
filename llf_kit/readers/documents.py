"""Documents of paragraphs and tables, whatever held them: each table is a table, and the text around them is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from llf_kit.readers import lines
from llf_kit.readers.lines import ANSWER, HEADING, OTHER, QUESTION, Line
from llf_kit.readers.records import table
from llf_kit.readers.sheets import Merged, Row, sheet
from llf_kit.schema import RawTable

WIDEST = 100  # columns that one cell may span; Word has 63 in all

_RAISED = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_LOWERED = str.maketrans("0123456789+-−–", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋")


class Heading(NamedTuple):
    """A heading; the smaller its level, the more stands under it."""

    number: int
    text: str
    level: int


class Grid(NamedTuple):
    """The cells of a table; ``numbers`` of its rows where the container has some for them."""

    rows: list[Row]
    merged: list[Merged]
    numbers: list[int]

    def padded(self) -> Grid:
        """With rows of one length."""
        width = max(map(len, self.rows), default=0)
        return self._replace(rows=[[*row, *[None] * (width - len(row))] for row in self.rows])


Part = Line | Heading | Grid


def tables(name: str, parts: Iterable[Part], encoding: str | None = None) -> list[RawTable]:
    """A table for every grid, named by its place in the document, and one for the text outside of them."""
    parts = list(parts)
    grids = [part.padded() for part in parts if isinstance(part, Grid)]
    text = list(_asked(part for part in parts if not isinstance(part, Grid)))
    found = [
        of_cells(f"{name}#table {place}", grid.rows, grid.merged, grid.numbers, encoding)
        for place, grid in enumerate(grids, start=1)
    ]
    if any(line.text.strip() for line in text):
        found.append(lines.read(name, lambda: text, encoding, paragraphs=True))
    return found or [table(name, (), list, encoding)]


def of_cells(
    source: str,
    rows: list[Row],
    merged: Iterable[Merged] = (),
    numbers: Sequence[int] = (),
    encoding: str | None = None,
) -> RawTable:
    """A table of cells; one whose first column says of every row that it asks or answers is read like lines."""
    if told := _told(rows, numbers):
        return lines.read(source, lambda: told, encoding)
    return sheet(source, rows, merged, numbers, encoding)


def _told(rows: list[Row], numbers: Sequence[int]) -> list[Line]:
    """A line a row, where all of them are a mark and what it marks; else nothing."""
    told: list[Line] = []
    for place, row in enumerate(rows):
        filled = [cell for cell in row if cell]
        if not filled:
            continue
        line = Line(numbers[place] if numbers else place + 1, "：".join(filled))
        if len(filled) != 2 or lines.kind_of(Line(0, f"{filled[0]}：")) is None:
            return []
        told.append(line)
    return told if {lines.kind_of(line) for line in told} == {QUESTION, ANSWER} else []


def _asked(parts: Iterable[Line | Heading]) -> Iterator[Line]:
    """A heading that asks is a question, and what stands under it is the answer."""
    level = 0  # of the heading that asked last
    asked = False
    for part in parts:
        line = part if isinstance(part, Line) else Line(part.number, part.text, HEADING)
        if isinstance(part, Heading):
            if lines.asks(part.text):
                yield lines.asking(line)
                level, asked = part.level, True
                continue
            if part.level <= level:  # another matter begins
                yield line._replace(kind=OTHER)
                level, asked = 0, False
                continue
        if asked and line.text.strip():
            asked = False
            if lines.kind_of(line) is None:
                line = line._replace(kind=ANSWER)
        yield line


def raised(text: str) -> str:
    """Superscript: `10` and a raised `9` must not become `109`."""
    return text.translate(_RAISED)


def lowered(text: str) -> str:
    """Subscript."""
    return text.translate(_LOWERED)
