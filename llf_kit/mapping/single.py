"""A question and its answer, each in a column of its own; a context is put under the question."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from llf_kit.schema import ASSISTANT, USER


def stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages`` (two of them) and ``system`` (null)."""
    raw = pl.col("raw").struct
    question = raw.field(columns["question"])
    parts = [question]
    if "title" in columns:  # left out where the question repeats it
        title = raw.field(columns["title"])
        repeated = question.str.contains(title.str.strip_chars(), literal=True).fill_null(False)
        parts.insert(0, pl.when(~repeated).then(title))
    if "context" in columns:  # LLaMA-Factory joins instruction and input the same way
        parts.append(raw.field(columns["context"]))
    if len(parts) > 1:
        asked = pl.concat_str(parts, separator="\n", ignore_nulls=True)
        question = pl.when(asked != "").then(asked)
    user = pl.struct(role=pl.lit(USER), content=question)
    assistant = pl.struct(role=pl.lit(ASSISTANT), content=raw.field(columns["answer"]))
    # Not `concat_list`, which builds a list of structures value by value and took a third of a whole conversion.
    messages = pl.concat_arr(user, assistant).arr.to_list()
    return rows.with_columns(messages=messages, system=pl.lit(None, dtype=pl.String))
