"""Several turns: a conversation in one cell, history pairs before a question, or several questions on one case."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import polars as pl

from llf_kit.mapping.columns import assign
from llf_kit.mapping.rows import Conversation, RawRow, Turn, Unmappable, apply, pair, question_of, value_of
from llf_kit.mapping.turns import conversation, history, is_message, listed, prompt
from llf_kit.schema import ASSISTANT, NOTHING, USER


def messages_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages``, the ``system`` prompt that they began with, and ``tools``.

    An answer in a column of its own ends a conversation that has none; where there is no conversation, it answers the
    question beside it.
    """

    def convert(row: RawRow) -> Conversation:
        cell = row[columns["messages"]]
        answer = row[columns["answer"]] if "answer" in columns else None
        if not re.search(NOTHING, cell or ""):
            found = prompt(cell) if answer else conversation(cell)
        elif "question" in columns and ((question := question_of(row, columns)) or answer):
            before = history(row[columns["history"]]) if "history" in columns else []
            found = Conversation([*before, (USER, question)])
            answer = answer or ""
        else:
            found = Conversation(())
        turns = list(found.turns)
        if answer is not None and turns and turns[-1][0] == USER:
            turns += _answered(answer)
        return found._replace(turns=turns, tools=_tools(row, columns))

    return apply(rows, convert)


def _answered(cell: str) -> list[Turn]:
    """An answer: a text, or the messages that are left of a conversation."""
    value = value_of(cell)
    messages = value if isinstance(value, list) else [value]
    return list(listed(messages).turns) if messages and all(map(is_message, messages)) else [(ASSISTANT, cell)]


def _tools(row: RawRow, columns: Mapping[str, str]) -> str | None:
    cell = row[columns["tools"]] if "tools" in columns else None
    if not (cell or "").strip():
        return None
    tools = value_of(cell)
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise Unmappable("its tools are not a list of objects")
    return json.dumps(tools, ensure_ascii=False) if tools else None


def pairs_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages``: a case, and the questions on it one after the other."""

    def convert(row: RawRow) -> Conversation:
        cell = row[columns["pairs"]]
        items = value_of(cell) if cell else []
        if not isinstance(items, list):
            raise Unmappable("the list of questions is not a list")
        turns: list[Turn] = []
        for place, item in enumerate(items, start=1):
            found = assign(item, {}) if isinstance(item, dict) else {}
            if not {"question", "answer"} <= set(found):
                raise Unmappable(f"question {place} is not an object with a question and an answer")
            question, answer = (None if item[found[r]] is None else str(item[found[r]]) for r in ("question", "answer"))
            turns += pair(question, answer)
        case = question_of(row, columns)
        if case and turns and turns[0][1]:
            turns[0] = (turns[0][0], f"{case}\n{turns[0][1]}")
        return Conversation(turns)

    return apply(rows, convert)


def history_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages``: the turns of the history, then the question and its answer."""

    def convert(row: RawRow) -> Conversation:
        last = pair(question_of(row, columns), row[columns["answer"]])
        return Conversation([*history(row[columns["history"]]), *last])

    return apply(rows, convert)
