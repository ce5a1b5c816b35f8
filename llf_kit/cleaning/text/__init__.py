"""What may be changed in laboratory text without changing what it says: explicit tables and rules, each counted.

Never NFKC: it turns ``10⁹/L`` into ``109/L`` and full-width Chinese punctuation into ASCII.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from llf_kit.cleaning.text import characters, debris, notation, script
from llf_kit.cleaning.text.changes import Changes
from llf_kit.cleaning.text.notation import NOTATIONS
from llf_kit.cleaning.text.rules import Rule
from llf_kit.cleaning.text.script import SCRIPTS

__all__ = ["NOTATIONS", "SCRIPTS", "SIGN", "Changes", "Style", "clean", "flags"]

DAMAGED = "damaged characters"
LOST = "lost superscript"

_DAMAGE = "\ufffd"
# White space around a text goes too, without being counted.
SIGN = rf"^[ \t\n]|[ \t\n]$|{_DAMAGE}|{notation.DOUBTFUL}"


@dataclass(frozen=True)
class Style:
    """What is a matter of choice: the notation of powers, and the Chinese script (None: as it is)."""

    notation: str = "keep"
    script: str | None = None

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order that lets each find what it looks for."""
        chosen = (script.rule(self.script),) if self.script else ()
        return (*debris.RULES, *characters.RULES, *notation.rules(self.notation), *chosen)

    @cached_property
    def sign(self) -> str:
        """What stands in every text that a rule may change."""
        return "|".join(f"(?:{rule.sign})" for rule in self.rules)


def clean(texts: pl.Series, style: Style, changes: Changes) -> pl.Series:
    """Texts by every rule, without white space around them; ``changes`` counts."""
    places = texts.str.contains(style.sign).fill_null(False).arg_true()
    if places.is_empty():
        return texts.str.strip_chars()
    some = texts.gather(places)
    for rule in style.rules:
        found = some.str.contains(rule.sign).arg_true()
        if found.is_empty():
            continue
        before = some.gather(found)
        after = rule.change(before)
        changes.note(rule.name, before, after)
        some = some.scatter(found, after)
    return texts.clone().scatter(places, some).str.strip_chars()


def flags(texts: pl.Series) -> dict[str, pl.Series]:
    """What a person should look at, and where it is so."""
    return {DAMAGED: texts.str.contains(_DAMAGE, literal=True), LOST: texts.str.contains(notation.DOUBTFUL)}
