"""parquet and arrow: typed columns become texts; lists and structures stand as JSON text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from llf_kit.errors import DataError
from llf_kit.readers.encoding import Opening
from llf_kit.readers.records import Record, from_json, table
from llf_kit.schema import RawTable

_ARROW = b"ARROW1"
# What polars makes of damage; its panic is no Exception.
_DAMAGES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
# Polars believes the sizes that an Arrow file states: a damaged one asks for exabytes, and the process is ended. So a
# process of its own copies the batches into Parquet, whose sizes are checked.
_COPY = """
import sys
import polars as pl
rows = pl.scan_ipc(sys.argv[1])
rows.collect_schema().to_frame().write_parquet(sys.argv[2] + "/0.parquet")
for number, batch in enumerate(rows.collect_batches(maintain_order=True), start=1):
    batch.write_parquet(f"{sys.argv[2]}/{number}.parquet")
"""


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table; the row is its place, from 1.

    Raises:
        DataError: not a file of its kind.
    """
    with path.open("rb") as file:
        arrow = file.read(len(_ARROW)) == _ARROW
    parts, whole = _copied(path, opening.work) if arrow else ([path], True)
    try:
        frames = [pl.scan_parquet(part) for part in parts]
        columns = frames[0].collect_schema().names() if frames else []
    except _DAMAGES as error:
        raise DataError(f"{path}: is damaged or of another kind ({type(error).__name__}). Export it again.") from None
    if not frames:
        raise DataError(f"{path}: is damaged or of another kind. Export it again.")

    def records() -> Iterator[Record]:
        row, sound = 0, whole
        try:
            for frame in frames:
                for batch in frame.collect_batches(maintain_order=True):
                    for values in batch.iter_rows(named=True):
                        row += 1
                        yield from_json(row, values)
        except (*_DAMAGES, OSError):
            sound = False
        if not sound:
            yield Record(row + 1, {}, "damaged from here on: the rest of the file was not read")

    return [table(path.name, columns, records)]


def _copied(path: Path, work: Path) -> tuple[list[Path], bool]:
    """The batches of an Arrow file as Parquet files in order, the first without rows; and whether all are there."""
    folder = mkdtemp(prefix="arrow-", dir=work)
    done = subprocess.run([sys.executable, "-P", "-c", _COPY, str(path), folder], capture_output=True, check=False)
    parts = sorted(Path(folder).iterdir(), key=lambda part: int(part.stem))
    if done.returncode and parts[1:] and not _readable(parts[-1]):
        parts.pop()
    return parts, not done.returncode


def _readable(part: Path) -> bool:
    try:
        pl.read_parquet_schema(part)
    except _DAMAGES:
        return False
    return True
