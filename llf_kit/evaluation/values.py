"""When a value in an answer is the value that was wanted: digits, units, and what rounding allows.

In the same unit, numbers have to be equal (``3.50`` is 3.5). In another unit of the same quantity the wanted number is
converted (:mod:`llf_kit.quantities`; between mass and amount by the analyte's molar mass), and then the digits that are
printed decide: the two are the same where the wanted number, converted and rounded to the digits of the answer, is the
answer's, or the answer's, converted back and rounded to the digits of the wanted number, is that; and where they are
not more than 5 % apart, so that a number rounded to nothing (1 mg/dL for 62 μmol/L) is not let through. So 3.9–6.1
mmol/L of glucose is 70–110 mg/dL (70.3 and 109.9).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise

import polars as pl

from llf_kit.quantities import by_key, factor, find_all, units

APART = 0.05  # own rule: what rounding may change at most
_TIMES = re.compile(
    r"(?<![a-z])(?:(?P<min>分钟|minutes?|mins?)|(?P<h>小时|hours?|hrs?|h)|(?P<d>天|日|days?|d)|(?P<s>秒|seconds?|secs?|s))$"
)
_FORMS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹／％．，Ｌμµ", "0123456789/%.,Luu")


@dataclass(frozen=True)
class Value:
    """One value, or an interval where ``high`` is set, as it is written in the source."""

    low: str
    high: str | None = None
    unit: str = ""

    @property
    def bare(self) -> str:
        """Without its unit."""
        return self.low if self.high is None else f"{self.low}–{self.high}"

    def __str__(self) -> str:
        return f"{self.bare} {self.unit}".strip()

    def problem(self) -> str | None:
        """Why it cannot be looked for, and what to do, or None."""
        for end in filter(None, (self.low, self.high)):
            try:
                number = Decimal(end)
            except InvalidOperation:
                return f"{end} is no number. Write digits and a point"
            if not number.is_finite():
                return f"{end} is no number. Write digits and a point"
        if self.high is not None and Decimal(self.low) > Decimal(self.high):
            return f"{self.bare} is upside down. Give the lower end first"
        if self.unit and not _known(self.unit):
            return f"its unit {self.unit} is not known. Write it as laboratories do (mmol/L, ×10⁹/L, %)"
        return None


@dataclass(frozen=True)
class Found:
    """A value, or an interval, of an answer; ``unit`` is a UCUM code, ``written`` the text, ``low`` may be negative."""

    written: str
    low: float
    high: float | None
    unit: str | None
    other: bool
    analyte: str | None

    @property
    def bare(self) -> str:
        """The numbers alone."""
        return f"{self.low:g}" if self.high is None else f"{self.low:g}–{self.high:g}"


def found(texts: Sequence[str]) -> list[list[Found]]:
    """The values of each text, in their order; the interval that stands behind a value is one of its own."""
    every: list[list[Found]] = [[] for _ in texts]
    # there, a number right behind `、` is the rest of a code; in an answer it is the next one of a list
    listed = [text.replace("、", "，") for text in texts]
    for row in find_all(pl.Series(listed, dtype=pl.String), alone=True).to_dicts():
        mine = every[row["text"]]
        written, unit, analyte = row["written"], row["unit"], row["analyte"]
        mine.append(Found(written, row["low"], row["high"], unit, row["other"], analyte))
        if row["reference_low"] is not None:
            behind = row["reference_unit"] or unit
            mine.append(Found(written, row["reference_low"], row["reference_high"], behind, False, analyte))
    return every


def value(one: Found) -> Value:
    """What a wanted answer holds, as something to look for."""
    unit = units()[one.unit].spellings[0] if one.unit in units() and units()[one.unit].spellings else ""
    low, high = (None if end is None else f"{end:.{_places(end, one.written)}f}" for end in (one.low, one.high))
    return Value(low or "", high, unit)


def with_told_ends(values: list[Found]) -> list[Found]:
    """Where no interval stands in a text, two numbers one after another are the ends of one.

    As in ``下限 1.8，上限 6.3 g/L``: the unit may stand at the second alone.
    """
    if any(one.high is not None for one in values):
        return values
    pairs = [
        Found(other.written, one.low, other.low, other.unit, other.other, one.analyte or other.analyte)
        for one, other in pairwise(values)
        if one.low < other.low and one.unit in (None, other.unit) and (not one.other or one.other == other.other)
    ]
    return [*values, *pairs]


def with_shared_units(values: list[Found]) -> list[Found]:
    """A number without a unit has that of the next value, as in ``<2.8 或 >6.2 mmol/L``."""
    shared: list[Found] = []
    for one in reversed(values):
        alone = one.unit is None and not one.other and one.high is None
        shared.append(replace(one, unit=shared[-1].unit) if alone and shared else one)
    return shared[::-1]


def same(one: Found, value: Value, analyte: str | None = None) -> bool:
    """Whether it is that value in that unit, or in another one converted."""
    if (one.high is None) != (value.high is None) or not convertible(one, value, analyte):
        return False
    by = _factor(one, value, analyte)
    ends = [(one.low, value.low), (one.high, value.high)]
    return all(_equal(number, text, by, one.written) for number, text in ends if number is not None and text)


def same_digits(one: Found, value: Value) -> bool:
    """Whether its numbers are those of that value, whatever the unit."""
    return _is(one.low, value.low) and (
        one.high is None if value.high is None else one.high is not None and _is(one.high, value.high)
    )


def unitless(one: Found, value: Value) -> bool:
    """Whether its numbers are those of that value and no unit says that something else is meant."""
    return one.unit is None and not one.other and same_digits(one, value)


def convertible(one: Found, value: Value, analyte: str | None = None) -> bool:
    """Whether its unit is that of the value, or one that can be converted to it."""
    code = _code(value.unit)
    if code is None:  # a unit of no result (30 min, 5 mL), or none at all
        return _plain(one.written).endswith(_plain(value.unit)) if value.unit else one.unit is None and not one.other
    return one.unit is not None and _factor(one, value, analyte) is not None


def comparable(one: Found, value: Value, analyte: str | None = None) -> bool:
    """Whether the two can be told of the same thing: their units are of one kind, or one has none."""
    return convertible(one, value, analyte) or (one.unit is None and not one.other)


def into(one: Found, other: Found) -> float | None:
    """The number of ``one`` in the unit of ``other``; None where there is no way."""
    if one.other or (one.unit is None) != (other.unit is None):
        return None
    if one.unit is None or other.unit is None or one.unit == other.unit:
        return one.low
    by = factor(one.unit, other.unit, by_key().get(other.analyte or one.analyte or ""))
    return None if by is None else one.low * by


def _factor(one: Found, value: Value, analyte: str | None) -> float | None:
    """What the value is multiplied by to stand in the unit of the found one."""
    code = _code(value.unit)
    if code is None or one.unit is None:
        return None
    return 1.0 if one.unit == code else factor(code, one.unit, by_key().get(analyte or one.analyte or ""))


def _is(number: float, text: str) -> bool:
    return number == float(text)


def _equal(number: float, text: str, by: float | None, written: str) -> bool:
    if by is None or by == 1.0:
        return _is(number, text)
    wanted = float(text) * by
    if abs(number - wanted) > APART * abs(wanted):
        return False
    there = _rounded(wanted, _places(number, written)) == _rounded(number, _places(number, written))
    back = _rounded(number / by, _decimals(text)) == Decimal(text)
    return there or back


def _rounded(number: float, places: int) -> Decimal:
    # 12 significant digits: the factors are floats, and 3.45 must not fall below its half
    return Decimal(f"{number:.12g}").quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _places(number: float, written: str) -> int:
    """How many decimals ``number`` has where it stands in ``written``."""
    digits = re.findall(r"[0-9]+(?:\.[0-9]+)?", written.translate(_FORMS).replace(",", ""))
    return max((_decimals(text) for text in digits if float(text) == abs(number)), default=_decimals(f"{number:g}"))


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _plain(text: str) -> str:
    plain = re.sub(r"\s+", "", text.translate(_FORMS)).lower()
    return _TIMES.sub(lambda unit: next(name for name, group in unit.groupdict().items() if group), plain)


@lru_cache(maxsize=4_096)
def _look(unit: str) -> tuple[str | None, bool, str]:
    row = next(iter(find_all(pl.Series([f"5 {unit}"]), alone=True).to_dicts()), None)
    return (None, False, "") if row is None else (row["unit"], row["other"], row["written"])


def _code(unit: str) -> str | None:
    return _look(unit)[0] if unit else None


def _known(unit: str) -> bool:
    """Whether the whole of it is read as a unit, of results or of other things."""
    code, other, written = _look(unit)
    return (code is not None or other) and _plain(written) == _plain(f"5{unit}")
