"""Stage 1: a file becomes one or more tables of raw rows. One container format a file; the registry is below."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl

from llf_kit.errors import DataError
from llf_kit.readers import (
    archive,
    columnar,
    delimited,
    excel,
    html,
    json_array,
    json_lines,
    markdown,
    plain,
    word,
    xml,
)
from llf_kit.readers.encoding import DAMAGED, MARK, Opening
from llf_kit.schema import RawTable

__all__ = ["READERS", "Opening", "find", "read"]

Reader = Callable[[Path, Opening], list[RawTable]]

READERS: dict[str, Reader] = {
    ".csv": delimited.read,
    ".tsv": delimited.read,
    ".xlsx": excel.read,
    ".xlsm": excel.read,
    ".xls": excel.read,
    ".json": json_array.read,
    ".jsonl": json_lines.read,
    ".xml": xml.read,
    ".txt": plain.read,
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": html.read,
    ".htm": html.read,
    ".docx": word.read,
    ".parquet": columnar.read,
    ".arrow": columnar.read,
}

ENDINGS = (*READERS, *archive.ENDINGS)


def find(sources: Iterable[Path]) -> list[Path]:
    """The files to read, in a stable order; a folder stands for every file under it that a reader knows.

    Raises:
        DataError: a source is missing, has no reader, or is a folder without a readable file; all of them at once.
    """
    files: list[Path] = []
    problems: list[str] = []
    known = ", ".join(ENDINGS)
    for source in sources:
        if source.is_dir():
            inside = sorted(path for path in source.rglob("*") if path.is_file() and _is_data(path, ENDINGS))
            if not inside:
                problems.append(f"{source}: holds no file that can be read. Put files of these kinds there: {known}.")
            files += inside
        elif not source.exists():
            problems.append(f"{source}: there is no such file or folder. Check the path.")
        elif source.suffix.lower() not in ENDINGS:
            problems.append(f"{source}: no reader for {source.suffix or 'a file without an ending'!r}. Known: {known}.")
        else:
            files.append(source)
    if problems:
        raise DataError(*problems)
    return list(dict.fromkeys(files))


def _is_data(path: Path, endings: Iterable[str]) -> bool:
    """Whether it has one of ``endings``; hidden files and the locks of an open Excel (``~$…``) are nobody's data."""
    return path.suffix.lower() in endings and not path.name.startswith((".", "~$"))


def read(path: Path, opening: Opening) -> list[RawTable]:
    """The tables of one file: one, or one a sheet, or all of an archive's, named after its path.

    Raises:
        DataError: the file cannot be opened or decoded, or is not what its name says.
    """
    try:
        if path.suffix.lower() in archive.ENDINGS:
            return _read_archive(path, opening)
        return _renamed(READERS[path.suffix.lower()](path, opening), path.name, _shown(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Check that it is yours to read.") from None


def _shown(path: Path) -> str:
    """The path as people here would write it: relative to the current directory where it lies below."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _renamed(tables: list[RawTable], old: str, new: str) -> list[RawTable]:
    """The tables with ``new`` in the place of ``old`` at the front of their source."""
    named = []
    for table in tables:
        source = new + table.source.removeprefix(old)
        rows = _without_damage(table) if (table.encoding or "").endswith(DAMAGED) and table.columns else table.rows
        named.append(replace(table, source=source, rows=rows.with_columns(source=pl.lit(source))))
    return named


def _without_damage(table: RawTable) -> pl.LazyFrame:
    """The rows of a text that is damaged in places, those with a damaged field rejected."""
    cells = [pl.col("raw").struct.field(name) for name in table.columns]
    damaged = pl.any_horizontal(cell.str.contains(MARK, literal=True) for cell in cells)
    reason = pl.coalesce("reason", pl.lit(f"bytes that are not {(table.encoding or '').removesuffix(DAMAGED)}"))
    return table.rows.with_columns(
        reason=pl.when(damaged).then(reason).otherwise("reason"),
        raw=pl.struct(cell.str.replace_all(MARK, "\ufffd", literal=True) for cell in cells),
    )


def _read_archive(path: Path, opening: Opening) -> list[RawTable]:
    """Tables are named after the archive and the file inside; what no reader knows inside is passed over."""
    tables: list[RawTable] = []
    problems: list[str] = []
    for name, copy in archive.unpack(path, opening.work):
        if not _is_data(Path(name), READERS):
            continue
        try:
            inside = READERS[copy.suffix.lower()](copy, opening)
        except DataError as error:
            problems += (problem.replace(str(copy), f"{path}/{name}") for problem in error.problems)
            continue
        tables += _renamed(inside, copy.name, f"{_shown(path)}/{name}")
    if problems:
        raise DataError(*problems)
    if not tables:
        raise DataError(f"{path}: holds no file that can be read. Known: {', '.join(READERS)}.")
    return tables
