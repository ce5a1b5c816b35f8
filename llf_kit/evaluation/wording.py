"""What comparisons and verdicts say, in Chinese and English; the texts stand in ``templates/evaluation/``."""

from __future__ import annotations

from functools import cache
from typing import Any

from llf_kit.project import read_yaml, shipped

LANGUAGES = ("zh", "en")


def said(text: str, language: str, /, **values: Any) -> str:
    """The ``text`` of that name with its values filled in."""
    return str(_texts()[language][text]).format(**values)


def listed(items: list[str], language: str) -> str:
    """Items as a list within a sentence."""
    return ("、" if language == "zh" else ", ").join(items)


def number(value: float | None) -> str:
    """A figure as people read it: two digits after the point below 10, one above."""
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def signed(value: float | None) -> str:
    """A difference, always with its sign."""
    return "–" if value is None else f"{'+' if value >= 0 else '−'}{number(abs(value))}"


def chance(p: float | None) -> str:
    """A p value as it is reported: never zero."""
    if p is None:
        return "= –"
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


@cache
def _texts() -> dict[str, dict[str, str]]:
    return read_yaml(shipped("templates") / "evaluation" / "compare.yaml")
