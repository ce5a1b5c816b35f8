"""Alpaca: instruction, input, output, with system and history; ``label`` rides along and LLaMA-Factory ignores it."""

from __future__ import annotations

import polars as pl

from llf_kit.formats import layout
from llf_kit.schema import DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``instruction, input, output, system, history, label``."""
    asked = layout.alpaca()
    return samples.select(
        instruction=asked["instruction"],
        input=asked["input"],
        output=layout.last(),
        system=asked["system"],
        history=asked["history"],
        label=layout.text("label"),
    )


def unfit(word: pl.Expr) -> pl.Expr:
    """Why a sample cannot be written so."""
    return pl.coalesce(layout.plain_text(word), layout.tool_calls(word), layout.bad())


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    return DatasetEntry(name, file_name, "alpaca", {**layout.ALPACA_COLUMNS, "response": "output"})
