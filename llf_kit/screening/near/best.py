"""Which row of a cluster of near duplicates stays."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from llf_kit.schema import ASSISTANT

_SCORE = "score"  # of quality, where the rows were scored
# How an answer ends that was cut off: in the middle of a sentence, of a bracket, or in dots.
_CUT = r"(?:[,，、:：;；(（\[【{<《…—]|\.\.\.)\s*$"


def ranked(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What a row is judged by, of rows with a ``place``: its score, whether its answer is whole, and its length."""
    said = pl.element().filter(pl.element().struct.field("role") == ASSISTANT).struct.field("content")
    answers = pl.col("messages").list.eval(said).list.join("\n")
    score = pl.col(_SCORE).cast(pl.Float64) if _SCORE in rows.collect_schema() else pl.lit(None, dtype=pl.Float64)
    return rows.select("place", score=score, whole=~answers.str.contains(_CUT), length=answers.str.len_chars())


def listing(clusters: Sequence[Sequence[int]], judged: pl.DataFrame) -> pl.DataFrame:
    """``cluster`` (from 1), ``place`` and ``kept`` of every row of the clusters, the one that stays first in each.

    It is the one with the highest score, else the longest whole answer, else the first.
    """
    numbers = [number for number, cluster in enumerate(clusters, start=1) for _ in cluster]
    places = [place for cluster in clusters for place in cluster]
    members = pl.DataFrame({"cluster": numbers, "place": places}, schema={"cluster": pl.UInt32, "place": pl.UInt32})
    rows = members.join(judged, on="place").sort(
        *("cluster", "score", "whole", "length", "place"), descending=[False, True, True, True, False], nulls_last=True
    )
    return rows.select("cluster", "place", kept=pl.col("cluster").is_first_distinct())
