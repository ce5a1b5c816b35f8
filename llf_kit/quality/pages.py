"""The page: one file that loads nothing, every text escaped, in Chinese or English."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from llf_kit import pages
from llf_kit.quality import Report
from llf_kit.quality.rows import masked
from llf_kit.quality.words import named, words

_MOST = 50  # contradictions, clusters and leaks that are shown one by one


def html(report: Report) -> str:
    """The page of ``report``."""
    data = report.figures
    record = data["conversion"] or {}
    written = record.get("rows", {}).get("train")
    targets = [one["target"] for one in data["labels"] if one["target"] is not None]
    return pages.html(
        "quality/page.html.j2",
        {
            "data": data,
            "w": words(report.language),
            "language": report.language,
            "changed": written if written not in (None, data["rows"]) else None,
            "targeted": bool(targets),
            "summed": sum(targets),
            "most": _MOST,
            "bars": _bars,
            "percent": "{:.1%}".format,
        },
        masked=masked,
        named=lambda text: named(text, report.language),
        plain_files=_plain_files,
    )


def _bars(histogram: dict[str, Any]) -> list[dict[str, Any]]:
    """What a bar is called, and how high it is; the last has no end."""
    begins = histogram["from"]
    ends = [f"{begin}–{end - 1}" for begin, end in pairwise(begins)]
    last = f"{begins[-1]}–100" if begins[-1] == 90 else f"≥ {begins[-1]}"
    return [{"from": name, "rows": rows} for name, rows in zip((*ends, last), histogram["rows"], strict=True)]


def _plain_files(decision: str) -> str:
    """How a file was read, without the folders that it lies in: they may bear a person's name."""
    files, colon, rest = decision.partition(": ")
    return re.sub(r"[^,\s]*[/\\\\]", "", files) + colon + rest
