"""Values marked in an answer: those that were wanted, and those that were not; and the wanted ones that are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from llf_kit.quantities import find_all

_NUMBER = re.compile(r"(?:[<>＜＞≤≥]\s*)?[-−]?[0-9]")

Mark = Literal["right", "wrong", ""]


@dataclass(frozen=True)
class Marked:
    """An answer in pieces, each with its mark; ``missing`` are the wanted values that it does not hold, as written."""

    pieces: tuple[tuple[str, Mark], ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class _Value:
    written: str
    low: float
    high: float | None
    unit: str | None

    def same(self, other: _Value) -> bool:
        """Whether the numbers are the same, and the units too where both are known."""
        units = self.unit is None or other.unit is None or self.unit == other.unit
        return (self.low, self.high) == (other.low, other.high) and units


def mark(answers: Sequence[str], wanted: Sequence[str], right: Sequence[bool]) -> list[Marked]:
    """The answers with their values marked against those of the ``wanted`` texts, row by row.

    An answer that a metric of values has found ``right`` has no wrong ones: it may say them in another unit.
    """
    found = _values([*answers, *wanted])
    half = len(answers)
    return [
        _mark(text, mine, theirs, is_right)
        for text, mine, theirs, is_right in zip(answers, found[:half], found[half:], right, strict=True)
    ]


def _mark(text: str, mine: list[_Value], theirs: list[_Value], right: bool) -> Marked:
    pieces: list[tuple[str, Mark]] = []
    at = 0
    if theirs:  # where no value was wanted, none can be told to be wrong
        for one in mine:
            place = text.find(one.written, at)
            if place < 0:
                continue
            is_right = right or any(one.same(other) for other in theirs)
            pieces += [(text[at:place], ""), (one.written, "right" if is_right else "wrong")]
            at = place + len(one.written)
    pieces.append((text[at:], ""))
    missing = [] if right else [other.written for other in theirs if not any(other.same(one) for one in mine)]
    return Marked(tuple(piece for piece in pieces if piece[0]), tuple(dict.fromkeys(missing)))


def _values(texts: Sequence[str]) -> list[list[_Value]]:
    every: list[list[_Value]] = [[] for _ in texts]
    for row in find_all(pl.Series(texts, dtype=pl.String), alone=True).to_dicts():
        written = row["written"].strip().removeprefix(row["name"] or "")  # CA125 35 U/mL: its name has digits, too
        begins = _NUMBER.search(written)
        value = written[begins.start() :] if begins else written
        every[row["text"]].append(_Value(value, row["low"], row["high"], row["unit"]))
    return every
