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
    kinds,
    markdown,
    plain,
    word,
    xml,
)
from llf_kit.readers.encoding import DAMAGED, MARK, Opening
from llf_kit.readers.records import table
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
    ".jsonl": json_array.read_lines,
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
    """The files to read, in a stable order; a folder stands for every file under it, but for what is hidden.

    Raises:
        DataError: a source is missing, has no reader, or is a folder without a readable file; all of them at once.
    """
    files: list[Path] = []
    problems: list[str] = []
    known = ", ".join(ENDINGS)
    for source in sources:
        if source.is_dir():
            inside = sorted(path for path in source.rglob("*") if path.is_file() and _is_data(path))
            if not any(path.suffix.lower() in ENDINGS for path in inside):
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


def _is_data(path: Path) -> bool:
    """Hidden files and the locks of an open Excel (``~$…``) are nobody's data."""
    return not path.name.startswith((".", "~$"))


def read(path: Path, opening: Opening) -> list[RawTable]:
    """The tables of one file: one, or one a sheet, or all of an archive's, named after its path.

    What no reader knows is a table without columns, so that it is said to be left out.

    Raises:
        DataError: the file cannot be opened or decoded, or is not what its name says.
    """
    try:
        ending = kinds.ending(path)
        if ending in archive.ENDINGS:
            return _read_archive(path, opening)
        if ending not in READERS:
            return [_left_out(_shown(path), ending)]
        return _renamed(READERS[ending](path, opening), path.name, _shown(path))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or type(error).__name__}). Check that it is yours to read."
        ) from None


def _left_out(name: str, ending: str) -> RawTable:
    why = "is an archive in an archive" if ending in archive.ENDINGS else f"no reader for {ending or 'no ending'!r}"
    return replace(table(name, (), list), why=why)


def _shown(path: Path) -> str:
    """The path as people here would write it: relative to the current directory where it lies below."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _renamed(tables: list[RawTable], old: str, new: str) -> list[RawTable]:
    """The tables with ``new`` in the place of ``old`` at the front of their source."""
    named = []
    for one in tables:
        source = new + one.source.removeprefix(old)
        rows = _without_damage(one) if (one.encoding or "").endswith(DAMAGED) and one.columns else one.rows
        named.append(replace(one, source=source, rows=rows.with_columns(source=pl.lit(source))))
    return named


def _without_damage(damaged_in: RawTable) -> pl.LazyFrame:
    """The rows of a text that is damaged in places, those with a damaged field rejected."""
    cells = [pl.col("raw").struct.field(name) for name in damaged_in.columns]
    damaged = pl.any_horizontal(cell.str.contains(MARK, literal=True) for cell in cells)
    reason = pl.coalesce("reason", pl.lit(f"bytes that are not {(damaged_in.encoding or '').removesuffix(DAMAGED)}"))
    return damaged_in.rows.with_columns(
        reason=pl.when(damaged).then(reason).otherwise("reason"),
        raw=pl.struct(cell.str.replace_all(MARK, "\ufffd", literal=True) for cell in cells),
    )


def _read_archive(path: Path, opening: Opening) -> list[RawTable]:
    """Tables are named after the archive and the file inside."""
    tables: list[RawTable] = []
    known = False
    problems: list[str] = []
    for name, copy in archive.unpack(path, opening.work):
        if not _is_data(Path(name)):
            continue
        ending = kinds.ending(copy)
        if ending not in READERS:
            tables.append(_left_out(f"{_shown(path)}/{name}", ending))
            continue
        known = True
        try:
            inside = READERS[ending](copy, opening)
        except DataError as error:
            problems += (problem.replace(str(copy), f"{path}/{name}") for problem in error.problems)
            continue
        tables += _renamed(inside, copy.name, f"{_shown(path)}/{name}")
    if problems:
        raise DataError(*problems)
    if not known:
        raise DataError(f"{path}: holds no file that can be read. Known: {', '.join(READERS)}.")
    return tables
