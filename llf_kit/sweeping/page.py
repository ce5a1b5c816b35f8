"""The page of a sweep: the table, quality against size, and what to take; one file that loads nothing."""

from __future__ import annotations

from typing import Any

from llf_kit import pages
from llf_kit.evaluation.metrics import NAMES
from llf_kit.evaluation.paired import FEW
from llf_kit.evaluation.results import Metric
from llf_kit.evaluation.wording import number, signed
from llf_kit.schema import Language
from llf_kit.sweeping.choosing import Outcome, Tried


def sentence(outcome: Outcome, language: Language) -> str:
    """What to take and why, in a sentence."""
    said, sweep = pages.words("sweeping", language), outcome.space.sweep
    if outcome.best is None or outcome.chosen is None:
        return str(said["nothing"]).format(metric=sweep.metric)
    best, chosen = outcome.best.metric(sweep.metric), outcome.chosen.metric(sweep.metric)
    values: dict[str, Any] = {
        "metric": sweep.metric,
        "dataset": outcome.space.asked,
        "tolerance": f"{sweep.tolerance:g}",
        "best": outcome.best.choice.name,
        "best_value": value(best),
        "chosen": outcome.chosen.choice.name,
        "chosen_value": value(chosen),
        "rows": best.scored if best else 0,
    }
    few = str(said["few"]).format(least=FEW, **values) if values["rows"] < FEW else ""
    if outcome.chosen is outcome.best:
        return str(said["best_is_smallest"]).format(**values) + few
    one = outcome.difference
    beside = "" if one is None else str(said["difference"]).format(
        difference=signed(one.difference), low=signed(one.low), high=signed(one.high), rows=one.rows
    )  # fmt: skip
    return str(said["smaller"]).format(**values) + beside + few


def html(outcome: Outcome, language: Language) -> str:
    """The page of ``outcome``."""
    return pages.html(
        "sweeping/page.html.j2",
        {
            "data": outcome,
            "rows": [_row(one, outcome) for one in outcome.rows],
            "sentence": sentence(outcome, language),
            "percent": NAMES[outcome.space.sweep.metric].percent,
            "w": pages.words("sweeping", language),
            "language": language,
        },
    )


def value(metric: Metric | None) -> str:
    """A metric with its interval, as text."""
    if metric is None or metric.value is None:
        return "–"
    held = "" if metric.low is None or metric.high is None else f" ({number(metric.low)}–{number(metric.high)})"
    return f"{number(metric.value)}{held}"


def figures(one: Tried) -> dict[str, str]:
    """Size, disk and time as people read them."""
    return {
        "parameters": "–" if one.parameters is None else f"{one.parameters / 1e6:,.1f} M",
        "trainable": "–" if one.trainable is None else f"{one.trainable / 1e6:,.3f} M",
        "disk": "–" if one.disk is None else f"{one.disk / 2**20:,.1f} MiB",
        "seconds": "–" if one.seconds is None else f"{one.seconds:,.0f} s",
    }


def _row(one: Tried, outcome: Outcome) -> dict[str, Any]:
    found = one.metric(outcome.space.sweep.metric)
    return {
        "name": one.choice.name,
        "value": value(found),
        "share": found.value if found else None,
        "chosen": one is outcome.chosen,
        "best": one is outcome.best,
        "problem": one.problem,
        **figures(one),
    }
