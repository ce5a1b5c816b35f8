"""A power of ten whose exponent has fallen to the line: ``×109/L``. Cleaning mends it where the context proves it."""

from __future__ import annotations

import polars as pl

from llf_kit.screening.laboratory.evidence import Evidence, flagged

LOST = "lost superscript"
KINDS = {LOST: "上标丢失"}

_LOST = (
    r"[×xX✕*][ \t]?10(?:[3-9]|1[0-2])[ \t]?[/／]"  # ×109/L, x 106/ml
    r"|(?:^|[^0-9.,^*])10(?:9|12)[ \t]?[/／][ \t]?[LlＬ升]"  # 5.0 109/L: nobody counts a hundred and nine a litre
    r"|[×xX✕][ \t]?10[-−–][0-9]{1,2}[ \t]?(?:mol|[/／][LlＬ])"  # ×10-9 mol/L
)


def check(evidence: Evidence) -> pl.DataFrame:
    """Powers of ten without their superscript."""
    # a plain string first: to look for one costs a third of a pattern
    turns = evidence.numbered.filter(pl.col("content").str.contains("10", literal=True))
    turns = turns.filter(pl.col("content").str.contains(_LOST))
    return flagged(turns, LOST, pl.col("content").str.extract(f"({_LOST})", 1).str.strip_chars(" \t，,；;：:"))
