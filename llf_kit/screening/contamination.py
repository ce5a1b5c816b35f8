"""Rows that must not be trained on because a test asks the same: a test set, probes, a public benchmark.

A row is such a one where any question of it is the same as a known one, or a near duplicate (see :mod:`.near`): alike
by at least 0.8, with the same facts. The row is rejected, and its reason names the place of the known question.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from llf_kit.batches import through
from llf_kit.schema import TEXT, USER
from llf_kit.screening import near

THRESHOLD = 0.8
_GREETING = 4  # a first question shorter than this says nothing by itself where others follow it
REASON = "it stands in "


def questions(samples: pl.LazyFrame) -> pl.DataFrame:
    """What the samples of a test set ask: ``place`` (``source:row``) and ``question``, one a sample that asks."""
    asked = _asked()
    telling = asked.list.eval(pl.element().filter(pl.element().str.len_chars() >= _GREETING)).list.first()
    place = pl.concat_str("source", "row", separator=":")
    found = samples.select(place=place, question=pl.coalesce(telling, asked.list.first()))
    return found.filter(pl.col("question").str.strip_chars() != "").collect(engine="streaming")


def _asked() -> pl.Expr:
    asks = pl.element().struct.field("role").is_in([USER, TEXT])
    return pl.col("messages").list.eval(pl.element().filter(asks).struct.field("content"))


def stage(samples: pl.LazyFrame, known: pl.DataFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``reason`` set where a row asks what is ``known`` (see :func:`questions`)."""

    def begin() -> Callable[[pl.DataFrame], pl.DataFrame]:
        index = near.Known(known["question"], THRESHOLD)

        def reject(batch: pl.DataFrame) -> pl.DataFrame:
            rows = batch.with_row_index("batch row").filter(pl.col("reason").is_null())
            turns = rows.select("batch row", question=_asked()).explode("question").drop_nulls()
            found = turns.with_columns(known=index.find(turns["question"])).drop_nulls()
            first = found.group_by("batch row").agg(pl.col("known").min())
            reason = pl.format("{}{}", pl.lit(REASON), known["place"].gather(first["known"]))
            reasons = first.select("batch row", found=reason)
            joined = batch.with_row_index("batch row").join(reasons, on="batch row", how="left", maintain_order="left")
            return joined.with_columns(reason=pl.coalesce("reason", "found")).drop("batch row", "found")

        return reject

    return through(samples, begin, samples.collect_schema())
