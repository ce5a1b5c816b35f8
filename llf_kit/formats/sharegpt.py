"""ShareGPT: a list of turns with ``from`` and ``value``; ``label`` rides along and LLaMA-Factory ignores it."""

from __future__ import annotations

import polars as pl

from llf_kit.schema import USER, DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``conversations, system, tools, label``."""
    message = pl.element().struct
    speaker = pl.when(message.field("role") == USER).then(pl.lit("human")).otherwise(pl.lit("gpt"))
    turn = pl.struct(speaker.alias("from"), message.field("content").alias("value"))
    return samples.select(
        conversations=pl.col("messages").list.eval(turn),
        system=pl.col("system"),
        tools=pl.lit(None, dtype=pl.String),
        label=pl.col("label"),
    )


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    columns = {"messages": "conversations", "system": "system", "tools": "tools"}
    tags = {
        "role_tag": "from",
        "content_tag": "value",
        "user_tag": "human",
        "assistant_tag": "gpt",
        "observation_tag": "observation",
        "function_tag": "function_call",
        "system_tag": "system",
    }
    return DatasetEntry(name, file_name, "sharegpt", columns, tags)
