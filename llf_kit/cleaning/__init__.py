"""Stage 3: samples are cleaned. Text first, identifiers after it, so that no stray character hides a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit.cleaning import identifiers, rows, text
from llf_kit.errors import UsageError, did_you_mean

__all__ = ["Cleaned", "as_converted", "check", "clean", "identifiers", "text"]


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
    signs = [style.sign, text.SIGN, *([] if policy.mode == "off" else [identifiers.SIGN])]

    def work(some: rows.Rows) -> None:
        plain = text.clean(some.texts[: some.plain], style, done.changes)
        for kind, is_so in text.flags(plain).items():
            for number in set(some.numbers[: some.plain].filter(is_so)):
                some.flag(number, kind)
        some.texts = pl.concat([plain, some.texts[some.plain :]])
        if policy.mode != "off":
            identifiers.rewrite(some, policy, done.found)

    return rows.stage(samples, "|".join(signs), work)


def as_converted(samples: pl.LazyFrame, record: Mapping[str, Any], private: Path, done: Cleaned) -> pl.LazyFrame:
    """:func:`clean` with the choices of an earlier conversion: a person, or a model, may write a name, too.

    ``record`` is its summary (see :mod:`llf_kit.registered.converted`), empty where there is none: then identifiers are
    masked. They are masked, too, where it rejected rows that hold some: whoever gives these has decided to keep them.
    """
    mode = record.get("identifiers", "mask")
    policy = identifiers.policy("mask" if mode == "reject" else mode, private, keep=True)
    return clean(samples, text.Style(record.get("notation", "keep"), record.get("script")), policy, done)
