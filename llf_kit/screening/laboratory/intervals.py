"""An interval whose ends are swapped."""

from __future__ import annotations

import polars as pl

from llf_kit.screening.laboratory.evidence import Evidence, flagged, value, written

REVERSED = "interval is reversed"
KINDS = {REVERSED: "区间上下限颠倒"}


def check(evidence: Evidence) -> pl.DataFrame:
    """Intervals with a unit or an analyte, and reference intervals, whose low end is above the high one.

    `从 6.8 到 4.2 mmol/L` is a fall, and `10-9 mol/L` a power of ten.
    """
    fell = pl.col("change") | (pl.col("analyte").is_null() & pl.col("written").str.contains("至|到|to"))
    power = (pl.col("low") == 10) & pl.col("unit").fill_null("").str.ends_with("mol/L")
    # shares, times and pressures stand in rules and in blood pressures too: `4-1s`
    meant = (pl.col("unit").is_not_null() & ~pl.col("unit").is_in(["mm[Hg]", "kPa", "s", "ms", "%"])) | pl.col("sure")
    falling = evidence.quantities.filter(pl.col("low") > pl.col("high"))
    swapped = meant & ~pl.col("other") & ~fell & ~power
    behind = pl.col("reference_low") > pl.col("reference_high")
    ends = pl.concat_str(pl.lit("reference "), written("reference_low"), pl.lit("–"), written("reference_high"))
    both = pl.concat_str("name", ends, separator=" ", ignore_nulls=True)
    return pl.concat(
        [
            flagged(falling.filter(swapped), REVERSED, value()),
            flagged(evidence.quantities.filter(behind), REVERSED, both),
        ]
    )
