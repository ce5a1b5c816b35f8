"""The table of a sweep, and which of it to take: the smallest that is not much worse than the best.

Smallest is by the parameters of the model, then by those that were trained. How much worse it may be than the best is
said by the ``tolerance``; by how much it differs, over the same rows, by an interval of the paired difference. Of
several seeds, values are means over them, and a row counts with the mean of its answers.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from llf_kit.evaluation import comparing
from llf_kit.evaluation.comparison import Difference, Spread
from llf_kit.evaluation.intervals import mean_interval
from llf_kit.evaluation.paired import LOWER_IS_BETTER
from llf_kit.evaluation.results import Evaluation, Metric
from llf_kit.sweeping.space import Choice, Space


@dataclass(frozen=True)
class Took:
    """What was measured: ``parameters`` and ``trainable_parameters`` are counts, ``disk`` bytes of what was trained.

    ``seconds`` of a training, the mean over seeds; ``memory`` and ``gpu_memory`` in bytes, the most that the largest
    process of it had; on which ``device``. None where it was not measured.
    """

    parameters: int | None = None
    trainable_parameters: int | None = None
    disk: int | None = None
    seconds: float | None = None
    memory: int | None = None
    gpu_memory: int | None = None
    device: str | None = None


@dataclass(frozen=True)
class Estimate:
    """What one training would take on one ``gpu`` of the table: GiB as its YAML stands, and with the largest batch that
    fits hours and their cost. ``problem`` is why something could not be planned; ``notes`` what keeps it from being
    right."""

    gpu: str | None = None
    memory_gib: float | None = None
    hours: float | None = None
    cost: float | None = None
    currency: str | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tried:
    """A row of the table: what was tried, what it reached and what it took; ``problem`` is why there is nothing.

    ``outputs`` are the folders of its runs, one or one a seed, ``evaluations`` theirs, none where a run of them has
    none. ``stopped``: it had no chance any more. ``took`` is measured, and ``planned`` is for a GPU.
    """

    choice: Choice
    outputs: tuple[str, ...]
    evaluations: tuple[Evaluation, ...] = ()
    took: Took = field(default_factory=Took)
    planned: Estimate = field(default_factory=Estimate)
    problem: str | None = None
    stopped: bool = False

    def metric(self, name: str) -> Metric | None:
        """What was measured of ``name``, the mean over seeds; None where it was not."""
        found = [one.metrics[name] for one in self.evaluations if name in one.metrics]
        values = [one.value for one in found if one.value is not None]
        if self.problem or not values or len(values) < len(self.evaluations):
            return None
        if len(found) == 1:
            return found[0]
        low, high = (None, None) if name in comparing.POOLED else mean_interval(self._by_row(name))
        return Metric(statistics.fmean(values), low, high, min(one.scored for one in found))

    def spread(self, name: str) -> Spread | None:
        """``name`` over the seeds; None where there is one alone."""
        return comparing.spread(name, self.evaluations) if len(self.evaluations) > 1 else None

    def _by_row(self, name: str) -> list[float]:
        """The mean over the seeds of every row that was scored."""
        rows = zip(*(one.rows for one in self.evaluations), strict=True)
        scores = [[score for row in seeds if (score := row.scores.get(name)) is not None] for seeds in rows]
        return [statistics.fmean(one) for one in scores if one]

    @property
    def size(self) -> tuple[float, float]:
        """By what the smallest is found; what is not known is large."""
        return (self.took.parameters or sys.maxsize, self.took.trainable_parameters or sys.maxsize)

    def to_dict(self, metric: str) -> dict[str, Any]:
        """What ``sweep --json`` prints of it."""
        found, spread = self.metric(metric), self.spread(metric)
        return {
            "name": self.choice.name,
            "model": self.choice.model,
            "template": self.choice.template,
            "settings": self.choice.settings,
            "status": "stopped" if self.stopped else "failed" if self.problem else "done",
            "problem": self.problem,
            "outputs": list(self.outputs),
            metric: found and asdict(found),
            "spread": spread and asdict(spread),
            **asdict(self.took),
            "planned": asdict(self.planned),
        }


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
            "runs": [one.to_dict(metric) for one in self.rows],
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
    if chosen is not best:
        compared = comparing.compare(best.evaluations, chosen.evaluations)
        difference = compared.differences.get(metric)  # none of a metric that is no mean over rows
    return Outcome(space, ordered, best, chosen, difference)
