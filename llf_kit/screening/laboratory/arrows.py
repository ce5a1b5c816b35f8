"""An arrow that says the contrary of value and interval."""

from __future__ import annotations

import polars as pl

from llf_kit.screening.laboratory.evidence import Evidence, flagged, value, written

CONTRARY = "arrow contradicts value and interval"
KINDS = {CONTRARY: "箭头与数值、区间不符"}


def check(evidence: Evidence) -> pl.DataFrame:
    """Values with an arrow and a reference interval right behind them, in one unit."""
    low, high = pl.col("reference_low"), pl.col("reference_high")
    one_unit = (pl.col("unit") == pl.col("reference_unit")).fill_null(True)
    judged = pl.col("high").is_null() & pl.col("comparator").is_null() & ~pl.col("other") & (low < high) & one_unit
    contrary = ((pl.col("arrow") == "↑") & (pl.col("low") <= high)) | (
        (pl.col("arrow") == "↓") & (pl.col("low") >= low)
    )
    ends = (written("reference_low"), pl.lit("–"), written("reference_high"))
    detail = pl.concat_str(value(), pl.lit(" "), "arrow", pl.lit(" in "), *ends)
    return flagged(evidence.quantities.filter(judged & contrary), CONTRARY, detail)
