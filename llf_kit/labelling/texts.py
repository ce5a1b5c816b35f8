"""What labels are told from: the first question of a sample, and all that the assistant says."""

from __future__ import annotations

import polars as pl

from llf_kit.schema import ASSISTANT


def question() -> pl.Expr:
    """The first turn's text."""
    return pl.col("messages").list.first().struct.field("content")


def answer() -> pl.Expr:
    """The texts of the assistant, a line a turn."""
    message = pl.element().struct
    said = pl.when(message.field("role") == ASSISTANT).then(message.field("content")).drop_nulls()
    return pl.col("messages").list.eval(said).list.join("\n")
