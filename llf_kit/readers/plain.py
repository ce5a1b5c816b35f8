"""txt: lines as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llf_kit.readers import lines
from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.schema import RawTable


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table, as :func:`llf_kit.readers.lines.read` finds it; the row is the line on which it begins."""
    encoding = detect(path, opening.encoding)
    file = as_utf8(path, encoding, opening.work)

    def found() -> Iterator[lines.Line]:
        with file.open(encoding="utf-8-sig") as text:
            yield from (lines.Line(number, line.rstrip("\n")) for number, line in enumerate(text, start=1))

    return [lines.read(path.name, found, encoding)]
