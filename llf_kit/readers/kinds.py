"""What a file is by how it begins, where that says more than its name: an export is often called what it is not."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from llf_kit.readers import excel_2003

_LOOK = 4096
_TEXTS = frozenset((".csv", ".tsv", ".txt", ".json", ".jsonl"))
_BINARY = ((b"PAR1", ".parquet"), (b"ARROW1", ".arrow"), (b"\xd0\xcf\x11\xe0", ".xls"))
_INSIDE = {"xl/workbook.xml": ".xlsx", "word/document.xml": ".docx"}
_ROWS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*\"")


def ending(path: Path) -> str:
    """The ending of the kind that it is: its own, where nothing speaks against it.

    Raises:
        OSError: it cannot be read.
    """
    own = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(_LOOK)
    if start.startswith(b"PK\x03\x04"):
        return _packed(path) or own
    if own in _TEXTS:
        own = next((kind for mark, kind in _BINARY if start.startswith(mark)), own)
    if own in (".csv", ".tsv", ".txt") and _ROWS.match(start):
        return ".json"
    return ".xls" if own == ".xml" and excel_2003.MARK in start else own


def _packed(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as packed:
            names = set(packed.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):  # its reader says what is wrong with it
        return None
    return next((kind for name, kind in _INSIDE.items() if name in names), None)
