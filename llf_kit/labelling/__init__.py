"""Sub-scenario labels: from a column, else from keywords, else from what was learnt of the labelled rows.

What nobody knows stays without a label; no row gets another label than the one its column gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from llf_kit.labelling import rules
from llf_kit.labelling.classifier import CONFIDENCE, Classifier, train
from llf_kit.schema import NOTHING

__all__ = ["CONFIDENCE", "LABELLED", "Classifier", "stage", "train"]

LABELLED = "labelled"


def stage(samples: pl.LazyFrame, keywords: Mapping[str, Sequence[str]]) -> pl.LazyFrame:
    """LazyFrame of samples → ``label`` filled where keywords tell it, and ``labelled`` added: who gave it.

    ``labelled`` is ``column``, ``keywords``, or null where there is no label yet.
    """
    label = pl.col("label")
    given = samples.with_columns(label=pl.when(~label.str.contains(NOTHING)).then(label))
    told = rules.label(keywords) if keywords else pl.lit(None, dtype=pl.String)
    return given.with_columns(told.alias(LABELLED)).with_columns(
        pl.coalesce("label", LABELLED).alias("label"),
        pl.when(label.is_not_null())
        .then(pl.lit("column"))
        .when(pl.col(LABELLED).is_not_null())
        .then(pl.lit("keywords"))
        .alias(LABELLED),
    )
