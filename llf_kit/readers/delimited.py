"""csv and tsv: polars reads a well-formed file at full speed; a damaged one is read again, record by record."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import dropwhile, islice
from pathlib import Path

import polars as pl

from llf_kit.errors import DataError
from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.readers.records import Record, table
from llf_kit.readers.sheets import LOOK, column_names, header_place, names_columns
from llf_kit.schema import RawTable

# Bytes that tell the encoding. What is not in it further down is refused then, and all of the file is looked at.
_LOOK = 4 << 20
_INDEX = "\0row"  # a name that no header can have
_HEAD = 1 << 18  # characters in which the separator and the header are looked for
_HEADING = 20  # characters of the longest heading in a table that is not called one


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table. The header is the first row that is filled like one; a blank line is not a row.

    Raises:
        DataError: no header.
    """
    try:
        encoding = detect(path, opening.encoding, enough=None if opening.careful else _LOOK)
        file = as_utf8(path, encoding, opening.work)
    except UnicodeDecodeError:  # further down it is something else
        encoding = detect(path, opening.encoding)
        file = as_utf8(path, encoding, opening.work)
    with file.open(encoding="utf-8-sig", newline="") as text:
        head = text.read(_HEAD)
    separator = "\t" if path.suffix.lower() == ".tsv" else _separator(head)
    first = _first(head, separator)
    above = header_place(first)
    if not any(map(any, first)):
        raise DataError(f"{path}: is empty. Give a table whose first row names its columns.")
    headed = names_columns(first[above], first[above + 1 :])
    names = column_names(name.strip() if headed else None for name in first[above])
    above += headed  # the rows before the first of the data
    if opening.careful or "\n" not in head:  # lines may end with a bare \r, which polars does not take for an end
        return [table(path.name, names, lambda: _records(file, separator, names, above), encoding)]
    rows = pl.scan_csv(
        file,
        separator=separator,
        # looking for a header, polars passes over blank lines at the top itself
        skip_rows=above - 1 - first.index(next(filter(None, first))) if headed else above,
        has_header=headed,
        infer_schema=False,
        new_columns=names,
        row_index_name=_INDEX,
        row_index_offset=above + 1,
    ).select(
        source=pl.lit(path.name),
        row=pl.col(_INDEX).cast(pl.Int64),
        reason=pl.lit(None, dtype=pl.String),
        raw=pl.struct(names),
    )
    blank = pl.all_horizontal(pl.col("raw").struct.field(name).is_null() for name in names)
    return [RawTable(path.name, tuple(names), rows.filter(~blank), encoding)]


def is_table(head: str) -> bool:
    """Whether a text is a table that is called a text: rows of as many fields, between tabs or under short headings."""
    rows = {mark: [record for record in _first(head, mark) if any(record)] for mark in "\t,;|"}
    mark = max(rows, key=lambda mark: _even([len(record) for record in rows[mark]]))
    even = _even([len(record) for record in rows[mark]])
    if mark == "\t":  # not of paragraphs that begin with one
        return even > 0.8 and len(rows[mark]) > 1 and all(record[0] for record in rows[mark])
    short = all(0 < len(name.strip()) <= _HEADING and not name.startswith(" ") for name in rows[mark][0])
    return even == 1 and len(rows[mark]) > 2 and short


def _first(head: str, separator: str) -> list[list[str]]:
    """The first records, without the one that is cut off where ``head`` ends."""
    csv.field_size_limit(sys.maxsize)
    records = list(islice(csv.reader(io.StringIO(head, newline=""), delimiter=separator), LOOK + 1))
    return records[:LOOK] if len(head) < _HEAD or len(records) == 1 else records[: min(LOOK, len(records) - 1)]


def _separator(head: str) -> str:
    """What splits most of the first records into the same number of fields; marks inside quotes do not count.

    A text of a single column is read with a separator that it does not use.
    """
    lengths = {mark: [len(record) for record in _first(head, mark) if any(record)] for mark in ",\t;|"}
    best = max(lengths, key=lambda mark: _even(lengths[mark]))
    below = list(dropwhile(lambda length: length == 1, lengths[best]))  # without titles
    if _even(lengths[best]) > 0.5 or (len(below) > 2 and _even(below) > 0.8):
        return best
    return min(lengths, key=head.count)


def _even(lengths: list[int]) -> float:
    """The share of records that have the commonest number of fields above one."""
    several = [length for length in lengths if length > 1]
    return max(map(several.count, several), default=0) / len(lengths) if lengths else 0.0


def _records(file: Path, separator: str, names: list[str], above: int) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=separator, strict=True)
        for _ in range(above):
            with suppress(csv.Error, StopIteration):  # a stray quote in a title
                next(reader)
        row = above
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
