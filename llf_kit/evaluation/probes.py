"""Exact-value probes: questions whose answer must hold one interval and its unit.

A model can be fluent and wrong, and exact values are what a laboratory lives by; overlap of words does not see it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from llf_kit.errors import DataError
from llf_kit.project import text_lines
from llf_kit.schema import Score

METRIC = "value_accuracy"

# `WS/T 404.3-2012`: the number of a standard and its year look like an interval and are none
_STANDARD = re.compile(r"[0-9]{3,5}(?:\.[0-9]+)?[-–—][12][0-9]{3}(?![0-9])")
_DASH = re.compile(r"\s*(?:～|~|–|—|−|-|至|到|to)\s*")
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_INTERVAL = re.compile(rf"(?<![0-9.])({_NUMBER})~({_NUMBER})")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@dataclass(frozen=True)
class Probe:
    """A question that training never saw, and what a right answer must hold; values are written as in the source."""

    id: str
    question: str
    low: str
    high: str
    unit: str
    answer: str
    label: str
    language: str
    source: str


def load(path: Path) -> list[Probe]:
    """The probes of a JSON Lines file.

    Raises:
        DataError: it is missing, or a line lacks a field; all of them at once.
    """
    names = Probe.__dataclass_fields__
    probes: list[Probe] = []
    problems: list[str] = []
    try:
        lines = text_lines(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Give a file of probes.") from None
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            probes.append(Probe(**{name: str(data[name]) for name in names}))
        except (ValueError, KeyError, TypeError):
            problems.append(f"{path}:{number}: is no probe. Give an object with {', '.join(names)}.")
    if problems:
        raise DataError(*problems)
    return probes


def score(probe: Probe, answer: str) -> Score:
    """1 if ``answer`` holds the probe's interval with its unit and no other interval, else 0.

    Blanks, the kind of dash and the way a power of ten is written do not matter; digits and units do.
    """
    unit = _plain(probe.unit)
    text = _plain(answer).replace(f"{unit}~", "~")  # a unit after both ends is as right as one after the second
    found = [(match[1], match[2], text[match.end() :]) for match in _INTERVAL.finditer(text)]
    if not found:
        return Score(probe.id, METRIC, 0.0, "no interval")
    wrong = [(low, high) for low, high, _ in found if not (_same(low, probe.low) and _same(high, probe.high))]
    if wrong:
        return Score(probe.id, METRIC, 0.0, f"{wrong[0][0]}–{wrong[0][1]} instead of {probe.low}–{probe.high}")
    if not all(re.match(rf"{re.escape(unit)}(?![A-Za-z/])", rest) for _, _, rest in found):
        return Score(probe.id, METRIC, 0.0, f"the unit is not {probe.unit}")
    return Score(probe.id, METRIC, 1.0, "")


def _same(one: str, other: str) -> bool:
    return Decimal(one) == Decimal(other)


def _plain(text: str) -> str:
    text = _DASH.sub("~", _STANDARD.sub("", text))
    text = re.sub(r"[×xX*]\s*10\s*\^?\s*([0-9⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: f"e{m[1].translate(_SUPERSCRIPTS)}", text)
    return re.sub(r"\s+", "", text).replace("µ", "μ")
