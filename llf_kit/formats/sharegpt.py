"""ShareGPT: a list of turns with ``from`` and ``value``; ``label`` rides along and LLaMA-Factory ignores it."""

from __future__ import annotations

import polars as pl

from llf_kit.formats import layout
from llf_kit.schema import DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``conversations, system, tools, label``."""
    return samples.select(
        conversations=layout.spoken(pl.col("messages"), layout.SHAREGPT, "from", "value"),
        system=layout.text("system"),
        tools=layout.text("tools"),
        label=layout.text("label"),
    )


def unfit(word: pl.Expr) -> pl.Expr:
    """Why a sample cannot be written so."""
    return pl.coalesce(layout.plain_text(word), layout.bad())


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    columns = {"messages": "conversations", "system": "system", "tools": "tools"}
    return DatasetEntry(name, file_name, "sharegpt", columns, layout.tags(layout.SHAREGPT, "from", "value"))
