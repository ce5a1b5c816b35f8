"""Preference pairs in Alpaca's columns: one question, the ``chosen`` answer and the ``rejected`` one."""

from __future__ import annotations

import polars as pl

from llf_kit.formats import layout
from llf_kit.schema import DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``instruction, input, system, history, chosen, rejected, label``."""
    answers = {"chosen": layout.last(), "rejected": pl.col("rejected")}
    return samples.select(**layout.alpaca(), **answers, label=layout.text("label"))


def unfit(word: pl.Expr) -> pl.Expr:
    """Why a sample cannot be written so."""
    return pl.coalesce(layout.plain_text(word), layout.tool_calls(word), layout.bad(), layout.no_pair())


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    columns = {**layout.ALPACA_COLUMNS, "chosen": "chosen", "rejected": "rejected"}
    return DatasetEntry(name, file_name, "alpaca", columns, ranking=True)
