"""Which run of a sweep has no chance any more: the median stopping rule.

A run is stopped where the best loss that it has had is worse than the median, over earlier runs, of their mean loss up
to the same place (Golovin et al. 2017, Google Vizier: A Service for Black-Box Optimization, KDD, section 3.2.1).
The place is the epoch, that is the share of the data that was seen: a step has as many rows as its batch. The loss is
that of the validation, and that of the training where there is none. Earlier runs are those that ended well, with the
same base model and chat template but other settings; what was stopped itself is no measure.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from llf_kit.errors import DataError, PrunedError
from llf_kit.evaluation import training_log
from llf_kit.evaluation.fit_verdict import Point
from llf_kit.evaluation.runs import Planned, ended_well
from llf_kit.upstream import Progress

GRACE = 0.25  # of its steps a run has for itself: the warm-up of the learning rate, and the first validation
LEAST = 3  # earlier runs; the median of fewer is one of them


def watch(planned: Planned, others: Sequence[Planned], told: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Like ``told``, and raises PrunedError where ``planned`` has no chance any more against ``others``."""
    validates = planned.config.values.get("eval_strategy", "no") not in ("no", False)

    ended: dict[Path, tuple[Point, ...]] = {}

    def look(progress: Progress) -> None:
        told(progress)
        if not GRACE * progress.steps <= progress.step < progress.steps:
            return
        for one in others:
            if one.output not in ended and ended_well(one.output):
                ended[one.output] = _curve(one.output, validates)
        if found := verdict(_curve(planned.output, validates), list(ended.values())):
            best, median, runs = found
            raise PrunedError(
                f"{planned.config.path}: stopped at step {progress.step} of {progress.steps}: its best "
                f"{'validation' if validates else 'training'} loss, {best:.4g}, is above {median:.4g}, "
                f"the median of {runs} earlier runs until there. Without `pruner`, the sweep trains it to its end."
            )

    return look


def verdict(own: Sequence[Point], ended: Sequence[Sequence[Point]]) -> tuple[float, float, int] | None:
    """The best loss of ``own``, the median that it is worse than, and of how many runs; None where it has a chance."""
    if not own or own[-1].epoch is None:
        return None
    here = own[-1].epoch
    means = [
        _mean([point.value for point in one if _until(point, here)])
        for one in ended
        if one and (one[-1].epoch or 0) >= here and any(_until(point, here) for point in one)
    ]
    if len(means) < LEAST:
        return None
    best = min((point.value for point in own if math.isfinite(point.value)), default=math.inf)
    median = statistics.median(means)
    return (best, median, len(means)) if best > median else None


def _curve(folder: Path, validates: bool) -> tuple[Point, ...]:
    try:
        log = training_log.read(folder)
    except DataError:  # no loss was logged yet
        return ()
    return log.validation if validates else log.train


def _mean(losses: Sequence[float]) -> float:
    """One that is no number is the worst there is."""
    return statistics.fmean(losses) if all(map(math.isfinite, losses)) else math.inf


def _until(point: Point, epoch: float) -> bool:
    return point.epoch is not None and point.epoch <= epoch
