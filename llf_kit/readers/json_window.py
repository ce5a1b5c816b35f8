"""A JSON text of any size through a window: Python's own decoder, one value at a time.

Not ijson: it refuses the NaN that Python and pandas write, and puts a question mark in the place of half a character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

from llf_kit.readers.records import DECODER

_CHUNK = 1 << 20
_LARGEST = 64 << 20  # characters of one value; what is longer has lost its end
_CUT = 16  # characters before the end of the window where an error may only mean that a value is cut off
_NO_SPACE = re.compile(r"[^ \t\n\r]")


class Damage(Exception):
    """Not JSON from here on; ``str()`` is what the decoder says, without any of the text."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


class More(Exception):
    """Something stands behind the one object that a JSON text is: these are JSON Lines."""


class Part(NamedTuple):
    """A member of the object that the text is, or an element of a list; ``key`` is the member's, or that list's.

    A list also has a part of its own, before its elements and without a value.
    """

    kind: str
    key: str
    value: Any


def parts(text: TextIO) -> Iterator[Part]:
    """Every element of the array that ``text`` is, or every member of the object, lists element by element.

    Raises:
        Damage: not JSON, or neither an array nor an object.
        More: there is more behind the object.
    """
    window = _Window(text)
    begin = window.peek()
    if begin == "[":
        yield from _elements(window, "")
    elif begin == "{":
        yield from _members(window)
    else:
        window.value()
        raise Damage(1, "a single value")
    if window.peek():
        if begin == "{":
            raise More
        raise window.damage("Extra data")


def in_sequence(text: TextIO) -> Iterator[Part]:
    """Every value of several that stand behind one another, as if they were elements of an array.

    Raises:
        Damage: not JSON.
    """
    window = _Window(text)
    while window.peek():
        yield Part("element", "", window.value())


def _elements(window: _Window, key: str) -> Iterator[Part]:
    for _ in window.items("]"):
        yield Part("element", key, window.value())


def _members(window: _Window) -> Iterator[Part]:
    for _ in window.items("}"):
        key = window.value()
        if not isinstance(key, str) or window.peek() != ":":
            raise window.damage("Expecting a name and a colon")
        window.at += 1
        if window.peek() == "[":
            yield Part("list", key, None)
            yield from _elements(window, key)
        else:
            yield Part("member", key, window.value())


class _Window:
    """What is in memory of the text, and the place in it that is read next."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self.buffer = ""
        self.at = 0
        self.lines = 1

    def items(self, closing: str) -> Iterator[None]:
        """Step past the bracket that is next, and to each item up to ``closing``; the caller reads it."""
        self.at += 1
        if self.peek() != closing:
            yield
            while self.peek() == ",":
                self.at += 1
                if self.peek() != closing:  # a comma too many loses nothing
                    yield
        if self.peek() != closing:
            raise self.damage("Expecting ',' delimiter" if self.peek() else "the end is missing")
        self.at += 1

    def peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            found = _NO_SPACE.search(self.buffer, self.at)
            self.at = found.start() if found else len(self.buffer)
            if self.at < len(self.buffer) or not self._read():
                return self.buffer[self.at : self.at + 1]

    def value(self) -> Any:
        """The next value, of which as much is read as it needs."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.buffer, self.at)
            except json.JSONDecodeError as error:
                if self._surely(error) or not self._read():
                    raise self.damage(error.msg, error.pos) from None
            except RecursionError:
                raise self.damage("nested too deeply") from None
            except ValueError:
                raise self.damage("a number of thousands of digits") from None
            else:
                if end < len(self.buffer) or not self._read():  # a number at the end of the window may go on
                    self.at = end
                    return value

    def damage(self, what: str, place: int | None = None) -> Damage:
        """What to raise, with the line of ``place`` or of the next character."""
        return Damage(self.lines + self.buffer.count("\n", 0, self.at if place is None else place), what)

    def _surely(self, error: json.JSONDecodeError) -> bool:
        """Whether reading on cannot help."""
        if error.msg.startswith("Unterminated string"):
            return len(self.buffer) - self.at > _LARGEST
        return error.pos < len(self.buffer) - _CUT or len(self.buffer) - self.at > _LARGEST

    def _read(self) -> bool:
        """Move the window; it grows by its own size, so that a long value is not begun anew too often."""
        more = self.text.read(max(_CHUNK, len(self.buffer) - self.at))
        if more:
            self.lines += self.buffer.count("\n", 0, self.at)
            self.buffer = self.buffer[self.at :] + more
            self.at = 0
        return bool(more)
