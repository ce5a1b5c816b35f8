"""What may be changed in laboratory text without changing what it says: explicit tables and rules, each counted.

Never NFKC: it turns ``10⁹/L`` into ``109/L`` and full-width Chinese punctuation into ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from llf_kit.cleaning import sparing
from llf_kit.cleaning.text import characters, debris, notation, script
from llf_kit.cleaning.text.changes import Changes
from llf_kit.cleaning.text.notation import NOTATIONS
from llf_kit.cleaning.text.rules import Rule
from llf_kit.cleaning.text.script import SCRIPTS
from llf_kit.schema import FLAG

__all__ = ["NOTATIONS", "SCRIPTS", "Changes", "Style", "clean", "stage"]

DAMAGED = "damaged characters"
LOST = "a superscript may be lost"

_DAMAGE = "\ufffd"


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
    """Texts by every rule; ``changes`` counts."""
    for rule in style.rules:
        found = texts.str.contains(rule.sign)
        if not found.any():
            continue
        places = found.arg_true()
        before = texts.gather(places)
        after = rule.change(before)
        changes.note(rule.name, before, after)
        texts = texts.clone().scatter(places, after)
    return texts


def stage(samples: pl.LazyFrame, style: Style, changes: Changes) -> pl.LazyFrame:
    """LazyFrame of samples → the same columns with their texts cleaned, and ``flags`` for what a person should see."""

    def cleaned(content: pl.Expr) -> pl.Expr:
        change = sparing.change(content, style.sign, lambda texts: clean(texts, style, changes))
        return change.str.strip_chars()

    message = pl.element().struct
    content = message.field("content")
    done = samples.with_columns(
        *(cleaned(pl.col(name)) for name in ("system", "label", "rejected")),
        messages=pl.col("messages").list.eval(message.with_fields(cleaned(content).alias("content"))),
    )
    return done.with_columns(flags=_flags())


def _flags() -> pl.Expr:
    content = pl.element().struct.field("content")
    signs = {DAMAGED: _DAMAGE, LOST: notation.DOUBTFUL}
    found = [
        pl.any_horizontal(
            pl.col("messages").list.eval(content.str.contains(sign)).list.any(),
            pl.col("system").str.contains(sign),
            pl.col("rejected").str.contains(sign),
        ).fill_null(False)
        for sign in signs.values()
    ]

    def flagged(columns: Sequence[pl.Series]) -> pl.Series:
        if not any(column.any() for column in columns):
            return pl.Series([[]], dtype=pl.List(FLAG)).new_from_index(0, len(columns[0]))
        rows = zip(*(column.to_list() for column in columns), strict=True)
        kinds = [
            [{"kind": kind, "detail": ""} for kind, is_so in zip(signs, row, strict=True) if is_so] for row in rows
        ]
        return pl.Series(kinds, dtype=pl.List(FLAG))

    return pl.map_batches(found, flagged, return_dtype=pl.List(FLAG), is_elementwise=True)
