"""How far the number of an answer is from the wanted one, in the unit of the wanted one.

mse, mae, r2
    Mean squared error, mean absolute error, and the coefficient of determination 1 - Σ(wanted - given)² / Σ(wanted -
    mean)², of the rows whose wanted answer is one number. Numbers of different units cannot be added: only the rows of
    the commonest unit are scored, and ``details`` names it with those of the others.

Not scored: rows of another kind; wanted intervals; missing predictions; and answers without a number in that unit or
one that can be converted to it, since there is no distance to nothing. (value_accuracy counts those as wrong: look at
it first.) r2 is not scored where all wanted numbers are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from llf_kit.evaluation import values
from llf_kit.evaluation.answers import said
from llf_kit.evaluation.kinds import Kind
from llf_kit.evaluation.metrics import Column, sums
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.values import Found

_NONE = ""  # the unit of a bare number


def columns(rows: Sequence[Prediction], kinds: Sequence[Kind]) -> tuple[dict[str, Column], dict[str, Any]]:
    """All metrics of this family, and the details: the unit, the rows in others, and the answers without a number."""
    places = [place for place, kind in enumerate(kinds) if kind == "number" and rows[place].predict is not None]
    wanted = values.found([rows[place].label for place in places])
    wants = {place: one[0] for place, one in zip(places, wanted, strict=True) if one and one[0].high is None}
    units = Counter(one.unit or _NONE for one in wants.values())
    if not units:
        return {}, {}
    unit = units.most_common(1)[0][0]
    chosen = [place for place, one in wants.items() if (one.unit or _NONE) == unit]
    answers = values.found([said(rows[place].predict or "") for place in chosen])
    data = np.full((len(rows), 5), np.nan)
    notes: dict[int, str] = {}
    for place, found in zip(chosen, answers, strict=True):
        number = _number(found, wants[place])
        if number is None:
            notes[place] = f"no number in {unit}" if unit else "no number"
            continue
        right, error = wants[place].low, number - wants[place].low
        data[place] = [1, right, right**2, error**2, abs(error)]
    details = {
        "unit": unit or None,
        "other_units": {name or "none": count for name, count in units.items() if name != unit},
        "without_number": len(notes),
    }
    return {
        "mse": Column(_values(data[:, 3]), notes, data, sums(lambda totals: totals[:, 3] / totals[:, 0])),
        "mae": Column(_values(data[:, 4]), notes, data, sums(lambda totals: totals[:, 4] / totals[:, 0])),
        "r2": Column([None] * len(rows), {}, data, sums(_explained)),
    }, {"numbers": details}


def _values(column: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in column]


def _number(found: Sequence[Found], wanted: Found) -> float | None:
    """The first number of an answer in the wanted unit, or converted to it."""
    for one in found:
        if one.high is None and (number := values.into(one, wanted)) is not None:
            return number
    return None


def _explained(totals: np.ndarray) -> np.ndarray:
    number, total, squares, errors, _ = totals.T
    spread = squares - total**2 / number
    # of sums of squares only so many digits are left
    varies = spread > 1e-9 * np.maximum(squares, 1e-300)
    ratio = np.divide(errors, spread, out=np.full(len(totals), np.nan), where=varies & (number > 1))
    return np.asarray(1 - ratio)
