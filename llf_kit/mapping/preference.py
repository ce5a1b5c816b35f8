"""Preference pairs: a better and a worse answer to one question, given as such or found among ranked answers.

Of several ranked answers the best and the worst make the pair: the widest difference is the surest one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from llf_kit.mapping.columns import PLACES
from llf_kit.mapping.rows import Conversation, RawRow, Unmappable, apply, question_of, value_of
from llf_kit.mapping.turns import conversation, history, is_message, listed, marked, prompt
from llf_kit.schema import ASSISTANT, USER

_TEXT = ("text", "answer", "content", "response", "output", "value", "回答", "答案")
_SCORE = ("score", "rating", "overall_score", "得分", "评分", "分数", "votes")
_RANK = ("rank", "ranking", "排名", "排序", "名次")
HEIGHTS = frozenset((*_SCORE, *_RANK))


def pair_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows with a chosen and a rejected answer → rows with ``messages`` and ``rejected``."""

    def convert(row: RawRow) -> Conversation:
        better, worse = (_ending(row[columns[role]]) for role in ("chosen", "rejected"))
        before = better.turns[:-1]
        if before != worse.turns[:-1]:
            raise Unmappable("its two answers end different conversations")
        asked = _asked(row, columns)
        if not before:  # else the answers hold the whole conversation, question included
            before = asked.turns
        system = better.system or asked.system
        return Conversation([*before, better.turns[-1]], system, rejected=worse.turns[-1][1])

    return apply(rows, convert)


def _asked(row: RawRow, columns: Mapping[str, str]) -> Conversation:
    if "messages" in columns:
        return prompt(row[columns["messages"]])
    before = history(row[columns["history"]]) if "history" in columns else []
    return Conversation([*before, (USER, question_of(row, columns))])


def _ending(cell: str | None) -> Conversation:
    """An answer: a text, one message, or a whole conversation that ends with it."""
    value = value_of(cell)
    if is_message(value):
        value = [value]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        found = listed(value)
    elif len(marked(cell or "")) > 1:
        found = conversation(cell)
    else:
        return Conversation([(ASSISTANT, cell)])
    if not found.turns or found.turns[-1][0] != ASSISTANT:
        raise Unmappable("a conversation of its pair does not end with an answer")
    return found


def ranked_stage(rows: pl.LazyFrame, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Raw rows with several answers and what tells their order → rows with ``messages`` and ``rejected``."""

    def convert(row: RawRow) -> Conversation:
        answers = _list(row, columns) if "answers" in columns else _columns(row, columns)
        answers = [(text, height) for text, height in answers if (text or "").strip()]
        if len(answers) < 2:
            raise Unmappable("fewer than two answers")
        heights = [height for _, height in answers]
        if max(heights) == min(heights):
            raise Unmappable("its answers are ranked alike")
        best, worst = (answers[heights.index(end(heights))][0] for end in (max, min))
        asked = _asked(row, columns)
        return Conversation([*asked.turns, (ASSISTANT, best)], asked.system, rejected=worst)

    return apply(rows, convert)


def _columns(row: RawRow, columns: Mapping[str, str]) -> list[tuple[str | None, float]]:
    """Answers in columns of their own with a score or a rank beside each, or in columns that are the ranks."""

    def cells(what: str) -> dict[str, str | None]:
        return {place: row[columns[f"{what} {place}"]] for place in PLACES if f"{what} {place}" in columns}

    answers, ranks, scores = cells("answer"), cells("rank"), cells("score")
    if not answers:
        return [(text, -height) for height, text in enumerate(ranks.values())]
    if "winner" in columns:
        won = _winner(row[columns["winner"]], list(answers), columns)
        return [(text, float(place == won)) for place, text in answers.items()]
    sign, heights = (1, scores) if scores else (-1, ranks)
    return [(text, sign * _number(heights.get(place))) for place, text in answers.items() if (text or "").strip()]


# `A`, `2`, `response_b`, `model a`, `回答1`; not `tie`
_NAMED = re.compile(r"(?:^|[\W_]|answer|response|model|output|[\u4e00-\u9fff])([0-9a-h])$")


def _winner(cell: str | None, places: list[str], columns: Mapping[str, str]) -> str:
    """The place that a cell names, by its column's name, its own, or its order among them."""
    name = (cell or "").strip().casefold()
    for place in places:
        if columns[f"answer {place}"].casefold() == name:
            return place
    if found := _NAMED.search(name):
        if found[1] in places:
            return found[1]
        order = ("abcdefgh" if found[1].isalpha() else "123456789").find(found[1])
        if 0 <= order < len(places):
            return places[order]
    raise Unmappable("what it says of the better answer names none of them")


def _list(row: RawRow, columns: Mapping[str, str]) -> list[tuple[str | None, float]]:
    """Answers in one cell: objects with a text and a score, or texts with their scores in another cell."""
    value = value_of(row[columns["answers"]])
    if isinstance(value, dict):  # {"text": […], "score": […]}
        value = [dict(zip(value, item, strict=True)) for item in _transposed(value)]
    if not isinstance(value, list):
        raise Unmappable("its answers are not a list")
    if "scores" in columns:
        heights = value_of(row[columns["scores"]])
        if not isinstance(heights, list) or len(heights) != len(value):
            raise Unmappable("there is not one score for each answer")
        sign = -1 if columns["scores"].casefold().startswith(_RANK) else 1
        if not all(isinstance(text, str) for text in value):
            raise Unmappable("an answer is not text")
        return [(text, sign * _number(height)) for text, height in zip(value, heights, strict=True)]
    return [_object(item) for item in value]


def _transposed(value: dict[str, Any]) -> list[tuple[Any, ...]]:
    lists = [item for item in value.values() if isinstance(item, list)]
    if len(lists) < len(value) or len({len(item) for item in lists}) > 1:
        raise Unmappable("its answers are not a list")
    return list(zip(*lists, strict=True))


def _object(item: Any) -> tuple[str | None, float]:
    fields = {str(key).casefold(): value for key, value in item.items()} if isinstance(item, dict) else {}
    text = next((fields[name] for name in _TEXT if isinstance(fields.get(name), str)), None)
    for sign, names in ((1, _SCORE), (-1, _RANK)):
        if found := [name for name in names if name in fields]:
            return text, sign * _number(fields[found[0]])
    raise Unmappable("several answers without a rank or a score")


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Unmappable("a score or a rank that is no number") from None
