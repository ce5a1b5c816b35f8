"""The shape of a logged curve: smoothed, its ends, its jitter, and how much it fell at last."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from llf_kit.evaluation.fit_verdict import Point


def smoothed(points: Sequence[Point]) -> list[Point]:
    """The running median, over a tenth of the points on either side."""
    half = len(points) // 10
    return [
        replace(point, value=statistics.median(one.value for one in points[max(0, at - half) : at + half + 1]))
        for at, point in enumerate(points)
    ]


def finite(points: Sequence[Point]) -> list[Point]:
    """The points that are numbers."""
    return [point for point in points if math.isfinite(point.value)]


def ends(points: Sequence[Point]) -> tuple[Point, Point]:
    """The mean of the first and of the last tenth."""
    tenth = max(1, len(points) // 10)
    first, last = points[:tenth], points[-tenth:]
    name = "loss" if tenth == 1 else f"loss, mean of {tenth}"
    return (
        replace(first[0], name=name, value=statistics.fmean(one.value for one in first)),
        replace(last[-1], name=name, value=statistics.fmean(one.value for one in last)),
    )


def jitter(points: Sequence[Point]) -> float:
    """The standard deviation of a point around its curve, from neighbours (von Neumann 1941); 0 for a handful."""
    if len(points) < 10:
        return 0.0
    return math.sqrt(statistics.fmean((b.value - a.value) ** 2 for a, b in pairwise(points)) / 2)


def late(points: Sequence[Point]) -> float:
    """How much a curve fell in the last third of its steps: by the straight line through it, of a handful by its ends.

    Its standard error, for evenly logged steps, is the jitter times the root of 12 over their number.
    """
    begin, end = points[0].step or 0, points[-1].step or 0
    start = begin + (end - begin) * 2 / 3
    late = [point for point in points if (point.step or 0) >= start]
    if len(points) < 10:
        return at(points, start) - points[-1].value
    slope = statistics.linear_regression([one.step or 0 for one in late], [one.value for one in late]).slope
    return -slope * (end - start)


def at(points: Sequence[Point], step: float) -> float:
    """The value of a curve at ``step``, on the straight line between its neighbours."""
    after = next((at for at, point in enumerate(points) if (point.step or 0) >= step), len(points) - 1)
    right = points[after]
    left = points[max(0, after - 1)]
    width = (right.step or 0) - (left.step or 0)
    share = min(1.0, max(0.0, (step - (left.step or 0)) / width)) if width else 1.0
    return left.value + share * (right.value - left.value)
