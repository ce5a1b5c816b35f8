"""How an evaluation looks on a terminal: a table of metrics, one of sub-scenarios, and the worst rows first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.evaluation.results import Evaluation, Metric, Row

_HEADLINES = ("value_accuracy", "accuracy", "field_f1", "format", "mae", "exact_match", "rouge-l")
_WORST = 10


def show(evaluation: Evaluation) -> None:
    """Tables on stderr."""
    from rich.console import Console
    from rich.table import Table

    from llf_kit.evaluation.metrics import NAMES

    console = Console(stderr=True, highlight=False)
    say(f"{evaluation.name} on {evaluation.dataset}: {len(evaluation.rows)} rows")
    if evaluation.partial:
        say(f"not whole: {evaluation.partial}")
    table = Table("metric", "value", "95 % interval", "rows", "what it says", box=None, pad_edge=False)
    for name, metric in evaluation.metrics.items():
        sign = " %" if NAMES[name].percent else ""
        better = "; less is better" if NAMES[name].most else ""
        table.add_row(name, _value(metric, sign), _interval(metric), str(metric.scored), NAMES[name].meaning + better)
    console.print(table)
    names = [name for name in _HEADLINES if name in evaluation.metrics and evaluation.metrics[name].scored]
    if len(evaluation.scenarios) > 1:
        by_label = Table("sub-scenario", *names, box=None, pad_edge=False)
        for label, found in evaluation.scenarios.items():
            by_label.add_row(label, *(f"{_value(found[name])} ({found[name].scored})" for name in names))
        console.print(by_label)
    worst = sorted((row for row in enumerate(evaluation.rows, 1)), key=lambda row: _worth(row[1], names))
    wrong = [(number, row) for number, row in worst if row.notes][:_WORST]
    if wrong:
        say(f"worst rows of {sum(bool(row.notes) for row in evaluation.rows)} with something wrong:")
    for number, row in wrong:
        notes = dict.fromkeys(row.notes.values())
        say(f"  {row.prediction.place or f'row {number}'}  {'; '.join(notes)}")


def _worth(row: Row, names: list[str]) -> list[float]:
    """By the first headline that scores it, then the next; an error counts the other way round."""
    scores = [row.scores.get(name) for name in names]
    signed = [
        -score if name == "mae" and score is not None else score for name, score in zip(names, scores, strict=True)
    ]
    return [score for score in signed if score is not None]


def _value(metric: Metric, sign: str = "") -> str:
    return "not scored" if metric.value is None else f"{metric.value:.2f}{sign}"


def _interval(metric: Metric) -> str:
    return "" if metric.low is None or metric.high is None else f"{metric.low:.2f}–{metric.high:.2f}"
