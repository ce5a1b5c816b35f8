"""Shapes that no expression can say: a Python function from one raw row to one sample, applied batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from llf_kit.schema import ASSISTANT, MESSAGE, USER

RawRow = dict[str, str | None]


class Unmappable(Exception):
    """This row cannot become a sample; ``str()`` is the reason that is written beside it."""


class Conversation(NamedTuple):
    """What a row becomes: ``(role, content)`` turns, and the system prompt if the row has one of its own."""

    turns: Sequence[tuple[str, str | None]]
    system: str | None = None


def question_of(row: RawRow, columns: Mapping[str, str]) -> str | None:
    """Title, question and context, a line each; None where there is none of them.

    A title that the question repeats is left out. LLaMA-Factory puts a context under its question too.
    """
    title, question, context = (row[columns[role]] if role in columns else None for role in _ASKED)
    if title and question and title.strip() in question:
        title = None
    return "\n".join(part for part in (title, question, context) if part) or None


_ASKED = ("title", "question", "context")


def pair(question: str | None, answer: str | None) -> list[tuple[str, str | None]]:
    """A question and its answer as two turns."""
    return [(USER, question), (ASSISTANT, answer)]


def apply(rows: pl.LazyFrame, convert: Callable[[RawRow], Conversation]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages``, ``system`` and ``reason``; a row with a reason already is left alone."""
    dtype = pl.Struct({"messages": pl.List(MESSAGE), "system": pl.String, "reason": pl.String})

    def one(row: dict[str, Any]) -> dict[str, Any]:
        if row["reason"] is not None:
            return {"messages": None, "system": None, "reason": row["reason"]}
        try:
            turns, system = convert(row["raw"])
        except Unmappable as error:
            return {"messages": None, "system": None, "reason": str(error)}
        return {"messages": [{"role": r, "content": c} for r, c in turns], "system": system, "reason": None}

    def batch(series: pl.Series) -> pl.Series:
        return pl.Series([one(row) for row in series.to_list()], dtype=dtype)

    done = pl.struct("raw", "reason").map_batches(batch, return_dtype=dtype, is_elementwise=True)
    return rows.with_columns(done.alias("\0done")).with_columns(
        messages=pl.col("\0done").struct.field("messages"),
        system=pl.col("\0done").struct.field("system"),
        reason=pl.col("\0done").struct.field("reason"),
    )
