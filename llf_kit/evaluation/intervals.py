"""How sure a number is: bootstrap intervals, seeded, so that the same rows give the same interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2_000
SEED = 20120712
_HELD = 4_000_000  # numbers of a chunk of resamples

# How often each row was drawn, resamples × rows → the value of each resample
Weighted = Callable[[np.ndarray], np.ndarray]


def interval(rows: int, statistic: Callable[[np.ndarray], float]) -> tuple[float, float] | tuple[None, None]:
    """The percentile bootstrap interval of ``statistic``, a function of the numbers of the rows that are drawn.

    None twice where there are fewer than two rows. (Efron & Tibshirani, An Introduction to the Bootstrap, chapter 13.)
    """
    if rows < 2:
        return None, None
    return edges(np.array([statistic(draw) for chunk in _draws(rows) for draw in chunk]))


def mean_interval(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """The interval of the mean of ``values``."""
    array = np.asarray(values, dtype=float)
    return weighted(len(array), [lambda drawn: drawn @ array / len(array)])[0]


def weighted(rows: int, statistics: Sequence[Weighted]) -> list[tuple[float, float] | tuple[None, None]]:
    """The intervals of several statistics of the same rows, out of the same draws: all at once, so fast."""
    if rows < 2:
        return [(None, None)] * len(statistics)
    found: list[list[np.ndarray]] = [[] for _ in statistics]
    for draws in _draws(rows):
        size = len(draws)
        places = (draws + rows * np.arange(size)[:, None]).ravel()
        drawn = np.bincount(places, minlength=size * rows).reshape(size, rows).astype(float)
        for values, statistic in zip(found, statistics, strict=True):
            values.append(statistic(drawn))
    return [edges(np.concatenate(values)) for values in found]


def edges(values: np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """The interval out of the values of the resamples, of which those that are not defined (NaN) do not count."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [edge, 1 - edge])
    return float(low), float(high)


def _draws(rows: int) -> Iterator[np.ndarray]:
    random = np.random.default_rng(SEED)
    chunk = max(1, _HELD // rows)
    for begin in range(0, RESAMPLES, chunk):
        yield random.integers(0, rows, (min(chunk, RESAMPLES - begin), rows))
