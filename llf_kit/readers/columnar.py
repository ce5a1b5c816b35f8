"""parquet and arrow: typed columns become texts; lists and structures stand as JSON text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from llf_kit.errors import DataError
from llf_kit.readers.encoding import Opening
from llf_kit.readers.records import Record, from_json, table
from llf_kit.schema import RawTable

_ARROW = b"ARROW1"
# What polars makes of damage; its panic is no Exception.
_DAMAGES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table; the row is its place, from 1.

    Raises:
        DataError: not a file of its kind.
    """
    try:
        with path.open("rb") as file:
            arrow = file.read(len(_ARROW)) == _ARROW
        frame = pl.scan_ipc(path) if arrow else pl.scan_parquet(path)
        columns = frame.collect_schema().names()
    except _DAMAGES as error:
        raise DataError(f"{path}: is damaged or of another kind ({type(error).__name__}). Export it again.") from None

    def records() -> Iterator[Record]:
        row = 0
        try:
            for batch in frame.collect_batches():
                for values in batch.iter_rows(named=True):
                    row += 1
                    yield from_json(row, values)
        except (*_DAMAGES, OSError):
            yield Record(row + 1, {}, "damaged from here on: the rest of the file was not read")

    return [table(path.name, columns, records)]
