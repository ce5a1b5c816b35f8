"""Stage 3: samples are cleaned. Text first, identifiers after it, so that no stray character hides a number."""

from __future__ import annotations

from collections import Counter

import polars as pl

from llf_kit.cleaning import identifiers, text

__all__ = ["clean"]


def clean(samples: pl.LazyFrame, masked: Counter[str], mask: bool = True) -> pl.LazyFrame:
    """The stage: LazyFrame of samples → the same columns, cleaned; ``masked`` counts identifiers by kind as it runs."""
    cleaned = text.stage(samples)
    return identifiers.stage(cleaned, masked) if mask else cleaned
