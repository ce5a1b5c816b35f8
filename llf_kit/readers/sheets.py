"""Tables of cells, whatever held them: which row is the header, what its columns are called, what a merge means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable

LOOK = 30  # rows in which the header is looked for
_DEEPEST = 3  # rows that a header has at most

ASKS = re.compile(r"[?？]\s*$")

_SENTENCE = re.compile(r"[?？。]|[\u4e00-\u9fff]{12}|.{40}")

Row = list[str | None]
Merged = tuple[tuple[int, int], tuple[int, int]]  # first and last cell, each (row, column) from 0


def sheet(
    source: str,
    rows: list[Row],
    merged: Iterable[Merged] = (),
    numbers: Sequence[int] = (),
    encoding: str | None = None,
) -> RawTable:
    """A table of what stands below the header; without any cell it is a table without columns.

    Row numbers are ``numbers``, or places from 1. A cell merged over several rows counts in each of them.
    """
    if not any(any(row) for row in rows):
        return table(source, (), list, encoding)
    merged = list(merged)
    _fill_down(rows, merged)
    header, body = _header(rows, merged)
    if not names_columns(header, rows[body : body + LOOK]):
        header, body = [None] * len(header), body - 1
    used = [place for place, name in enumerate(header) if name or any(row[place] for row in rows[body:])]
    names = column_names(header[place] for place in used)
    _join_parts(rows, merged, body, used)

    def records() -> Iterator[Record]:
        for place, row in enumerate(rows[body:], start=body):
            if any(row):
                number = numbers[place] if numbers else place + 1
                yield Record(number, dict(zip(names, (row[place] for place in used), strict=True)))

    return table(source, names, records, encoding)


def header_place(rows: Sequence[Sequence[str | None]]) -> int:
    """Index of the header: the first row that is filled like a table's row; a title fills a single cell.

    Rows may differ in length where the container is text: what one has beyond the usual length does not count.
    """
    look = rows[:LOOK]
    lengths = [len(row) for row in look if any(row)]
    usual = max(set(lengths), key=lambda length: (lengths.count(length), length), default=0)
    filled = [min(_filled(row), usual) for row in look]
    widest = max(filled, default=0)
    return next((place for place, count in enumerate(filled) if count and count >= 0.6 * widest), 0)


def names_columns(row: Sequence[str | None], below: Sequence[Sequence[str | None]]) -> bool:
    """Whether ``row`` is a header; a row that asks as the rows below it do is the first of them.

    So is one that holds a sentence, and a letter, a mark or a class that is a value below it too.
    """
    others = [other for other in below if list(other) != list(row)]  # a header that is repeated
    if any(cell and _SENTENCE.search(cell) for cell in row) and any(
        cell and place < len(other) and cell == other[place] for other in others for place, cell in enumerate(row)
    ):
        return False
    for place, cell in enumerate(row):
        cells = [other[place] or "" for other in below if place < len(other)]
        if cell and ASKS.search(cell) and sum(bool(ASKS.search(other)) for other in cells) > len(cells) / 2:
            return False
    return True


def _filled(row: Sequence[str | None]) -> int:
    """Filled cells; an index column has no name, and the rest of its header is still a header."""
    return len(row) if len(row) > 1 and all(row[1:]) else sum(bool(cell) for cell in row)


def column_names(header: Iterable[str | None]) -> list[str]:
    """A name for every column: its place where it has none, and its place behind a name that stands there twice."""
    names: dict[str, None] = {}
    for place, name in enumerate(header, start=1):
        name = name or f"column {place}"
        while name in names:
            name = f"{name} {place}"
        names[name] = None
    return list(names)


def _fill_down(rows: list[Row], merged: list[Merged]) -> None:
    """Write a cell that is merged over several rows into each of them that has anything else."""
    for (top, left), (bottom, _) in merged:
        for row in rows[top + 1 : bottom + 1]:
            if left < len(row) and any(row):
                row[left] = rows[top][left]


def _join_parts(rows: list[Row], merged: list[Merged], body: int, used: list[int]) -> None:
    """Make one row of those over which all is merged but one column, where what is merged asks: an answer in parts.

    Where it asks nothing, as a class does, its rows are several.
    """
    spans: dict[tuple[int, int], set[int]] = {}
    for (top, left), (bottom, right) in merged:
        if body <= top < bottom:
            spans.setdefault((top, bottom), set()).update(range(left, right + 1))
    for (top, bottom), columns in spans.items():
        free = [place for place in used if place not in columns]
        if len(free) == 1 and any(ASKS.search(rows[top][place] or "") for place in columns if place in used):
            group = rows[top : bottom + 1]
            parts = [part for row in group if (part := row[free[0]])]
            rows[top][free[0]] = "\n".join(parts) or None
            for row in group[1:]:
                row[:] = [None] * len(row)


def _header(rows: list[Row], merged: list[Merged]) -> tuple[Row, int]:
    """The header, and where the rows below it begin. A header of several rows reads ``parent child``."""
    found = header_place(rows)
    tall = [
        (top, bottom)
        for (top, _), (bottom, _) in merged
        if top <= found <= bottom and 0 < bottom - top < _DEEPEST and bottom < len(rows)
    ]
    first = min((top for top, _ in tall), default=found)
    last = max((bottom for _, bottom in tall), default=found)
    wide = [range(left, right + 1) for (top, left), (_, right) in merged if top == found and left < right]
    below = rows[last + 1] if last + 1 < len(rows) else []
    filled = [place for place, cell in enumerate(below) if cell]
    if wide and filled and all(any(place in parent for parent in wide) for place in filled):
        last += 1  # it fills nothing but the places under a merged name: their own names
    levels = [list(row) for row in rows[first : last + 1]]
    for (top, left), (_, right) in merged:
        if first <= top <= last:
            level = levels[top - first]
            level[left : right + 1] = [level[left]] * (min(right + 1, len(level)) - left)
    parts = zip(*levels, strict=True)
    return [" ".join(dict.fromkeys(part for part in column if part)) for column in parts], last + 1
