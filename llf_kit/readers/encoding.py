"""Which encoding a text file is in, and a UTF-8 copy of it where it is in another or damaged.

The order that works on Chinese exports: a byte order mark, NUL bytes (UTF-16 without a mark), UTF-8, then what the
bytes look like (Western, Big5, Japanese, Korean), then GB18030, which contains GBK and GB2312 and decodes nearly
anything, and last a detector. A few bad bytes do not make a text one of another encoding: they cost the rows they stand
in.
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
_SAMPLE = 1 << 16  # bytes that tell which encodings to try
_PIECE = 1 << 14
_HOPELESS = 1_000  # bad bytes after which a text is in another encoding, if it is by then
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_DOUBLE = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
_LEVEL_1 = re.compile(rb"[\xb0-\xd7][\xa1-\xfe]")
_KANA = re.compile(rb"\x82[\x9f-\xf1]|\x83[\x40-\x96]")  # in Shift_JIS
_HANGUL = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")  # in EUC-KR
# Signs in GB18030 that end in ASCII (`–`, `㎎`, `µ`, `²`), alone in an English text
_SIGNS = re.compile(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]|[\xa6\xa8\xa9][\x40-\x7e]")
_HIGH = re.compile(rb"[\x80-\xff]")
_ALONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_DETECTED = ("cp1251", "cp1252", "cp932", "euc_jp", "cp949", "big5hkscs")

DAMAGED = ", damaged in places"  # behind the name of an encoding
MARK = "\ufdd0"  # stands in the copy for bytes that do not decode; it is no character, so that no text has it
codecs.register_error("llf-kit-mark", lambda error: (MARK, getattr(error, "end", 0)))
# Bad bytes, as a share of what is not ASCII. Text of another encoding has 85 % and more under UTF-8.
_BEARABLE = {"utf-8": 0.25}
_BEARABLE_ELSE = 0.05


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

    A part is enough where what follows checks every byte itself: a parser of UTF-8, or :func:`as_utf8`. Where a few
    bytes do not decode, ``DAMAGED`` stands behind the name.

    Raises:
        UsageError: ``given`` is no encoding.
        DataError: ``given``, or every encoding that is tried, fails; with the place.
    """
    if given is not None:
        try:
            name = codecs.lookup(given).name
        except LookupError:
            raise UsageError(f"--encoding {given!r}: no such encoding. Try utf-8, gb18030, big5 or utf-16.") from None
        if (position := _fails_at(path, name, enough)) is None:
            return name
        if _bearable(path, name):
            return name + DAMAGED
        raise DataError(f"{path}: is not {given}: byte {position} does not decode. Leave --encoding out.")
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    tried = []
    position = 0
    for name, certain in _candidates(start):
        failed = _fails_at(path, name, enough)
        if failed is None:
            return name
        if certain and _bearable(path, name):
            return name + DAMAGED
        tried.append(name)
        position = max(position, failed)
    if (other := _detected(start)) and _fails_at(path, other) is None:
        return other
    raise DataError(f"{path}: is neither {' nor '.join(tried)}: byte {position} does not decode. Give --encoding.")


def _bearable(path: Path, encoding: str) -> bool:
    """Whether only a few bytes do not decode."""
    rate = _BEARABLE.get(encoding, _BEARABLE_ELSE)
    bad = foreign = 0
    with path.open(encoding=encoding, errors="llf-kit-mark", newline="") as text:
        while piece := text.read(_PIECE):
            bad += piece.count(MARK)
            foreign += len(piece) - len(piece.encode("ascii", "ignore"))
            if bad > _HOPELESS and bad > foreign * rate:  # every bad byte costs a call
                return False
    return bad <= foreign * rate


def _detected(start: bytes) -> str | None:
    """What the detector takes it for, if it recognises the language: on a few bytes it would name anything."""
    from charset_normalizer import from_bytes

    best = from_bytes(start, cp_isolation=list(_DETECTED)).best()
    return best.encoding if best is not None and best.coherence > 0 else None


def _candidates(start: bytes) -> Iterator[tuple[str, bool]]:
    """The encodings to try in turn, and whether a little damage speaks for the encoding rather than against it.

    The costlier looks at double bytes wait until UTF-8 has failed.
    """
    if marked := next((name for mark, name in _MARKS if start.startswith(mark)), None):
        yield marked, True
        return
    # ASCII letters, digits and line ends in UTF-16 have a NUL each, always on the same side; no other text has any.
    nuls = [start[side::2].count(0) for side in (0, 1)]
    few = max(nuls) < len(start) / 10 and _begins_as_utf8(start)  # stray ones
    if max(nuls) > len(start) / 50 and min(nuls) < max(nuls) / 10 and not few:
        yield "utf-16-be" if nuls[0] > nuls[1] else "utf-16-le", True
        return
    yield "utf-8", True
    letters = _SIGNS.sub(b"", start)
    if len(_ALONE.findall(letters)) > 0.8 * len(_HIGH.findall(letters)):  # `µmol`, `37 °C`: Chinese bytes come in pairs
        yield "cp1252", False
    pairs: list[bytes] = _DOUBLE.findall(letters)
    simplified = _count(_LEVEL_1, pairs)
    if _everyday_big5(pairs, simplified):
        yield "big5", False
    if _count(_KANA, pairs) > 0.3 * len(pairs):
        yield "cp932", False
    if len(pairs) > 40 and _count(_HANGUL, pairs) > 0.95 * len(pairs):  # two fifths of the Chinese ones lie outside
        yield "cp949", False
    yield "gb18030", simplified > len(pairs) / 2


def _begins_as_utf8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _count(kind: re.Pattern[bytes], pairs: list[bytes]) -> int:
    return sum(bool(kind.fullmatch(pair)) for pair in pairs)


def _everyday_big5(pairs: list[bytes], simplified: int) -> bool:
    """Whether the double bytes are everyday characters in Big5 (level 1) rather than in GB2312 (level 1).

    Nearly every text in the one decodes in the other too, into nonsense of rare characters; running text is nine tenths
    level 1 in its own encoding (GB 2312-1980: first bytes B0 to D7; Big5: A4 to C6).
    """
    traditional = sum(0xA4 <= pair[0] <= 0xC6 for pair in pairs)
    return traditional > max(simplified, 0.8 * len(pairs))


def is_utf8(path: Path) -> bool:
    """Whether all of it decodes."""
    return _fails_at(path, "utf-8") is None


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
    """``path`` itself if it is sound UTF-8, else a UTF-8 copy of it in ``work``, made as a stream.

    Raises:
        UnicodeDecodeError: it is not in ``encoding`` throughout.
    """
    if encoding in ("utf-8", "utf-8-sig", "ascii"):
        return path
    name = encoding.removesuffix(DAMAGED)
    errors = "strict" if name == encoding else "llf-kit-mark"
    copy = work / f"{abs(hash(path.resolve()))}.utf8"
    with path.open("rb") as source, copy.open("wb") as target:
        for text in _decoded(source, name, errors):
            target.write(text.encode())
    return copy


def _decoded(source: IO[bytes], encoding: str, errors: str) -> Iterator[str]:
    # GBK is the part of GB18030 that nearly every file keeps to, and its decoder takes three quarters of the time.
    decoder = codecs.getincrementaldecoder("gbk" if (encoding, errors) == ("gb18030", "strict") else encoding)(errors)
    for chunk in chain(iter(lambda: source.read(_CHUNK), b""), (b"",)):
        held = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            if encoding != "gb18030":
                raise
            decoder = codecs.getincrementaldecoder(encoding)(errors)
            text = decoder.decode(held + chunk, final=not chunk)
        yield text
