"""Exact-value probes: questions whose answer must hold certain values with their units, and not others.

A model can be fluent and wrong, and exact values are what a laboratory lives by; overlap of words does not see it.

A probe is a line of JSON: ``question``; ``expected``, a list of ``{low, high, unit}`` and ``{value, unit}``, or for one
interval ``low``, ``high`` and ``unit`` themselves; and where they are known ``forbidden`` (a list alike), ``analyte``
(a name that :mod:`llf_kit.quantities` knows: for conversion between mass and amount), ``id``, ``answer``, ``label``,
``language``, ``source``. :mod:`.values` says when two values are the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.evaluation import values
from llf_kit.evaluation.answers import said
from llf_kit.evaluation.values import Found, Value
from llf_kit.project import text_lines
from llf_kit.quantities import by_key

METRIC = "value_accuracy"
NUMBERS, INTERVALS, UNITS = "value_numbers", "value_intervals", "value_units"

_TEXTS = ("id", "answer", "label", "language", "source", "analyte")


@dataclass(frozen=True)
class Probe:
    """A question that training never saw, and what a right answer must hold; values are written as in the source."""

    question: str
    expected: tuple[Value, ...]
    forbidden: tuple[Value, ...] = ()
    id: str = ""
    answer: str = ""
    label: str = ""
    language: str = ""
    source: str = ""
    analyte: str = ""


@dataclass(frozen=True)
class Judged:
    """What an answer is worth, each from 0 to 1.

    ``right`` is the whole. Of its parts, ``numbers`` is the share of the expected numbers that stand in the answer
    (both ends of an interval count), ``intervals`` the share of the expected intervals, whatever their unit (None where
    none is expected), and ``units`` the share of the expected values that stand there in a unit which can be theirs.
    ``note`` says what is wrong.
    """

    right: float
    numbers: float
    intervals: float | None
    units: float
    note: str = ""

    @property
    def scores(self) -> dict[str, float | None]:
        """By the names of the metrics."""
        return {METRIC: self.right, NUMBERS: self.numbers, INTERVALS: self.intervals, UNITS: self.units}


def load(path: Path) -> list[Probe]:
    """The probes of a JSON Lines file.

    Raises:
        DataError: it is missing, or a line lacks a field or has a value that cannot be read; all of them at once.
    """
    probes: list[Probe] = []
    problems: list[str] = []
    try:
        lines = text_lines(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Give a file of probes.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text. Give a file of probes.") from None
    for number, line in enumerate(lines, start=1):
        try:
            probes.append(_probe(json.loads(line), number))
        except _NoProbe as error:
            problems.append(f"{path}:{number}: is no probe: {error}.")
        except (ValueError, KeyError, TypeError, AttributeError):
            problems.append(
                f"{path}:{number}: is no probe. Give an object with question, low, high and unit, or with question and "
                "expected, a list of {low, high, unit} or {value, unit}."
            )
    if problems:
        raise DataError(*problems)
    if not probes:
        raise DataError(f"{path}: there is no probe in it. Give a file with a probe a line.")
    return probes


class _NoProbe(Exception):
    pass


def _probe(data: dict[str, Any], number: int) -> Probe:
    question = data["question"]
    if not isinstance(question, str) or not question.strip():
        raise _NoProbe("its question is empty. Write what is asked")
    expected = data["expected"] if "expected" in data else [{name: data[name] for name in ("low", "high", "unit")}]
    texts = {name: str(data[name]) for name in _TEXTS if name in data}
    read = tuple(_value(one) for one in expected)
    if not read:
        raise _NoProbe("nothing is expected. Give a value, or an interval")
    forbidden = tuple(_value(one) for one in data.get("forbidden", []))
    return Probe(question, read, forbidden, **{"id": str(number), **texts})


def _value(data: dict[str, Any]) -> Value:
    low, high = (data["low"], data["high"]) if "low" in data else (data["value"], None)
    made = Value(str(low), None if high is None else str(high), str(data.get("unit", "")))
    if (wrong := made.problem()) is not None:
        raise _NoProbe(wrong)
    return made


def judge(probes: Sequence[Probe], answers: Sequence[str]) -> list[Judged]:
    """What each of ``answers`` is worth, by the probe at the same place.

    Right is an answer that holds every expected value with its unit, no forbidden one, and, where an interval is
    expected, no interval of the same kind of unit beside the expected ones. Blanks, the kind of dash and the way a
    power of ten is written do not matter; digits and units do. Both ends of an interval may be told one by one.
    """
    found = values.found([said(answer) for answer in answers])
    return [judge_values(probe, one) for probe, one in zip(probes, found, strict=True)]


@dataclass
class _Matches:
    """What of the expected was found, and what was wrong with the rest."""

    right: int = 0
    numbers: int = 0
    intervals: int = 0
    units: int = 0
    used: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge_values(probe: Probe, found: list[Found]) -> Judged:
    """What an answer is worth that holds these values; see :func:`judge`."""
    matches = _Matches()
    key = _analyte(probe)
    wanted_intervals = [value for value in probe.expected if value.high is not None]
    told = found
    found = values.with_shared_units(values.with_told_ends(found) if wanted_intervals else found)
    for value in probe.expected:
        _match(value, found, key, matches)
    if wanted_intervals:
        stray = [
            one
            for one in found
            if one.high is not None
            and one not in matches.used
            and any(values.comparable(one, value, key) for value in wanted_intervals)
        ]
        if stray:
            wanted = " and ".join(str(value.bare) for value in wanted_intervals)
            matches.notes.insert(0, f"{stray[0].bare} instead of {wanted}")
    for value in probe.forbidden:
        if any(values.same(one, value, key) or values.unitless(one, value) for one in told):
            matches.notes.append(f"{value} must not stand there")
    numbers = sum(2 if value.high is not None else 1 for value in probe.expected)
    return Judged(
        float(not matches.notes),
        matches.numbers / numbers,
        matches.intervals / len(wanted_intervals) if wanted_intervals else None,
        matches.units / len(probe.expected),
        "; ".join(dict.fromkeys(matches.notes)),
    )


def _match(value: Value, found: list[Found], key: str | None, matches: _Matches) -> None:
    kind = [one for one in found if (one.high is None) == (value.high is None)]
    exact = [one for one in kind if values.same(one, value, key)]
    digits = [one for one in kind if values.same_digits(one, value)]
    matches.used += [*exact, *digits]
    matches.units += bool(exact) or (not digits and any(values.convertible(one, value, key) for one in kind))
    if exact or digits:
        matches.numbers += 1 if value.high is None else 2
        matches.intervals += value.high is not None
    else:
        ends = {end for one in found for end in (one.low, one.high)}
        matches.numbers += sum(float(end) in ends for end in (value.low, value.high) if end is not None)
    if exact and (value.high is None or all(one in exact or values.unitless(one, value) for one in digits)):
        return
    if digits:
        matches.notes.append(f"the unit is not {value.unit}" if value.unit else "a unit where none belongs")
    elif not kind:
        matches.notes.append("no interval" if value.high is not None else "no value")
    elif value.high is None or not any(values.comparable(one, value, key) for one in kind):
        matches.notes.append(f"{kind[0].bare} instead of {value.bare}")


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    return {name.casefold(): key for key, analyte in by_key().items() for name in (key, *analyte.names)}


def _analyte(probe: Probe) -> str | None:
    """The key of the analyte: the longest known name in the field ``analyte``."""
    given = probe.analyte.casefold()
    if given in _keys():
        return _keys()[given]
    names = [name for name in _keys() if len(name) > 2 and name in given]
    return _keys()[max(names, key=len)] if names else None
