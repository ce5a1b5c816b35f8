"""What a rule of text cleaning is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Rule:
    """One kind of change: ``sign`` (a regular expression, without look-around) stands in every text that it may change.

    ``change`` takes those texts; what it returns unchanged is not counted.
    """

    name: str
    sign: str
    change: Callable[[pl.Series], pl.Series]


def each(change: Callable[[str], str]) -> Callable[[pl.Series], pl.Series]:
    """A change of many texts out of a change of one."""
    return lambda texts: pl.Series([change(text) for text in texts.to_list()], dtype=pl.String)
