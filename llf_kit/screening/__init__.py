"""Stage 4: samples get a reason to be rejected, or are marked as duplicates. Nothing is dropped here."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from llf_kit.screening import duplicates, validity

__all__ = ["screen"]


def screen(samples: pl.LazyFrame, unfit: Callable[[pl.Expr], pl.Expr]) -> pl.LazyFrame:
    """The stage: LazyFrame of samples → ``reason`` filled, ``duplicate`` added; ``unfit`` is the output format's."""
    return duplicates.stage(validity.stage(samples, unfit))
