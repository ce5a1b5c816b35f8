"""What the page and the sheet say, in the language of their reader."""

from __future__ import annotations

from typing import Any

from llf_kit import pages
from llf_kit.schema import LANGUAGES, Language

__all__ = ["LANGUAGES", "Language", "named", "words"]


def words(language: Language) -> dict[str, Any]:
    """The texts by their names."""
    return pages.words("quality", language)


def named(text: str, language: Language) -> str:
    """What the tool itself calls a thing (a reason, a set, an origin), in the language of the reader.

    A phrase that begins like a known one keeps its rest, such as the figure in ``a score below 60``.
    """
    known: dict[str, str] = words(language).get("named", {})
    for phrase, said in known.items():
        if text == phrase or text.startswith(f"{phrase} "):
            return said + text[len(phrase) :]
    return text
