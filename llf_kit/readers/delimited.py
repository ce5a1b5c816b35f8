"""csv and tsv: polars reads a well-formed file at full speed; a damaged one is read again, record by record."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from llf_kit.errors import DataError
from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable

# Bytes that tell the encoding. What is not in it further down is refused then, and all of the file is looked at.
_LOOK = 4 << 20
_INDEX = "\0row"  # a name that no header can have


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table. The header is row 1; a blank line is not a row.

    Raises:
        DataError: no header, or two columns of the same name.
    """
    try:
        encoding = detect(path, opening.encoding, enough=None if opening.careful else _LOOK)
        file = as_utf8(path, encoding, opening.work)
    except UnicodeDecodeError:  # further down it is something else
        encoding = detect(path, opening.encoding)
        file = as_utf8(path, encoding, opening.work)
    with file.open(encoding="utf-8-sig", newline="") as text:
        head = text.readline()
        separator = "\t" if path.suffix.lower() == ".tsv" else _separator(head)
        text.seek(0)
        header = [name.strip() for name in next(csv.reader(text, delimiter=separator), [])]
    if not any(header):
        raise DataError(f"{path}: is empty. Give a table whose first row names its columns.")
    names = [name or f"column {place}" for place, name in enumerate(header, start=1)]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise DataError(f"{path}:1: two columns are called {twice[0]!r}. Rename one.")
    if opening.careful:
        return [table(path.name, names, lambda: _records(file, separator, names), encoding)]
    rows = pl.scan_csv(
        file, separator=separator, infer_schema=False, new_columns=names, row_index_name=_INDEX, row_index_offset=2
    ).select(
        source=pl.lit(path.name),
        row=pl.col(_INDEX).cast(pl.Int64),
        reason=pl.lit(None, dtype=pl.String),
        raw=pl.struct(names),
    )
    blank = pl.all_horizontal(pl.col("raw").struct.field(name).is_null() for name in names)
    return [RawTable(path.name, tuple(names), rows.filter(~blank), encoding)]


def _separator(head: str) -> str:
    return max(",\t;|", key=head.count)


def _records(file: Path, separator: str, names: list[str]) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=separator, strict=True)
        next(reader)
        row = 1
        while True:
            row += 1
            first = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                what = "a quote is opened and never closed" if "end of data" in str(error) else "stray quotes"
                yield Record(row, {}, f"{what} in lines {first} to {reader.line_num}")
                continue
            if not any(fields):
                continue
            values = {name: value or None for name, value in zip(names, fields, strict=False)}
            extra = any(fields[len(names) :])
            yield Record(row, values, f"{len(fields)} fields where the header has {len(names)}" if extra else None)
