"""Shapes that no expression can say: a Python function from one raw row to one sample, applied batch by batch."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from llf_kit.schema import ASSISTANT, SAMPLE, USER

RawRow = dict[str, str | None]
Turn = tuple[str, str | None]

_MADE = ("messages", "system", "tools", "rejected", "reason")  # the columns of a sample that a conversation fills


class Unmappable(Exception):
    """This row cannot become a sample; ``str()`` is the reason that is written beside it."""


class Conversation(NamedTuple):
    """What a row becomes: ``(role, content)`` turns, and what the row itself says of a sample's other columns."""

    turns: Sequence[Turn]
    system: str | None = None
    tools: str | None = None
    rejected: str | None = None


def question_of(row: RawRow, columns: Mapping[str, str]) -> str | None:
    """Title, question and context, a line each; None where there is none of them.

    A title that the question repeats is left out. LLaMA-Factory puts a context under its question too.
    """
    title, question, context = (row[columns[role]] if role in columns else None for role in _ASKED)
    if title and question and title.strip() in question:
        title = None
    return "\n".join(part for part in (title, question, context) if part) or None


_ASKED = ("title", "question", "context")


def pair(question: str | None, answer: str | None) -> list[Turn]:
    """A question and its answer as two turns."""
    return [(USER, question), (ASSISTANT, answer)]


_LONGEST = 1 << 20  # characters of a Python literal, whose parser needs a hundred times their memory


def value_of(cell: str | None) -> Any:
    """The list or object that a cell holds, as JSON or as a Python literal; None where it holds plain text."""
    text = (cell or "").strip()
    if text[:1] not in ("[", "{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _LONGEST:
        return None
    # numpy prints no comma between objects, and a line break inside a text would be escaped there
    text = re.sub(r"\}\n\s*\{", "}, {", text)
    try:
        value = ast.literal_eval(text)
        json.dumps(value)  # sets and bytes are nothing that a table holds
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def apply(rows: pl.LazyFrame, convert: Callable[[RawRow], Conversation]) -> pl.LazyFrame:
    """Raw rows → rows with the columns of a conversation and ``reason``; a row with a reason already is left alone."""
    dtype = pl.Struct({name: SAMPLE[name] for name in _MADE})

    def one(row: dict[str, Any]) -> dict[str, Any]:
        if row["reason"] is not None:
            return {"reason": row["reason"]}
        try:
            made = convert(row["raw"])
        except Unmappable as error:
            return {"reason": str(error)}
        messages = [{"role": role, "content": content} for role, content in made.turns]
        return {"messages": messages, "system": made.system, "tools": made.tools, "rejected": made.rejected}

    def batch(series: pl.Series) -> pl.Series:
        return pl.Series([one(row) for row in series.to_list()], dtype=dtype)

    done = pl.struct("raw", "reason").map_batches(batch, return_dtype=dtype, is_elementwise=True)
    made = pl.col("\0made").struct
    return rows.with_columns(done.alias("\0made")).with_columns(made.field(name) for name in _MADE)
