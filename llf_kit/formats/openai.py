"""OpenAI messages: ``role`` and ``content``, the system prompt the first of them.

They are registered as ShareGPT with other tags: the converter that LLaMA-Factory 0.9.5 calls ``openai`` adds "detailed
thinking off" to every system prompt (data/converter.py), which nobody wrote.
"""

from __future__ import annotations

import polars as pl

from llf_kit.formats import layout
from llf_kit.schema import MESSAGE, DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``messages, tools, label``."""
    system = pl.struct(role=pl.lit("system"), content="system").cast(MESSAGE)
    before = (
        pl.when(pl.col("system").is_not_null()).then(pl.concat_list(system)).otherwise(pl.lit([], pl.List(MESSAGE)))
    )
    turns = layout.spoken(pl.col("messages"), layout.OPENAI, "role", "content")
    return samples.select(messages=before.list.concat(turns), tools=layout.text("tools"), label=layout.text("label"))


def unfit(word: pl.Expr) -> pl.Expr:
    """Why a sample cannot be written so."""
    return pl.coalesce(layout.plain_text(word), layout.bad())


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    columns = {"messages": "messages", "tools": "tools"}
    return DatasetEntry(name, file_name, "sharegpt", columns, layout.tags(layout.OPENAI, "role", "content"))
