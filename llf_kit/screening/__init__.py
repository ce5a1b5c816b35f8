"""Stage 4: samples get a reason to be rejected, or are marked as duplicates. Nothing is dropped here."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from llf_kit.screening import contamination, duplicates, near, validity

__all__ = ["contamination", "near", "screen"]


def screen(
    samples: pl.LazyFrame, unfit: Callable[[pl.Expr], pl.Expr], known: pl.DataFrame | None = None
) -> pl.LazyFrame:
    """The stage: LazyFrame of samples → ``reason`` filled, ``duplicate`` added.

    ``unfit`` is the output format's; ``known`` is what tests ask (see :func:`contamination.questions`).
    """
    screened = validity.stage(samples, unfit)
    if known is not None:
        screened = contamination.stage(screened, known)
    return duplicates.stage(screened)
