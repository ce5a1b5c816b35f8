"""The page: one file that loads nothing, every text escaped, in Chinese or English."""

from __future__ import annotations

from typing import Any

from llf_kit.quality import Report
from llf_kit.quality.rows import masked
from llf_kit.quality.words import words
from llf_kit.templating import environment

_MOST = 50  # contradictions, clusters and leaks that are shown one by one
_LONG = 1200  # characters of a text that are shown


def html(report: Report) -> str:
    """The page of ``report``."""
    data = report.figures
    record = data["conversion"] or {}
    written = record.get("rows", {}).get("train")
    made = environment()
    made.filters["shortened"] = _shortened
    made.filters["masked"] = masked
    return made.get_template("quality/page.html.j2").render(
        data=data,
        w=words(report.language),
        changed=written if written not in (None, data["rows"]) else None,
        targeted=any(one["target"] is not None for one in data["labels"]),
        most=_MOST,
        bars=_bars,
        percent="{:.1%}".format,
    )


def _bars(histogram: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"from": begin, "rows": rows} for begin, rows in zip(histogram["from"], histogram["rows"], strict=True)]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONG else text[:_LONG] + " …"
