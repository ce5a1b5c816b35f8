"""What a laboratory would want a person to look at. No text is changed, no row is rejected.

The numbers behind the checks are those of :mod:`llf_kit.quantities`; the Chinese wording of each kind is in ``KINDS``.
"""

from __future__ import annotations

import polars as pl

from llf_kit.batches import through
from llf_kit.quantities import Analyte, analytes
from llf_kit.schema import FLAG
from llf_kit.screening.laboratory import arrows, bounds, critical, intervals, loinc, options, superscripts, units
from llf_kit.screening.laboratory.contradictions import contradictions
from llf_kit.screening.laboratory.evidence import FLAGGED, Check, Evidence

__all__ = ["CHECKS", "KINDS", "Analyte", "analytes", "contradictions", "stage"]

# A check a file; each has its kinds of finding in English and Chinese, and ``check``.
_FILES = (superscripts, units, bounds, intervals, arrows, critical, loinc, options)
CHECKS: tuple[Check, ...] = tuple(file.check for file in _FILES)
# At once: the engine makes its automata of all names and units anew for each batch, which takes as long as 10,000 rows.
_ROWS = 50_000
KINDS: dict[str, str] = {kind: chinese for file in _FILES for kind, chinese in file.KINDS.items()}


def stage(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``flags`` (List[FLAG]) added, or longer: a flag a finding."""
    schema = samples.collect_schema()

    def add(batch: pl.DataFrame) -> pl.DataFrame:
        flags = pl.lit(_flags(batch["messages"]))
        # where there are some already: to join lists takes as long as all the checks
        if "flags" in schema and (batch["flags"].list.len() > 0).any():
            flags = pl.concat_list(pl.col("flags").fill_null([]), flags)
        return batch.with_columns(flags=flags)

    return through(samples, lambda: add, {**schema, "flags": pl.List(FLAG)}, _ROWS)


def _flags(messages: pl.Series) -> pl.Series:
    """The findings of each conversation of a batch, an empty list where there are none."""
    evidence = Evidence.of(messages)
    found = pl.concat([pl.DataFrame(schema=FLAGGED), *(check(evidence) for check in CHECKS)])
    by_row = found.group_by("row").agg(flags=pl.struct(*FLAG.to_schema()).unique(maintain_order=True))
    rows = pl.DataFrame({"row": pl.arange(len(messages), dtype=pl.UInt32, eager=True)})
    return rows.join(by_row, on="row", how="left", maintain_order="left")["flags"].fill_null([])
