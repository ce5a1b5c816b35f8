"""What every test of a reader does: read a file and look at its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llf_kit import readers


def read(path: Path, **opening: Any) -> list[dict[str, Any]]:
    tables = readers.read(path, readers.Opening(path.parent, **opening))
    return [row for table in tables for row in table.rows.collect().to_dicts()]


def fields(path: Path, **opening: Any) -> list[tuple[int, tuple[str | None, ...]]]:
    return [(row["row"], tuple(row["raw"].values())) for row in read(path, **opening)]


def columns(path: Path, **opening: Any) -> list[tuple[str, ...]]:
    return [table.columns for table in readers.read(path, readers.Opening(path.parent, **opening))]
