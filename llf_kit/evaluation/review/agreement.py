"""How far raters agree: percent agreement, Cohen's weighted kappa of two, Krippendorff's alpha of any number with gaps.

Kappa is weighted with squares (Cohen 1968), by scikit-learn; alpha is ordinal for scores and nominal for choices
(Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011), by the package krippendorff.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from llf_kit.errors import NotInstalledError
from llf_kit.evaluation.review.rubric import SCORES


@dataclass(frozen=True)
class Agreement:
    """``units`` counts what two raters or more have rated; None is "cannot be told".

    It cannot be told where nothing was rated twice, and where everything has the same value: then chance explains all.
    ``percent`` is the share of pairs of raters that gave the same, ``kappa`` is for two raters only.
    """

    units: int
    percent: float | None
    kappa: float | None
    alpha: float | None


def agreement(units: Iterable[Mapping[str, int]], *, ordered: bool = True) -> Agreement:
    """The agreement of ``units``, each with a value by rater; ``ordered`` where values are scores from 1 to 5.

    Raises:
        NotInstalledError: scikit-learn or krippendorff is missing.
    """
    pairable = [unit for unit in units if len(unit) > 1]
    if not pairable:
        return Agreement(0, None, None, None)
    raters = sorted({rater for unit in pairable for rater in unit})
    pairs = [(one, other) for unit in pairable for one, other in combinations(unit.values(), 2)]
    percent = 100 * sum(one == other for one, other in pairs) / len(pairs)
    if len({value for pair in pairs for value in pair}) < 2:
        return Agreement(len(pairable), percent, None, None)
    kappa_of, alpha_of = _packages()
    kappa = None
    if len(raters) == 2:
        columns = [[unit[rater] for unit in pairable] for rater in raters]
        labels = list(SCORES) if ordered else sorted({value for column in columns for value in column})
        kappa = float(kappa_of(*columns, labels=labels, weights="quadratic" if ordered else None))
    table = np.array([[unit.get(rater, np.nan) for unit in pairable] for rater in raters], dtype=float)
    alpha = float(alpha_of(table, level_of_measurement="ordinal" if ordered else "nominal"))
    return Agreement(len(pairable), percent, kappa, alpha)


def _packages() -> tuple[Any, Any]:
    try:
        from krippendorff import alpha
        from sklearn.metrics import cohen_kappa_score
    except ImportError as error:
        raise NotInstalledError(f"{error.name}: is not installed. Install it: pip install 'llf-kit[eval]'") from None
    return cohen_kappa_score, alpha
