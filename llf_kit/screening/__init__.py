"""Stage 4: samples get a reason to be rejected, or are marked as duplicates. Nothing is dropped here."""

from __future__ import annotations

import polars as pl

from llf_kit.screening import duplicates, validity

__all__ = ["screen"]


def screen(samples: pl.LazyFrame) -> pl.LazyFrame:
    """The stage: LazyFrame of samples → ``reason`` filled, ``duplicate`` added."""
    return duplicates.stage(validity.stage(samples))
