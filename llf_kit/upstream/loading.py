"""The rows of the files of a dataset, as the readers of ``datasets`` 4.0 have them, which LLaMA-Factory loads by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of a dataset, in order, as the table has them that upstream loads it into.

    CSV goes through pandas, as in ``datasets``: a column of numbers is no text, an empty cell and ``NA`` are None.

    Raises:
        DataError: the file cannot be read, is of a kind that upstream does not load, or a line of it is no object.
    """
    read = _READERS.get(file.suffix.removeprefix("."))
    if read is None:
        raise DataError(f"{file}: is of a kind that upstream does not load. Known: {', '.join(_READERS)}.")
    try:
        yield from read(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read ({type(error).__name__}). Convert it again.") from None


def _json(file: Path) -> Iterator[dict[str, Any]]:
    """An array or a line a row, whichever the ending is, as in ``datasets``."""
    with file.open(encoding="utf-8-sig") as lines:
        start = lines.read(1)
        while start.isspace():
            start = lines.read(1)
    with file.open(encoding="utf-8-sig") as lines:
        yield from _objects(file, json.load(lines) if start == "[" else _parsed(file, lines))


def _parsed(file: Path, lines: Iterable[str]) -> Iterator[Any]:
    for number, line in enumerate(lines, start=1):
        if not line.isspace():
            try:
                yield json.loads(line)
            except ValueError:
                raise DataError(f"{file}:{number}: is not JSON. Mend the line.") from None


def _objects(file: Path, found: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(found, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{file}:{number}: is no JSON object. Write a row as {{…}}.")
        yield row


def _csv(file: Path) -> Iterator[dict[str, Any]]:
    import pandas as pd

    for chunk in pd.read_csv(file, chunksize=10_000):  # its types are guessed a chunk at a time
        table = chunk.astype(object).where(chunk.notna(), None)
        names = [str(name) for name in table.columns]
        for values in table.itertuples(index=False, name=None):
            yield dict(zip(names, values, strict=True))


def _parquet(file: Path) -> Iterator[dict[str, Any]]:
    import polars as pl

    table = pl.scan_parquet(file)
    for start in range(0, table.select(pl.len()).collect().item(), 10_000):
        yield from table.slice(start, 10_000).collect().iter_rows(named=True)


def _arrow(file: Path) -> Iterator[dict[str, Any]]:
    import polars as pl

    try:
        table = pl.read_ipc_stream(file)
    except pl.exceptions.PolarsError:  # a file, not a stream
        table = pl.read_ipc(file)
    yield from table.iter_rows(named=True)


def _text(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from ({"text": line.rstrip("\r\n")} for line in lines)


_READERS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
    "arrow": _arrow,
    "csv": _csv,
    "json": _json,
    "jsonl": _json,
    "parquet": _parquet,
    "txt": _text,
}
