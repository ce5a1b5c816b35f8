"""One question and its answer, each in a column of its own, or a plain text; expressions, because most rows are so."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from llf_kit.schema import ASSISTANT, TEXT, USER


def stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages`` (two of them); a context is put under the question."""
    user = pl.struct(role=pl.lit(USER), content=_under_each_other(columns, ("title", "question", "context")))
    assistant = pl.struct(role=pl.lit(ASSISTANT), content=pl.col("raw").struct.field(columns["answer"]))
    # Not `concat_list`, which builds a list of structures value by value and took a third of a whole conversion.
    return rows.with_columns(messages=pl.concat_arr(user, assistant).arr.to_list())


def text_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages`` (one of them, a text under its title)."""
    text = pl.struct(role=pl.lit(TEXT), content=_under_each_other(columns, ("title", "text")))
    return rows.with_columns(messages=pl.concat_list(text))


def _under_each_other(columns: Mapping[str, str], roles: tuple[str, str] | tuple[str, str, str]) -> pl.Expr:
    """A title, what it stands above, and what is put under that, a line each; null where there is none of them."""
    raw = pl.col("raw").struct
    main = raw.field(columns[roles[1]])
    parts = [main]
    if "title" in columns:  # left out where the text repeats it
        title = raw.field(columns["title"])
        repeated = main.str.contains(title.str.strip_chars(), literal=True).fill_null(False)
        parts.insert(0, pl.when(~repeated).then(title))
    if roles[-1] != roles[1] and roles[-1] in columns:  # LLaMA-Factory joins instruction and input the same way
        parts.append(raw.field(columns[roles[-1]]))
    if len(parts) == 1:
        return main
    joined = pl.concat_str(parts, separator="\n", ignore_nulls=True)
    return pl.when(joined != "").then(joined)
