"""The scales that answers are scored by, from 1 to 5, and the words of the sheets: one place for people and judges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from llf_kit.project import read_yaml, shipped
from llf_kit.schema import Language

LOWEST, HIGHEST = 1, 5
SCORES = range(LOWEST, HIGHEST + 1)

# What a rater may choose besides one of the answers.
SAME = "same"
NEITHER = "neither"


@dataclass(frozen=True)
class Scale:
    """One thing that is scored: its key, and its name and meaning in the language of the reader."""

    key: str
    name: str
    means: str


def scales(who: Literal["people", "judge"], language: Language) -> list[Scale]:
    """What ``who`` is asked about an answer, in the order of templates/evaluation/rubric.yaml."""
    return [
        Scale(key, scale[language], scale[f"means_{language}"])
        for key, scale in _rubric()["scales"].items()
        if who in scale["of"]
    ]


def levels(language: Language) -> dict[int, str]:
    """What each score stands for, the best first."""
    found: dict[int, str] = _rubric()["levels"][language]
    return found


@cache
def words(language: Language) -> dict[str, Any]:
    """The texts of the sheets by their names."""
    found: dict[str, Any] = read_yaml(shipped("templates") / "evaluation" / "review.yaml")[language]
    return found


@cache
def _rubric() -> dict[str, Any]:
    return read_yaml(shipped("templates") / "evaluation" / "rubric.yaml")
