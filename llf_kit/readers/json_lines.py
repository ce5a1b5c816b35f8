"""jsonl: one object a line. Read twice, so that a key which first appears in the last line is a column too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.readers.records import DECODER, Record, from_json, table
from llf_kit.schema import RawTable


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table; the row is the line number, and a line that is not a JSON object is a row with a reason."""
    encoding = detect(path, opening.encoding)
    file = as_utf8(path, encoding, opening.work)
    columns: dict[str, None] = {}
    for _, value in _values(file):
        if isinstance(value, dict) and not columns.keys() >= value.keys():
            columns.update(dict.fromkeys(value))
    return [table(path.name, columns, lambda: _records(file), encoding)]


def _records(file: Path) -> Iterator[Record]:
    for row, value in _values(file):
        yield Record(row, {}, "not JSON") if value is _BROKEN else from_json(row, value)


_BROKEN = object()


def _values(file: Path) -> Iterator[tuple[int, object]]:
    """The number of every line that is not blank, and what it holds."""
    with file.open(encoding="utf-8-sig") as lines:
        for row, line in enumerate(lines, start=1):
            if not (text := line.strip().removesuffix(",")):  # the comma of an array whose brackets were left out
                continue
            try:
                value, end = DECODER.raw_decode(text)
            except (ValueError, RecursionError):
                end = -1
            yield row, value if end == len(text) else _BROKEN
