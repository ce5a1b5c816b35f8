"""Exact duplicates: the same conversation under the same system prompt, white space apart.

A preference pair is another when its worse answer is, and so is an answer that was judged otherwise.
The same question with another answer is not a duplicate: one of the two may be wrong, and that is for an expert.
"""

from __future__ import annotations

import polars as pl


def stage(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``duplicate`` added: true for every kept row after the first of its kind."""
    # A plain class: \\s knows every space of Unicode and costs twice as much, and cleaning left only these three.
    content = pl.element().struct.field("content").str.replace_all("[ \n\t]", "")
    # A rejected row must not make a good one its duplicate: its key is its own place.
    key = (
        pl.when(pl.col("reason").is_null())
        .then(pl.struct(pl.col("messages").list.eval(content.hash()), "system", "rejected", "desirable").hash())
        .otherwise(pl.struct("source", "row").hash())
    )
    return samples.with_columns(duplicate=~key.is_first_distinct() & pl.col("reason").is_null())
