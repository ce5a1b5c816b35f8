"""KTO: Alpaca's columns, and ``kto_tag``: whether the answer was judged good."""

from __future__ import annotations

import polars as pl

from llf_kit.formats import layout
from llf_kit.schema import DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``instruction, input, system, history, output, kto_tag, label``."""
    return samples.select(
        **layout.alpaca(), output=layout.last(), kto_tag=pl.col("desirable"), label=layout.text("label")
    )


def unfit(word: pl.Expr) -> pl.Expr:
    """Why a sample cannot be written so."""
    unmarked = pl.when(pl.col("desirable").is_null()).then(pl.lit("no mark that says whether its answer is good"))
    return pl.coalesce(layout.plain_text(word), layout.tool_calls(word), unmarked)


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    columns = {**layout.ALPACA_COLUMNS, "response": "output", "kto_tag": "kto_tag"}
    return DatasetEntry(name, file_name, "alpaca", columns)
