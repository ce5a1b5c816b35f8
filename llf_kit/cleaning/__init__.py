"""Stage 3: samples are cleaned. Text first, identifiers after it, so that no stray character hides a number."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from llf_kit.cleaning import identifiers, text

__all__ = ["Cleaned", "clean", "identifiers", "text"]


@dataclass
class Cleaned:
    """What cleaning did, filled while the pipeline runs."""

    changes: text.Changes = field(
        default_factory=lambda: text.Changes(private=lambda shown: bool(identifiers.find(shown)))
    )
    found: identifiers.Found = field(default_factory=identifiers.Found)

    def clear(self) -> None:
        """Forget all: the pipeline runs again."""
        self.changes.clear()
        self.found.clear()


def clean(samples: pl.LazyFrame, style: text.Style, policy: identifiers.Policy, done: Cleaned) -> pl.LazyFrame:
    """The stage: LazyFrame of samples → the same columns, cleaned, and ``flags``; ``done`` counts as it runs."""
    cleaned = text.stage(samples, style, done.changes)
    return cleaned if policy.mode == "off" else identifiers.stage(cleaned, policy, done.found)
