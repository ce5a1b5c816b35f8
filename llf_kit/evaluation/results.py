"""The nouns of an evaluation: what was measured of one model on one dataset, in all, by sub-scenario and row by row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from llf_kit.evaluation.predictions import Prediction


@dataclass(frozen=True)
class Metric:
    """The mean of a metric over ``scored`` rows, with its 95 % interval; None where nothing could be scored.

    Bounded metrics are in percent, as LLaMA-Factory prints them.
    """

    value: float | None
    low: float | None
    high: float | None
    scored: int


@dataclass(frozen=True)
class Row:
    """One prediction and what each metric says of it; None is "not scored", which is not zero.

    ``scores`` are in percent where the metric is bounded; ``notes`` say why an answer was found wrong, by metric.
    """

    prediction: Prediction
    scores: dict[str, float | None]
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """``name`` says who answered, ``dataset`` what was asked; ``rows`` are in the dataset's order.

    ``details`` holds what is no single number: a confusion matrix, figures of speed. ``partial`` says why rows are
    missing, where some are; it is None for a whole evaluation.
    """

    name: str
    dataset: str
    rows: tuple[Row, ...]
    metrics: dict[str, Metric]
    scenarios: dict[str, dict[str, Metric]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    gate: Literal["passed", "failed"] | None = None
    partial: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """What ``evaluate --json`` prints of it."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            "n": len(self.rows),
            "metrics": {name: asdict(metric) for name, metric in self.metrics.items()},
            "scenarios": {
                label: {name: asdict(metric) for name, metric in found.items()}
                for label, found in self.scenarios.items()
            },
            "details": self.details,
            "gate": self.gate,
            "partial": self.partial,
        }
