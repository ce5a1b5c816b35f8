"""Stage 3: samples are cleaned. Text first, identifiers after it, so that no stray character hides a number."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from llf_kit.cleaning import identifiers, rows, text
from llf_kit.errors import UsageError, did_you_mean

__all__ = ["Cleaned", "check", "clean", "identifiers", "text"]


def _places(shown: str) -> list[tuple[int, int]]:
    return [(hit.start, hit.end) for hit in identifiers.find(shown)]


@dataclass
class Cleaned:
    """What cleaning did, filled while the pipeline runs."""

    changes: text.Changes = field(default_factory=lambda: text.Changes(private=_places))
    found: identifiers.Found = field(default_factory=identifiers.Found)

    def clear(self) -> None:
        """Forget all: the pipeline runs again."""
        self.changes.clear()
        self.found.clear()


def check(mode: str, notation: str, script: str | None) -> None:
    """Raise UsageError where a choice is none."""
    choices = (
        ("identifiers", mode, identifiers.MODES),
        ("notation", notation, text.NOTATIONS),
        ("script", script, (None, *text.SCRIPTS)),
    )
    problems = [
        f"--{name} {chosen!r}: there is no such choice. {did_you_mean(str(chosen), [one for one in known if one])}"
        for name, chosen, known in choices
        if chosen not in known
    ]
    if problems:
        raise UsageError(*problems)


def clean(samples: pl.LazyFrame, style: text.Style, policy: identifiers.Policy, done: Cleaned) -> pl.LazyFrame:
    """The stage: LazyFrame of samples → the same columns, cleaned, and ``flags``; ``done`` counts as it runs."""
    signs = (style.sign,) if policy.mode == "off" else (style.sign, identifiers.SIGN)

    def work(some: rows.Rows) -> None:
        plain = text.clean(some.texts[: some.plain], style, done.changes)
        for kind, is_so in text.flags(plain).items():
            for number in set(some.numbers[: some.plain].filter(is_so)):
                some.flag(number, kind)
        some.texts = pl.concat([plain, some.texts[some.plain :]])
        if policy.mode != "off":
            identifiers.rewrite(some, policy, done.found)

    return rows.stage(samples, "|".join(signs), work)
