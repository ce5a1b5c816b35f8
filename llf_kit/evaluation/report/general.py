"""General questions are of many kinds; what counts of each is whether it was answered right."""

from __future__ import annotations

from dataclasses import replace

from llf_kit.evaluation.intervals import mean_interval
from llf_kit.evaluation.results import Evaluation, Metric, Row

NAME = "general"  # under which the shipped general questions are registered
RIGHT = "right"
# The measure of a row's kind: choices and labels, values, JSON, and else the words that were asked for
_MEASURES = ("accuracy", "value_accuracy", "field_f1", "exact_match")


def with_right(evaluation: Evaluation) -> Evaluation:
    """``evaluation`` with :data:`RIGHT` as its first metric: 100 where the measure of the row's kind is, else 0."""
    rows = tuple(replace(row, scores={RIGHT: _right(row), **row.scores}) for row in evaluation.rows)
    scenarios = {
        label: {RIGHT: _metric([row for row in rows if row.prediction.scenario == label]), **found}
        for label, found in evaluation.scenarios.items()
    }
    return replace(evaluation, rows=rows, metrics={RIGHT: _metric(rows), **evaluation.metrics}, scenarios=scenarios)


def _right(row: Row) -> float | None:
    found = next((row.scores[name] for name in _MEASURES if row.scores.get(name) is not None), None)
    return None if found is None else 100.0 * (found == 100)


def _metric(rows: tuple[Row, ...] | list[Row]) -> Metric:
    scores = [score for row in rows if (score := row.scores[RIGHT]) is not None]
    low, high = mean_interval(scores)
    return Metric(sum(scores) / len(scores) if scores else None, low, high, len(scores))
