"""How sure a number is: bootstrap intervals, seeded, so that the same rows give the same interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2_000
SEED = 20120712


def interval(rows: int, statistic: Callable[[np.ndarray], float]) -> tuple[float, float] | tuple[None, None]:
    """The percentile bootstrap interval of ``statistic``, a function of the numbers of the rows that are drawn.

    None twice where there are fewer than two rows. (Efron & Tibshirani, An Introduction to the Bootstrap, chapter 13.)
    """
    if rows < 2:
        return None, None
    draws = np.random.default_rng(SEED).integers(0, rows, (RESAMPLES, rows))
    values = np.array([statistic(draw) for draw in draws])
    edge = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(values, [edge, 1 - edge])
    return float(low), float(high)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """The interval of the mean of ``values``."""
    array = np.asarray(values, dtype=float)
    return interval(len(array), lambda draw: float(array[draw].mean()))
