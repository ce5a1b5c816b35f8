"""txt: lines as they stand, a chat log, or a table that is called a text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llf_kit.readers import chat, delimited, lines
from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.schema import RawTable

_HEAD = 1 << 16  # characters that tell a table
_LOOK = 30  # lines that tell a dialogue


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table, as :func:`llf_kit.readers.lines.read` finds it; the row is the line on which it begins."""
    encoding = detect(path, opening.encoding)
    file = as_utf8(path, encoding, opening.work)

    def found() -> Iterator[lines.Line]:
        with file.open(encoding="utf-8-sig") as text:
            yield from (lines.Line(number, line.rstrip("\n")) for number, line in enumerate(text, start=1))

    with file.open(encoding="utf-8-sig") as text:
        head = text.read(_HEAD)
    if chat.is_log(head.splitlines()):
        return [chat.read(path.name, lambda: (line.text for line in found()), encoding)]
    if delimited.is_table(head) and not lines.speaks(head.splitlines()[:_LOOK]):
        return delimited.read(path, opening)
    return [lines.read(path.name, found, encoding)]
