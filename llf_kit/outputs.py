"""The files of a dataset: one in ``datasets/``, or a folder of parts; they appear whole or not at all."""

from __future__ import annotations

import json
import mmap
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl

from llf_kit.errors import DataError, UsageError, did_you_mean
from llf_kit.project import atomic_path, private_directory, write_text

FILE_TYPES = ("jsonl", "json", "parquet")
# What LLaMA-Factory's loader takes for the type of every column: the first block of a JSON Lines file (datasets 4.0,
# packaged_modules/json: chunksize).
_BLOCK = 10 << 20


@dataclass(frozen=True)
class Container:
    """What the rows are written into: the type of the file, and how many rows a part of a folder holds (None: no
    folder)."""

    file_type: str = "jsonl"
    shard_rows: int | None = None

    def check(self) -> None:
        """Raise UsageError for a type that LLaMA-Factory does not load, or parts without rows."""
        if self.file_type not in FILE_TYPES:
            hint = did_you_mean(self.file_type, FILE_TYPES)
            raise UsageError(f"--file-type {self.file_type!r}: there is no such type. {hint}")
        if self.shard_rows is not None and (self.shard_rows < 1 or self.file_type == "json"):
            raise UsageError(
                f"--shard-rows {self.shard_rows}: parts hold at least one row, as jsonl or parquet. Correct it."
            )

    def file_name(self, name: str) -> str:
        """Where the dataset ``name`` lies, from the project directory."""
        return f"datasets/{name}" if self.shard_rows else f"datasets/{name}.{self.file_type}"


def file_names(name: str) -> tuple[str, ...]:
    """Every place where a conversation of ours may have put ``name``."""
    return (*(f"datasets/{name}.{file_type}" for file_type in FILE_TYPES), f"datasets/{name}")


def left_behind(
    entries: Mapping[str, Any], earlier: Iterable[str], now: Iterable[str], container: Container
) -> dict[str, str]:
    """The files of ``earlier`` datasets of one conversion that it does not replace ``now``: those of another
    container, and the sets that it split off, which are none any more once their rows are trained on."""
    files = {name: entries.get(name, {}).get("file_name") for name in earlier}
    stays = {container.file_name(name) for name in now}
    return {name: file for name, file in files.items() if file in file_names(name) and file not in stays}


def split_off(directory: Path, name: str) -> list[str]:
    """The datasets that the last conversion of ``name`` split off, and not those that merely have such a name."""
    path = _split_file(directory, name)
    return [str(part) for part in json.loads(path.read_text(encoding="utf-8"))] if path.is_file() else []


def remember_split(directory: Path, name: str, parts: list[str]) -> None:
    """Write down what :func:`split_off` tells."""
    write_text(_split_file(directory, name), json.dumps(parts))


def note(directory: Path, name: str, rows: pl.DataFrame) -> str | None:
    """Write rows for the owner alone into ``.llf-kit``, or remove an older file where there are none; where it lies."""
    path = private_directory(directory) / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if rows.is_empty():
        path.unlink(missing_ok=True)
        return None
    with atomic_path(path, mode=0o600) as temporary:
        rows.write_ndjson(temporary)
    return str(path.relative_to(directory))


def _split_file(directory: Path, name: str) -> Path:
    return private_directory(directory) / "splits" / f"{name}.json"


def remove(path: Path) -> None:
    """Remove a file, or a folder of parts; it may be gone already."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def whole(path: Path, container: Container) -> Iterator[Path]:
    """A temporary place beside ``path`` that becomes it when the block ends well; see :func:`project.atomic_path`.

    A folder cannot be replaced in one step: killed between its two renames, it is gone until the next run.
    """
    if not container.shard_rows:
        with atomic_path(path) as temporary:
            yield temporary
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        yield folder
        if folder.exists():
            folder.chmod(0o755)
            old = folder.with_suffix(".old")
            if path.exists():
                path.rename(old)
            folder.rename(path)
            remove(old)
    finally:
        remove(folder)


def sink(rows: pl.LazyFrame, place: Path, container: Container) -> pl.LazyFrame:
    """The end of a pipeline that writes ``rows`` into ``place``, which :func:`whole` gave."""
    target: Path | pl.PartitionBy = place
    if container.shard_rows:
        target = pl.PartitionBy(
            place,
            max_rows_per_file=container.shard_rows,
            approximate_bytes_per_file=None,
            file_path_provider=lambda part: f"part-{part.index_in_partition:05d}.{container.file_type}",
        )
    if container.file_type == "parquet":
        return rows.sink_parquet(target, lazy=True)
    return rows.sink_ndjson(target, lazy=True)


def finish(place: Path, container: Container, nested: str | None) -> None:
    """What is left to do with the rows of a sink: brackets and commas for json, and a first block that shows all types.

    ``nested`` is how a line looks that holds a nested list which is empty in others. Where the first block of a file
    has none, the loader of LLaMA-Factory takes the list for one of nothing, and fails at the first line that has one.

    Raises:
        DataError: only some parts of a folder have such a line.
    """
    if container.file_type == "json":
        _bracket(place)
    elif container.file_type == "jsonl" and nested:
        needle = nested.encode()
        if not container.shard_rows:
            _bring_forward(place, needle)
            return
        shows = [_place_of(part, needle) for part in sorted(place.iterdir())]
        if any(at >= 0 for at in shows) and not all(0 <= at < _BLOCK for at in shows):
            raise DataError(
                f"{place.name.split('.')[1]}: some parts hold conversations of several turns and some none, which the "
                "loader of LLaMA-Factory cannot join. Add --file-type parquet, or --format sharegpt."
            )


def _place_of(path: Path, needle: bytes) -> int:
    """The byte at which ``needle`` first stands; -1 where it does not."""
    done, tail = 0, b""
    with path.open("rb") as file:  # block by block: a mapped file would count as memory, all of it
        while block := file.read(_BLOCK):
            window = tail + block
            if (at := window.find(needle)) >= 0:
                return done - len(tail) + at
            done += len(block)
            tail = window[1 - len(needle) :]
    return -1


def _bring_forward(path: Path, needle: bytes) -> None:
    """Make the first line with ``needle`` the first of all where it stands too late to be seen."""
    if (at := _place_of(path, needle)) < _BLOCK:
        return
    new = path.with_suffix(".forward")
    with path.open("rb") as old, mmap.mmap(old.fileno(), 0, access=mmap.ACCESS_READ) as data, new.open("wb") as file:
        begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at) + 1
        file.write(data[begin:end])
        old.seek(0)
        left = begin
        while chunk := old.read(min(_BLOCK, left)):
            left -= file.write(chunk)
        old.seek(end)
        shutil.copyfileobj(old, file, _BLOCK)
    new.replace(path)


def _bracket(path: Path) -> None:
    """JSON Lines become one JSON array, an object a line."""
    new = path.with_suffix(".array")
    with path.open("rb") as lines, new.open("wb") as file:
        file.write(b"[")
        for number, line in enumerate(lines):
            file.write((b",\n" if number else b"\n") + line.rstrip(b"\n"))
        file.write(b"\n]\n")
    new.replace(path)
