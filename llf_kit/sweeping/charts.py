"""What a quality takes: a chart each of it against size, time, memory and cost, with its coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from llf_kit.evaluation.metrics import NAMES
from llf_kit.evaluation.wording import number
from llf_kit.sweeping.choosing import Outcome, Tried

WIDTH, HEIGHT = 250, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 236, 10, 132

_AGAINST: dict[str, tuple[str, Callable[[Tried], float | None]]] = {
    "parameters": ("M", lambda one: one.took.parameters and one.took.parameters / 1e6),
    "seconds": ("s", lambda one: one.took.seconds),
    "memory": ("GiB", lambda one: one.planned.memory_gib),
    "cost": ("", lambda one: one.planned.cost),
}


def against(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """The charts that have two different places to show, from nothing on the left; a dot each row with a value."""
    metric = outcome.space.sweep.metric
    rows = [(one, found.value) for one in outcome.rows if (found := one.metric(metric)) and found.value is not None]
    values = [quality for _, quality in rows]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if NAMES[metric].percent:
        low, high = 10 * math.floor(low / 10), 10 * math.ceil(high / 10)
    for name, (unit, of) in _AGAINST.items():
        placed = [(one, quality, amount) for one, quality in rows if (amount := of(one)) is not None]
        if len({amount for *_, amount in placed}) < 2:
            continue
        most = max(amount for *_, amount in placed)
        yield {
            "name": name,
            "y": [(_BOTTOM, number(low)), (_TOP, number(high))],
            "x": [(_LEFT, "0"), (_RIGHT, _amount(most, unit))],
            "dots": [
                {
                    "x": round(_LEFT + (_RIGHT - _LEFT) * amount / most, 1),
                    "y": round(_BOTTOM - (_BOTTOM - _TOP) * ((quality - low) / (high - low) if high > low else 0.5), 1),
                    "chosen": one is outcome.chosen,
                    "says": f"{one.choice.name}: {number(quality)}, {_amount(amount, unit)}",
                }
                for one, quality, amount in placed
            ],
            "left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM, "width": WIDTH, "height": HEIGHT,
        }  # fmt: skip


def _amount(amount: float, unit: str) -> str:
    shown = f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"
    return f"{shown} {unit}".strip()
