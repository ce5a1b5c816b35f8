"""Python in a pipeline: batches that Python makes, and batches that pass through a Python function one by one.

Both hold the pipeline back: where writing is slower than the rest, the rest waits, and memory does not grow with the
rows. A LazyFrame with several ends (``cache``) keeps what one end has taken and another has not; ``is_first_distinct``
makes two ends of one, and keeps 60 bytes a row besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

_ROWS = 10_000  # that a function sees at once: enough that its calls cost little beside the work
_SLICE = 4_000  # that are handed on at once: the engine lets a number of batches wait, whatever their size

Schema = Mapping[str, pl.DataType]


def source(batches: Callable[[], Iterable[pl.DataFrame]], schema: Schema) -> pl.LazyFrame:
    """A LazyFrame of what ``batches`` yields; it is called anew for each run."""

    def asked(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for batch in batches():
            if left is not None:
                batch = batch.head(left)
                left -= batch.height
            if predicate is not None:
                batch = batch.filter(predicate)
            yield batch.select(with_columns) if with_columns is not None else batch
            if left == 0:
                return

    return register_io_source(asked, schema=dict(schema), is_pure=True)


def through(
    rows: pl.LazyFrame,
    begin: Callable[[], Callable[[pl.DataFrame], pl.DataFrame]],
    schema: Schema,
    size: int | None = None,
) -> pl.LazyFrame:
    """What a function makes of ``rows``, ``size`` of them at once in their order; ``begin`` gives the function for one
    run."""

    def batches() -> Iterator[pl.DataFrame]:
        function = begin()
        for batch in in_batches(rows, size):
            yield from function(batch).iter_slices(_SLICE)

    return source(batches, schema)


def put_by(rows: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    """``rows``, worked out once and put into a Parquet file that can be read again and again."""
    rows.sink_parquet(path, compression="lz4", engine="streaming")
    return pl.scan_parquet(path)


def in_batches(rows: pl.LazyFrame, size: int | None = None) -> Iterator[pl.DataFrame]:
    """The rows in their order, some thousands at once."""
    return rows.collect_batches(chunk_size=size or _ROWS, maintain_order=True, engine="streaming")


def beside(rows: pl.LazyFrame, columns: pl.DataFrame) -> pl.LazyFrame:
    """``rows`` with further columns; those of the same place stand in ``columns``."""

    def begin() -> Callable[[pl.DataFrame], pl.DataFrame]:
        done = 0

        def add(batch: pl.DataFrame) -> pl.DataFrame:
            nonlocal done
            part = columns.slice(done, batch.height)
            done += batch.height
            return batch.with_columns(part)

        return add

    return through(rows, begin, {**rows.collect_schema(), **columns.schema})
