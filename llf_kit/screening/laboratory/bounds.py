"""A value that cannot be: a slip of unit or decimal point. The bounds lie far outside of any disease."""

from __future__ import annotations

import polars as pl

from llf_kit.screening.laboratory.evidence import Evidence, flagged, value

VALUE = "value is implausible"
INTERVAL = "interval is implausible"
KINDS = {VALUE: "数值不合理", INTERVAL: "区间不合理"}


def check(evidence: Evidence) -> pl.DataFrame:
    """Values and ends of intervals out of bounds; without a unit, those that are so in every usual unit."""
    # another check tells of a unit that is not one of the analyte's
    sure = pl.col("sure") & (pl.col("unit").is_null() | pl.col("usual"))
    least, most = (pl.when(pl.col("unit").is_null()).then(end).otherwise("factor") for end in ("least", "most"))
    comparator = pl.col("comparator").fill_null("")
    # `<0.01` and an interval from 0 are open below, `>100` is open above
    below = ~comparator.str.starts_with("<") & ~((pl.col("low") == 0) & pl.col("high").is_not_null())
    below &= pl.col("low") * most < pl.col("bound_low")
    above = ~comparator.str.starts_with(">") & (pl.max_horizontal("low", "high") * least > pl.col("bound_high"))
    found = evidence.quantities.filter(sure & (below | above))
    one = pl.col("high").is_null()
    return pl.concat([flagged(found.filter(one), VALUE, value()), flagged(found.filter(~one), INTERVAL, value())])
