"""A result without a unit, or in one that nobody uses for that analyte."""

from __future__ import annotations

import polars as pl

from llf_kit.quantities import analytes, by_key, patterns
from llf_kit.quantities import units as all_units
from llf_kit.screening.laboratory.evidence import Evidence, flagged, value

MISSING = "number without a unit"
STRANGE = "unit that this analyte is not given in"
KINDS = {MISSING: "数值没有单位", STRANGE: "该项目不用此单位"}

# Shares, times and the like stand behind the name of an analyte for other reasons: `血小板下降 50%`.
_OF_RESULTS = (
    "mass concentration",
    "amount concentration",
    "charge concentration",
    "activity concentration",
    "number concentration",
)
_CONCENTRATIONS = [unit.ucum for unit in all_units().values() if unit.dimension in _OF_RESULTS]
_BARE = {"1", "{INR}", "[pH]", "{titer}", "{S/CO}"}
_WITH_UNIT = [analyte.key for analyte in analytes() if not _BARE & set(analyte.units)]
# That a text may name a unit; those without a stroke stand beside numbers only.
_SIGNS = ("[/%]", "／|％|秒|毫")
_SIGNS_IN_NUMBERS = ("mm ?[Hh]g|kPa|fL|fl|FL|pg|[0-9][ ]?[sS]",)


def check(evidence: Evidence) -> pl.DataFrame:
    """Results whose unit is missing or strange."""
    found = evidence.quantities.filter(pl.col("analyte").is_not_null())
    missing = pl.col("sure") & pl.col("unit").is_null() & pl.col("analyte").is_in(_WITH_UNIT)
    strange = ~pl.col("weak") & ~pl.col("other") & ~pl.col("usual") & pl.col("unit").is_in(_CONCENTRATIONS)
    detail = pl.concat_str(value(), pl.lit(": usually "), "units")
    return pl.concat(
        [
            flagged(_never_said(found.filter(missing), evidence), MISSING, detail),
            flagged(found.filter(strange), STRANGE, detail),
        ]
    )


def _never_said(found: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Those whose conversation names no unit of theirs: `总胆固醇 5.2、甘油三酯 2.2（mmol/L）` is clear enough."""
    turns = pl.concat([_with(evidence.turns, _SIGNS), _with(evidence.numbered, _SIGNS_IN_NUMBERS)])
    clear = found.join(turns, on="row", how="semi").select("row", "analyte").unique()
    clear = clear.join(turns.select("row", "content"), on="row")
    said = [
        part.filter(pl.col("content").str.contains(patterns.written(by_key()[str(analyte)].units)))
        for (analyte,), part in clear.group_by("analyte")
    ]
    return found.join(pl.concat(said), on=["row", "analyte"], how="anti", maintain_order="left") if said else found


def _with(turns: pl.DataFrame, signs: tuple[str, ...]) -> pl.DataFrame:
    return turns.filter(pl.any_horizontal(pl.col("content").str.contains(sign) for sign in signs))
