"""Units as laboratories write them, as UCUM codes, and from one to another.

``units.csv`` is the one table of spellings: ``ucum``, its ``spellings`` (any case; ``;`` between them; u for μ), what
it measures (``dimension``), and how many ``base`` of that dimension it is. The factors are UCUM's: a test works them
out with ucumvert. Units that are not in the table are asked of ucumvert itself, which takes most of a second to load.

International units count as U, as laboratories write them: UCUM itself has no factor between the two.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from llf_kit.quantities.analytes import Analyte

_MASS, _AMOUNT, _CHARGE = "mass concentration", "amount concentration", "charge concentration"


@dataclass(frozen=True)
class Unit:
    """A unit of the table; ``factor`` is how many ``base`` it is."""

    ucum: str
    spellings: tuple[str, ...]
    dimension: str
    base: str
    factor: float


@cache
def units() -> dict[str, Unit]:
    """The units of results, by UCUM code."""
    rows = (row for row in _rows() if row["ucum"])
    return {
        row["ucum"]: Unit(row["ucum"], _spellings(row), row["dimension"], row["base"], float(row["factor"]))
        for row in rows
    }


@cache
def other_units() -> tuple[str, ...]:
    """What stands behind a number that is no result: doses, sizes, times, counters."""
    return tuple(spelling for row in _rows() if not row["ucum"] for spelling in _spellings(row))


def _rows() -> list[dict[str, str]]:
    with (files("llf_kit.quantities") / "units.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _spellings(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(spelling for spelling in row["spellings"].split(";") if spelling)


def factor(source: str, target: str, analyte: Analyte | None = None) -> float | None:
    """What a value in ``source`` is multiplied by to stand in ``target``, both UCUM codes; None where there is no way.

    Mass and amount take the analyte's molar mass, and mEq its charge.
    """
    known = units()
    if source not in known or target not in known:
        return _asked(source, target)
    one, other = known[source], known[target]
    if one.dimension == other.dimension:
        return one.factor / other.factor
    # by way of mol/L
    into, out = _moles(one, analyte), _moles(other, analyte)
    return into / out if into and out else None


def convert(value: float, source: str, target: str, analyte: Analyte | None = None) -> float | None:
    """``value`` of ``source`` in ``target``; None where there is no way from one to the other."""
    by = factor(source, target, analyte)
    return None if by is None else value * by


def _moles(unit: Unit, analyte: Analyte | None) -> float | None:
    """How many mol/L one of this concentration is."""
    if unit.dimension == _AMOUNT:
        return unit.factor
    if unit.dimension == _MASS and analyte and analyte.molar_mass:
        return unit.factor / analyte.molar_mass
    if unit.dimension == _CHARGE and analyte and analyte.charge:
        return unit.factor / analyte.charge
    return None


@cache
def _ucum() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def _asked(source: str, target: str) -> float | None:
    """The factor between two codes that the table lacks, from UCUM's own definitions."""
    import pint
    from lark.exceptions import LarkError

    try:
        return float((_ucum().from_ucum(source) / _ucum().from_ucum(target)).to("").magnitude)
    except (LarkError, pint.errors.PintError):
        return None
