"""From Python records to a table of raw rows: for containers that polars does not read by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import polars as pl

from llf_kit.batches import source as lazily
from llf_kit.schema import RawTable

_BATCH = 5_000

# A number keeps its spelling: 5.10 is measured to the hundredth.
DECODER = json.JSONDecoder(parse_float=Decimal)


@dataclass(frozen=True, slots=True)
class Record:
    """One raw row: its place, its fields, or the reason why it could not be read."""

    row: int
    fields: Mapping[str, str | None]
    reason: str | None = None


def table(
    source: str, columns: Iterable[str], records: Callable[[], Iterable[Record]], encoding: str | None = None
) -> RawTable:
    """A table whose rows are made as they are asked for, in batches; ``records`` starts anew at each call."""
    names = tuple(columns)
    raw = pl.Struct(dict.fromkeys(names, pl.String))
    schema = {"source": pl.String(), "row": pl.Int64(), "reason": pl.String(), "raw": raw}

    def batches() -> Iterator[pl.DataFrame]:
        stream = iter(records())
        while batch := list(islice(stream, _BATCH)):
            try:
                yield _frame(source, names, batch, schema)
            except UnicodeEncodeError:
                yield _frame(source, names, [_encodable(record) for record in batch], schema)

    rows = lazily(batches, schema)
    return RawTable(source, names, rows, encoding)


def _frame(source: str, names: tuple[str, ...], batch: list[Record], schema: dict[str, Any]) -> pl.DataFrame:
    """Column by column, which takes polars half the time of a dictionary a row."""
    fields = [record.fields for record in batch]
    cells = {name: pl.Series([row.get(name) for row in fields], dtype=pl.String) for name in names}
    return pl.DataFrame(
        {
            "source": [source] * len(batch),
            "row": [record.row for record in batch],
            "reason": [record.reason for record in batch],
            "raw": pl.DataFrame(cells).to_struct() if cells else [{}] * len(batch),
        },
        schema=schema,
    )


def _encodable(record: Record) -> Record:
    """JSON may spell half of a surrogate pair, which no UTF-8 file can hold: such a row is rejected, not guessed at."""
    try:
        "".join(value for value in record.fields.values() if value).encode()
    except UnicodeEncodeError:
        return Record(record.row, {}, "half of a character (a lone surrogate)")
    return record


def from_json(row: int, value: object) -> Record:
    """A JSON value as a record: numbers, lists and objects stand as JSON text, null is nothing."""
    if not isinstance(value, dict):
        return Record(row, {}, f"a JSON {_KINDS.get(type(value), 'value')} where an object is needed")
    return Record(row, {str(key): _text(item) for key, item in value.items()})


_KINDS = {list: "array", str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def _text(value: Any) -> str | None:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]  # some exports wrap every text in a list of one
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float, list, dict)):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(value)  # a decimal as it was written; a date out of a typed column


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)
