"""What the page and the sheet say, in the language of their reader."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from llf_kit.project import read_yaml, shipped

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def words(language: Language) -> dict[str, Any]:
    """The texts by their names."""
    found: dict[str, Any] = read_yaml(shipped("templates") / "quality" / "words.yaml")[language]
    return found
