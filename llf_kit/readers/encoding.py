"""Which encoding a text file is in, and a UTF-8 copy of it where it is in another.

The order that works on Chinese exports: a byte order mark, NUL bytes (UTF-16 without a mark), strict UTF-8, then
GB18030, which contains GBK and GB2312, unless the bytes are those of everyday traditional Chinese in Big5.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from llf_kit.errors import DataError, UsageError

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_DOUBLE = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
_LEVEL_1 = re.compile(rb"[\xb0-\xd7][\xa1-\xfe]")


@dataclass(frozen=True)
class Opening:
    """How to open files: where copies may lie, the encoding if the user gave one, and how careful to be.

    ``careful`` is the second try at a table that the fast parser refused: slower, and it names the bad rows.
    """

    work: Path
    encoding: str | None = None
    careful: bool = False


def detect(path: Path, given: str | None = None, *, enough: int | None = None) -> str:
    """The name of the encoding that decodes all of ``path``, or its first ``enough`` bytes.

    A part is enough where what follows checks every byte itself: a parser of UTF-8, or :func:`as_utf8`.

    Raises:
        UsageError: ``given`` is no encoding.
        DataError: ``given``, or every encoding that is tried, fails; with the place.
    """
    if given is not None:
        try:
            name = codecs.lookup(given).name
        except LookupError:
            raise UsageError(f"--encoding {given!r}: no such encoding. Try utf-8, gb18030, big5 or utf-16.") from None
        if (position := _fails_at(path, name, enough)) is not None:
            raise DataError(f"{path}: is not {given}: byte {position} does not decode. Leave --encoding out.")
        return name
    with path.open("rb") as file:
        start = file.read(_CHUNK)
    tried = []
    position = 0
    for name in _candidates(start):
        tried.append(name)
        failed = _fails_at(path, name, enough)
        if failed is None:
            return name
        position = max(position, failed)
    raise DataError(f"{path}: is neither {' nor '.join(tried)}: byte {position} does not decode. Give --encoding.")


def _candidates(start: bytes) -> Iterator[str]:
    """The encodings to try in turn; the costlier look at double bytes waits until UTF-8 has failed."""
    if marked := next((name for mark, name in _MARKS if start.startswith(mark)), None):
        yield marked
        return
    # ASCII letters, digits and line ends in UTF-16 have a NUL each, always on the same side; no other text has any.
    nuls = [start[side::2].count(0) for side in (0, 1)]
    if max(nuls) > len(start) / 50 and min(nuls) < max(nuls) / 10:
        yield "utf-16-be" if nuls[0] > nuls[1] else "utf-16-le"
        return
    yield "utf-8"
    if _everyday_big5(start):
        yield "big5"
    yield "gb18030"


def _everyday_big5(start: bytes) -> bool:
    """Whether the double bytes are everyday characters in Big5 (level 1) rather than in GB2312 (level 1).

    Nearly every text in the one decodes in the other too, into nonsense of rare characters; running text is nine tenths
    level 1 in its own encoding (GB 2312-1980: first bytes B0 to D7; Big5: A4 to C6).
    """
    pairs: list[bytes] = _DOUBLE.findall(start)
    traditional = sum(0xA4 <= pair[0] <= 0xC6 for pair in pairs)
    simplified = sum(bool(_LEVEL_1.fullmatch(pair)) for pair in pairs)
    return traditional > max(simplified, 0.8 * len(pairs))


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
    """``path`` itself if it is UTF-8, else a UTF-8 copy of it in ``work``, made as a stream.

    Raises:
        UnicodeDecodeError: it is not in ``encoding`` throughout.
    """
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return path
    copy = work / f"{abs(hash(path.resolve()))}.utf8"
    with path.open("rb") as source, copy.open("wb") as target:
        for text in _decoded(source, encoding):
            target.write(text.encode())
    return copy


def _decoded(source: IO[bytes], encoding: str) -> Iterator[str]:
    # GBK is the part of GB18030 that nearly every file keeps to, and its decoder takes three quarters of the time.
    decoder = codecs.getincrementaldecoder("gbk" if encoding == "gb18030" else encoding)()
    for chunk in chain(iter(lambda: source.read(_CHUNK), b""), (b"",)):
        held = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            if encoding != "gb18030":
                raise
            decoder = codecs.getincrementaldecoder(encoding)()
            text = decoder.decode(held + chunk, final=not chunk)
        yield text
