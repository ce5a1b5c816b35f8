"""Several turns: a list of messages (role/content or from/value), or history pairs before the last question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from llf_kit.mapping.columns import assign
from llf_kit.mapping.rows import Conversation, RawRow, Unmappable, apply, pair, question_of
from llf_kit.schema import ASSISTANT, USER

_SPEAKERS = {
    **dict.fromkeys(
        ("user", "human", "patient", "客户", "用户", "患者", "病人", "临床", "护士", "医生提问", "问"), USER
    ),
    **dict.fromkeys(
        ("assistant", "gpt", "bot", "model", "doctor", "客服", "助手", "医生", "检验科", "检验师", "答"), ASSISTANT
    ),
    **dict.fromkeys(("system", "系统"), "system"),
}


def messages_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages`` and the ``system`` prompt that the messages began with."""
    return apply(rows, lambda row: _messages(row[columns["messages"]]))


def pairs_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows → rows with ``messages``: a case, and the questions on it one after the other."""

    def convert(row: RawRow) -> Conversation:
        turns: list[tuple[str, str | None]] = []
        for place, item in enumerate(_list(row[columns["pairs"]], "list of questions"), start=1):
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
    """Raw rows → rows with ``messages``: the pairs of the history, then the question and its answer."""

    def convert(row: RawRow) -> Conversation:
        last = pair(question_of(row, columns), row[columns["answer"]])
        return Conversation([*_history(row[columns["history"]]), *last])

    return apply(rows, convert)


def _list(cell: str | None, what: str) -> list[Any]:
    try:
        value = json.loads(cell) if cell else []
    except ValueError:
        raise Unmappable(f"the {what} is not a list") from None
    if not isinstance(value, list):
        raise Unmappable(f"the {what} is not a list")
    return value


def _messages(cell: str | None) -> Conversation:
    turns: list[tuple[str, str | None]] = []
    for place, message in enumerate(_list(cell, "conversation"), start=1):
        if not isinstance(message, dict):
            raise Unmappable(f"turn {place} is not an object")
        name = message.get("role", message.get("from"))
        content = message.get("content", message.get("value"))
        role = _SPEAKERS.get(str(name).strip().casefold())
        if role is None:
            raise Unmappable(f"turn {place} has a speaker that is not known")
        if content is not None and not isinstance(content, str):
            raise Unmappable(f"turn {place} is not text")
        turns.append((role, content))
    system = turns.pop(0)[1] if turns and turns[0][0] == "system" else None
    if any(role == "system" for role, _ in turns):
        raise Unmappable("a system prompt after the first turn")
    return Conversation(turns, system)


def _history(cell: str | None) -> list[tuple[str, str | None]]:
    turns: list[tuple[str, str | None]] = []
    for place, item in enumerate(_list(cell, "history"), start=1):
        if not isinstance(item, list) or len(item) != 2 or not all(isinstance(part, str) for part in item):
            raise Unmappable(f"history {place} is not a pair of texts")
        turns += pair(*item)
    return turns
