"""Where the lines of a chart go: numbers of a log → coordinates of an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llf_kit.evaluation.fit_verdict import Point

WIDTH, HEIGHT = 680, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 34
_TICKS = 4


def curves(train: Sequence[Point], validation: Sequence[Point], turned: Point | None) -> dict[str, Any] | None:
    """Both lines with their axes, and the step where the training turned; None where there is nothing to draw.

    A loss that is no number is left out; without steps in the log, points are counted.
    """
    lines = {"train": _finite(train), "validation": _finite(validation)}
    points = [point for line in lines.values() for point in line]
    if not points:
        return None
    last = max(step for step, _ in points) or 1.0
    low, high = min(value for _, value in points), max(value for _, value in points)
    low = min(low, 0.0) if low < high / 2 or low == high else low  # from 0, unless that hides the shape
    high = high if high > low else low + 1.0

    def x(step: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * step / last, 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low), 1)

    at = turned.step if turned is not None and turned.step is not None else None
    return {
        "lines": {
            name: {
                "points": " ".join(f"{x(step)},{y(value)}" for step, value in line),
                "dots": [(x(step), y(value), value) for step, value in line] if len(line) <= 40 else [],
            }
            for name, line in lines.items()
            if line
        },
        "x": [(x(step), f"{step:.10g}") for step in _ticks(0.0, last) if step == int(step)],
        "y": [(y(value), f"{value:.4g}") for value in _ticks(low, high)],
        "turned": None if at is None or at > last else {"x": x(at), "step": at},
        "width": WIDTH,
        "height": HEIGHT,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "top": _TOP,
        "bottom": HEIGHT - _BOTTOM,
    }


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high``: 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    apart = next(power * one for one in (1, 2, 5, 10) if power * one >= rough)
    first = math.ceil(low / apart - 1e-9)
    return [round(apart * number, 12) for number in range(first, math.floor(high / apart + 1e-9) + 1)]


def _finite(line: Sequence[Point]) -> list[tuple[float, float]]:
    return [
        (float(place if point.step is None else point.step), point.value)
        for place, point in enumerate(line, start=1)
        if math.isfinite(point.value)
    ]
