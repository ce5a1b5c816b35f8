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
    columns = dict.fromkeys(key for record in _records(file) for key in record.fields)
    return [table(path.name, columns, lambda: _records(file), encoding)]


def _records(file: Path) -> Iterator[Record]:
    with file.open(encoding="utf-8-sig") as lines:
        for row, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield from_json(row, DECODER.decode(line.strip()))
            except (ValueError, RecursionError):
                yield Record(row, {}, "not JSON")
