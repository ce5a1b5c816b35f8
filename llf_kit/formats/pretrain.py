"""Pretraining: one ``text`` a row. A conversation becomes its turns, a line each, under its system prompt."""

from __future__ import annotations

import polars as pl

from llf_kit.formats import layout
from llf_kit.schema import DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``text, label``."""
    turns = pl.col("messages").list.eval(pl.element().struct.field("content")).list.join("\n")
    return samples.select(
        text=pl.concat_str("system", turns, separator="\n", ignore_nulls=True), label=layout.text("label")
    )


def unfit(word: pl.Expr) -> pl.Expr:
    """Why a sample cannot be written so."""
    return pl.coalesce(layout.tool_calls(word), layout.bad())


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    return DatasetEntry(name, file_name, "alpaca", {"prompt": "text"})
