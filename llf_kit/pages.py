"""Pages of one file that load nothing: what they say, in the language of their reader, and the texts that they show."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from llf_kit.project import read_yaml, shipped
from llf_kit.schema import Language
from llf_kit.templating import environment

LONG = 1200  # characters of a text that are shown

# What no page may hold: halves of characters, which cannot be written, and controls, which are no text
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@cache
def words(room: str, language: Language) -> dict[str, Any]:
    """The texts of ``templates/ROOM/words.yaml`` by their names."""
    found: dict[str, Any] = read_yaml(shipped("templates") / room / "words.yaml")[language]
    return found


def html(template: str, values: dict[str, Any], **filters: Any) -> str:
    """The page that ``template`` makes of ``values``; every text escaped, ``filters`` beside those of all templates."""
    made = environment()
    made.filters["shortened"] = shortened
    made.filters.update(filters)
    return _NO_TEXT.sub("\ufffd", made.get_template(template).render(values))


def shortened(text: str) -> str:
    """The beginning of a text that is longer than a page should show."""
    return text if len(text) <= LONG else text[:LONG] + " …"
