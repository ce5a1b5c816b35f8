"""The table of a sweep, and which of it to take: the smallest that is not much worse than the best.

Smallest is by the parameters of the model, then by those that were trained. How much worse it may be than the best is
said by the ``tolerance``; by how much it differs, over the same rows, by an interval of the paired difference.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llf_kit.evaluation import comparing
from llf_kit.evaluation.comparison import Difference
from llf_kit.evaluation.paired import LOWER_IS_BETTER
from llf_kit.evaluation.results import Evaluation, Metric
from llf_kit.sweeping.space import Choice, Space


@dataclass(frozen=True)
class Tried:
    """A row of the table: what was tried, what it reached and what it took; ``problem`` is why there is nothing.

    ``parameters`` and ``trainable`` are counts, ``disk`` bytes of what was trained, ``seconds`` of training.
    """

    choice: Choice
    output: str
    evaluation: Evaluation | None = None
    parameters: int | None = None
    trainable: int | None = None
    disk: int | None = None
    seconds: float | None = None
    problem: str | None = None

    def metric(self, name: str) -> Metric | None:
        """What was measured of ``name``; None where it was not."""
        found = self.evaluation.metrics.get(name) if self.evaluation else None
        return found if found and found.value is not None else None

    @property
    def size(self) -> tuple[float, float]:
        """By what the smallest is found; what is not known is large."""
        return (self.parameters or sys.maxsize, self.trainable or sys.maxsize)


@dataclass(frozen=True)
class Outcome:
    """``best`` and ``chosen`` are of ``rows``; None where nothing was scored. ``difference`` is chosen minus best."""

    space: Space
    rows: tuple[Tried, ...]
    best: Tried | None
    chosen: Tried | None
    difference: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """What ``sweep --json`` prints."""
        metric = self.space.sweep.metric
        return {
            "name": self.space.sweep.name,
            "dataset": self.space.asked,
            "metric": metric,
            "tolerance": self.space.sweep.tolerance,
            "best": self.best and self.best.choice.name,
            "chosen": self.chosen and self.chosen.choice.name,
            "difference": self.difference and asdict(self.difference),
            "runs": [
                {
                    "name": one.choice.name,
                    "model": one.choice.model,
                    "template": one.choice.template,
                    "settings": one.choice.settings,
                    "output": one.output,
                    metric: (found := one.metric(metric)) and asdict(found),
                    "parameters": one.parameters,
                    "trainable_parameters": one.trainable,
                    "disk": one.disk,
                    "seconds": one.seconds,
                    "problem": one.problem,
                }
                for one in self.rows
            ],
        }


def choose(space: Space, rows: Sequence[Tried]) -> Outcome:
    """Put the rows in order, the best first, and choose."""
    metric, sign = space.sweep.metric, -1.0 if space.sweep.metric in LOWER_IS_BETTER else 1.0

    def worth(one: Tried) -> float:
        found = one.metric(metric)
        return float("-inf") if found is None or found.value is None else sign * found.value

    ordered = tuple(sorted(rows, key=lambda one: (-worth(one), one.size)))
    if not ordered or ordered[0].metric(metric) is None:
        return Outcome(space, ordered, None, None, None)
    best = ordered[0]
    near = [one for one in ordered if worth(best) - worth(one) <= space.sweep.tolerance]
    chosen = min(near, key=lambda one: (one.size, -worth(one)))
    difference = None
    if chosen is not best and best.evaluation and chosen.evaluation:
        compared = comparing.compare([best.evaluation], [chosen.evaluation])
        difference = compared.differences.get(metric)  # none of a metric that is no mean over rows
    return Outcome(space, ordered, best, chosen, difference)
