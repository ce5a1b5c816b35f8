"""The page of a sweep: the table, quality against what it takes, and what to take; one file that loads nothing."""

from __future__ import annotations

from typing import Any

from llf_kit import pages
from llf_kit.evaluation.paired import FEW
from llf_kit.evaluation.results import Metric
from llf_kit.evaluation.wording import number, signed
from llf_kit.schema import Language
from llf_kit.sweeping import charts
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
    took = [one.took for one in outcome.rows]
    return pages.html(
        "sweeping/page.html.j2",
        {
            "data": outcome,
            "rows": [_row(one, outcome, language) for one in outcome.rows],
            "sentence": sentence(outcome, language),
            "charts": list(charts.against(outcome)),
            "devices": sorted({one.device for one in took if one.device}),
            "currencies": sorted({one.planned.currency for one in outcome.rows if one.planned.currency}),
            "notes": notes(outcome),
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


def spread(one: Tried, metric: str, language: Language) -> str:
    """How far the seeds are apart, as text; none where there is one alone, or no value."""
    found = one.spread(metric) if one.metric(metric) else None
    if found is None:
        return ""
    said = str(pages.words("sweeping", language)["seeds"]).format(seeds=found.runs)
    return f"± {number(found.deviation)}, {number(found.low)}–{number(found.high)} ({said})"


def figures(one: Tried) -> dict[str, str]:
    """Size, disk, time, memory and cost as people read them."""
    took, planned = one.took, one.planned
    memory = took.gpu_memory or took.memory
    return {
        "parameters": _figure(took.parameters and took.parameters / 1e6, "{:,.1f} M"),
        "trainable": _figure(took.trainable_parameters and took.trainable_parameters / 1e6, "{:,.3f} M"),
        "disk": _figure(took.disk and took.disk / 2**20, "{:,.1f} MiB"),
        "seconds": _figure(took.seconds, "{:,.0f} s"),
        "memory": _figure(memory and memory / 2**30, "{:.2f} GiB")
        + (" RAM" if memory == took.memory and memory else ""),
        "planned_memory": _figure(planned.memory_gib, "{:.2f} GiB"),
        "hours": _figure(planned.hours, "{:.2f} h"),
        "cost": _figure(planned.cost, "{:,.2f}"),
        "gpu": planned.gpu or "–",
    }


def notes(outcome: Outcome) -> list[str]:
    """What was not planned, and what keeps the plans from being right; each once."""
    plans = [one.planned for one in outcome.rows]
    found = [one.problem for one in plans if one.problem] + [note for one in plans for note in one.notes]
    return list(dict.fromkeys(found))


def _figure(amount: float | None, shown: str) -> str:
    return "–" if amount is None else shown.format(amount)


def _row(one: Tried, outcome: Outcome, language: Language) -> dict[str, Any]:
    metric = outcome.space.sweep.metric
    return {
        "name": one.choice.name,
        "value": value(one.metric(metric)),
        "spread": spread(one, metric, language),
        "chosen": one is outcome.chosen,
        "best": one is outcome.best,
        "problem": one.problem,
        "stopped": one.stopped,
        **figures(one),
    }
