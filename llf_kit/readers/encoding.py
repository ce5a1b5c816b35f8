"""Which encoding a text file is in, and a UTF-8 copy of it where it is in another.

The order that works on Chinese exports: a byte order mark, strict UTF-8, then GB18030, which contains GBK and GB2312.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from llf_kit.errors import DataError, UsageError

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Opening:
    """How to open files: where copies may lie, the encoding if the user gave one, and how careful to be.

    ``careful`` is the second try at a table that the fast parser refused: slower, and it names the bad rows.
    """

    work: Path
    encoding: str | None = None
    careful: bool = False


def detect(path: Path, given: str | None = None, *, enough: int | None = None) -> str:
    """The name of the encoding that decodes all of ``path``; of UTF-8, its first ``enough`` bytes.

    A part is enough where the parser that follows checks every byte of UTF-8 itself.

    Raises:
        UsageError: ``given`` is no encoding.
        DataError: ``given``, or every encoding that is tried, fails; with the place.
    """
    if given is not None:
        try:
            name = codecs.lookup(given).name
        except LookupError:
            raise UsageError(f"--encoding {given!r}: no such encoding. Try utf-8, gb18030, big5 or utf-16.") from None
        if (position := _fails_at(path, name)) is not None:
            raise DataError(f"{path}: is not {given}: byte {position} does not decode. Leave --encoding out.")
        return name
    with path.open("rb") as file:
        start = file.read(4)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    candidates = (marked,) if marked else ("utf-8", "gb18030")
    position = 0
    for name in candidates:
        failed = _fails_at(path, name, enough if name == "utf-8" else None)
        if failed is None:
            return name
        position = max(position, failed)
    tried = " nor ".join(candidates)
    raise DataError(f"{path}: is neither {tried}: byte {position} does not decode. Give --encoding.")


def _fails_at(path: Path, encoding: str, enough: int | None = None) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if enough is not None and done >= enough:
                return None
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return done + error.start
            done += len(chunk)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return done
    return None


def as_utf8(path: Path, encoding: str, work: Path) -> Path:
    """``path`` itself if it is UTF-8, else a UTF-8 copy of it in ``work``, made as a stream."""
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return path
    copy = work / f"{abs(hash(path.resolve()))}.utf8"
    with path.open(encoding=encoding, newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
        while text := source.read(_CHUNK):
            target.write(text)
    return copy
