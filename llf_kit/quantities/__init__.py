"""Quantities in laboratory text: what was measured, how much, in which unit.

Two tables say what is known, ``analytes.csv`` and ``units.csv``; texts are searched by an engine of linear time, so
that none can make it hang.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from llf_kit.quantities import patterns
from llf_kit.quantities.analytes import Analyte, analytes, by_key
from llf_kit.quantities.finding import FOUND, find_all, named
from llf_kit.quantities.units import Unit, convert, factor, other_units, units

__all__ = [
    "FOUND",
    "Analyte",
    "Quantity",
    "Unit",
    "analytes",
    "by_key",
    "convert",
    "factor",
    "find",
    "find_all",
    "named",
    "other_units",
    "units",
]


@dataclass(frozen=True)
class Quantity:
    """A number in a text with what belongs to it; see :func:`llf_kit.quantities.find_all` for the fields.

    ``start`` and ``end`` are places in the text: ``text[start:end] == written``.
    """

    start: int
    end: int
    written: str
    name: str | None
    analyte: str | None
    weak: bool | None
    change: bool
    comparator: str | None
    low: float
    high: float | None
    unit: str | None
    other: bool
    arrow: str | None
    reference_low: float | None
    reference_high: float | None
    reference_unit: str | None


def find(text: str) -> list[Quantity]:
    """Every quantity in one text, in their order.

    Such as ``血钾3.0mmol/L↓（参考区间3.5～5.3）``, ``K 6.8``, ``<0.01 ng/mL``, ``1:80``. Left out are numbers of
    standards, codes, dates, times and blood pressures. For many texts use ``find_all``.
    """
    mark = "\0"
    # Marked where they stand: every other piece between marks is one.
    marked = pl.Series([text.replace(mark, " ")]).str.replace_all(patterns.every(), f"{mark}$0{mark}")
    pieces = str(marked[0]).split(mark)
    starts = [0, *accumulate(len(piece) for piece in pieces)]
    found = find_all(pl.Series(pieces[1::2], dtype=pl.String), alone=True)
    return [
        Quantity(start := starts[2 * row.pop("text") + 1], start + len(row["written"]), **row)
        for row in found.to_dicts()
    ]
