"""Preference pairs in ShareGPT's columns: the turns before, the ``chosen`` turn and the ``rejected`` one."""

from __future__ import annotations

import polars as pl

from llf_kit.formats import layout
from llf_kit.schema import DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``conversations, chosen, rejected, system, tools, label``."""
    messages = pl.col("messages")
    before = messages.list.head(messages.list.len() - 1)
    return samples.select(
        conversations=layout.spoken(before, layout.SHAREGPT, "from", "value"),
        chosen=_answer(layout.last()),
        rejected=_answer(pl.col("rejected")),
        system=layout.text("system"),
        tools=layout.text("tools"),
        label=layout.text("label"),
    )


def _answer(text: pl.Expr) -> pl.Expr:
    return pl.struct(pl.lit("gpt").alias("from"), text.alias("value"))


def unfit(word: pl.Expr) -> pl.Expr:
    """Why a sample cannot be written so."""
    ends = pl.when(~word.str.ends_with("a")).then(pl.lit("it ends with a tool call"))
    return pl.coalesce(layout.plain_text(word), layout.bad(), layout.no_pair(), ends)


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    columns = {"messages": "conversations", "system": "system", "tools": "tools"}
    columns |= {"chosen": "chosen", "rejected": "rejected"}
    tags = layout.tags(layout.SHAREGPT, "from", "value")
    return DatasetEntry(name, file_name, "sharegpt", columns, tags, ranking=True)
