"""What an endpoint was asked before: JSON lines that only their owner may read, by content, for runs that go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def content_key(*parts: str) -> str:
    """A key of what was asked, of whom, and how: the same words, the same key."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class Kept(Generic[T]):
    """Values by key in the file ``path``; ``name`` is the field of a line that holds one.

    ``check`` makes a value of what stands there, or raises a ValueError, KeyError, TypeError or AttributeError where it
    is none: such a line is as good as missing. So is the half line of a run that was killed.
    """

    def __init__(self, path: Path, name: str, check: Callable[[Any], T]) -> None:
        self._path, self._name = path, name
        self.known: dict[str, T] = {}
        for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else ():
            try:
                one = json.loads(line)
                self.known[one["key"]] = check(one[name])
            except (ValueError, KeyError, TypeError, AttributeError):
                continue

    @contextmanager
    def noting(self) -> Iterator[Callable[[str, T], None]]:
        """A function that keeps a value, which is in the file when it returns."""
        with self._path.open("a", encoding="utf-8") as notes:
            self._path.chmod(0o600)
            if notes.tell():
                notes.write("\n")  # ends the half line of a run that was killed

            def note(key: str, value: T) -> None:
                self.known[key] = value
                notes.write(json.dumps({"key": key, self._name: value}) + "\n")
                notes.flush()

            yield note


def kept_texts(path: Path) -> Kept[str]:
    """The answers in the file ``path``, as they were said."""
    return Kept(path, "answer", _text)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
