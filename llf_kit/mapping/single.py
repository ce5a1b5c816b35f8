"""A question and its answer, each in a column of its own; a context is put under the question."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from llf_kit.schema import ASSISTANT, USER


def stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages`` (two of them) and ``system`` (null)."""
    raw = pl.col("raw").struct
    question = raw.field(columns["question"])
    if "context" in columns:  # LLaMA-Factory joins instruction and input the same way
        question = pl.concat_str(question, raw.field(columns["context"]), separator="\n", ignore_nulls=True)
    user = pl.struct(role=pl.lit(USER), content=question)
    assistant = pl.struct(role=pl.lit(ASSISTANT), content=raw.field(columns["answer"]))
    return rows.with_columns(messages=pl.concat_list(user, assistant), system=pl.lit(None, dtype=pl.String))
