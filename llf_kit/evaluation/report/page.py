"""The page of a report: one file that loads nothing, every text escaped, in Chinese or English."""

from __future__ import annotations

from llf_kit import pages
from llf_kit.evaluation.report import Report
from llf_kit.evaluation.report.figures import figures
from llf_kit.evaluation.results import Metric
from llf_kit.evaluation.wording import number, signed


def html(report: Report) -> str:
    """The page of ``report``."""
    said = pages.words("evaluation", report.language)
    return pages.html(
        "evaluation/report.html.j2",
        {"data": figures(report), "w": said, "language": report.language},
        number=number,
        signed=signed,
        metric=lambda name: said["metrics"].get(name, name),
        detail=lambda path: " · ".join(said["details_named"].get(name, name) for name in path.split(" · ")),
        value=_value,
    )


def _value(metric: Metric | None) -> str:
    """A metric with its interval, as text."""
    if metric is None or metric.value is None:
        return "–"
    if metric.low is None or metric.high is None:
        return number(metric.value)
    return f"{number(metric.value)} ({number(metric.low)}–{number(metric.high)})"
