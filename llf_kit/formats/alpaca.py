"""Alpaca: instruction, input, output, with system and history; ``label`` rides along and LLaMA-Factory ignores it."""

from __future__ import annotations

import polars as pl

from llf_kit.schema import DatasetEntry


def rows(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``instruction, input, output, system, history, label``.

    The last question and answer are instruction and output; the turns before them are pairs in ``history``. ``input``
    stays empty: a context already stands under the question, where LLaMA-Factory would put it.
    """
    content = pl.col("messages").list.eval(pl.element().struct.field("content"))
    # Null where there are none: pairing goes list by list, and an empty one costs as much as a full one.
    earlier = pl.when(content.list.len() > 2).then(content.list.head(content.list.len() - 2))
    return samples.select(
        instruction=content.list.get(-2, null_on_oob=True),
        input=pl.lit(""),
        output=content.list.get(-1, null_on_oob=True),
        system=pl.col("system"),
        history=earlier.list.eval(
            pl.concat_list(pl.element().gather_every(2), pl.element().gather_every(2, 1))  # [question, answer]
        ).fill_null(pl.lit([], dtype=pl.List(pl.List(pl.String)))),
        label=pl.col("label"),
    )


def entry(name: str, file_name: str) -> DatasetEntry:
    """The entry for these rows."""
    columns = {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    }
    return DatasetEntry(name, file_name, "alpaca", columns)
