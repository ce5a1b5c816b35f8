"""zip and gz: what is inside is unpacked into the work folder, within bounds, and read like any other file."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from llf_kit.errors import DataError

ENDINGS = (".zip", ".gz")

# A laboratory's texts shrink to a tenth; what swells more than two-hundredfold is made to fill the disk.
_RATIO = 200
_SMALL = 50 << 20  # bytes that any archive may swell to
_CHUNK = 1 << 20


def unpack(path: Path, work: Path) -> Iterator[tuple[str, Path]]:
    """Name and unpacked copy of every file inside. Names inside an archive never become paths.

    Raises:
        DataError: damaged, locked with a password, or far larger inside than outside.
    """
    bound = _bound(path)
    try:
        if path.suffix.lower() == ".gz":
            name = path.name.removesuffix(path.suffix)
            with gzip.open(path) as source:
                yield name, _copy(path, source, work / f"unpacked{Path(name).suffix}", bound)
            return
        with zipfile.ZipFile(path) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
            for place, info in enumerate(files):
                name = _name(info)
                with archive.open(info) as source:
                    copy = _copy(path, source, work / f"unpacked-{place}{PurePosixPath(name).suffix}", bound)
                    bound -= copy.stat().st_size
                yield name, copy
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError):
        raise DataError(f"{path}: is damaged or no archive. Pack it again.") from None
    except RuntimeError:  # zipfile's own for a password
        raise DataError(f"{path}: is locked with a password. Unpack it first.") from None


def check(path: Path) -> None:
    """Look at a document that is a zip itself (xlsx, docx, ods) before another library unpacks it into memory.

    Raises:
        DataError: it says itself that it is far larger inside than outside.
    """
    if not zipfile.is_zipfile(path):
        return  # its reader says what is wrong with it
    try:
        with zipfile.ZipFile(path) as archive:
            inside = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError):
        return
    if inside > _bound(path):
        raise DataError(f"{path}: is far larger inside than outside. Save it anew if you trust it.")


def _bound(path: Path) -> int:
    return max(_SMALL, path.stat().st_size * _RATIO)


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _copy(path: Path, source: _Source, target: Path, bound: int) -> Path:
    done = 0
    with target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            done += len(chunk)
            if done > bound:
                raise DataError(f"{path}: is far larger inside than outside. Unpack it yourself if you trust it.")
            copy.write(chunk)
    return target


def _name(info: zipfile.ZipInfo) -> str:
    """Windows in Chinese writes names in GBK, which Python reads as cp437 where no flag says UTF-8."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename
