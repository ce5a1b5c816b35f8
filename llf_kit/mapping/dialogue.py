"""Several turns: a list of messages, one text with speaker marks, history pairs, or several questions on one case."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from llf_kit.mapping.columns import assign
from llf_kit.mapping.rows import Conversation, RawRow, Unmappable, apply, pair, question_of
from llf_kit.schema import ASSISTANT, USER

_USER = ("user", "human", "patient", "guest_family", "客户", "用户", "患者", "病人", "家属", "临床", "护士", "问")
_ASSISTANT = ("assistant", "gpt", "bot", "model", "guest_clinician", "客服", "助手", "答")
_DOCTOR = ("doctor", "physician", "clinician", "医生", "医师", "大夫")
_LABORATORY = ("lab", "laboratory", "technician", "检验科", "检验师", "检验", "技师", "实验室")
_SPEAKERS = {
    **dict.fromkeys(_USER, USER),
    **dict.fromkeys((*_ASSISTANT, *_DOCTOR, *_LABORATORY), ASSISTANT),
    **dict.fromkeys(("system", "系统"), "system"),
}
_NAMES = "|".join(sorted(map(re.escape, _SPEAKERS), key=len, reverse=True))
# `Doctor:` and `医生：` where a line or a sentence begins; `<user>:` anywhere
_MARK = re.compile(rf"(?:(?:^|(?<=[\n。！？!?.;；]))\s*({_NAMES})|<({_NAMES})>)\s*[:：]\s*", re.IGNORECASE)


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
        value = None
    if not isinstance(value, list):
        raise Unmappable(f"the {what} is not a list")
    return value


def _messages(cell: str | None) -> Conversation:
    """A list of messages, or one text in which every turn begins with its speaker.

    Raises:
        Unmappable: neither, or a turn that has no known speaker or no text.
    """
    marked = _marked(cell or "")
    said = marked or [_said(place, message) for place, message in enumerate(_list(cell, "conversation"), start=1)]
    names = {name for name, _ in said}
    # In a laboratory's own dialogues the doctor asks; where no laboratory speaks, the doctor answers.
    asking = _DOCTOR if names & set(_LABORATORY) else ()
    turns: list[tuple[str, str | None]] = []
    for place, (name, content) in enumerate(said, start=1):
        role = USER if name in asking else _SPEAKERS.get(name)
        if role is None:
            raise Unmappable(f"turn {place} has a speaker that is not known")
        if turns and turns[-1][0] == role and turns[-1][1] and content:
            turns[-1] = (role, f"{turns[-1][1]}\n{content}")  # one speaker twice in a row: joined, nothing is lost
        else:
            turns.append((role, content))
    system = turns.pop(0)[1] if turns and turns[0][0] == "system" else None
    if any(role == "system" for role, _ in turns):
        raise Unmappable("a system prompt after the first turn")
    return Conversation(turns, system)


def _said(place: int, message: Any) -> tuple[str, str | None]:
    if not isinstance(message, dict):
        raise Unmappable(f"turn {place} is not an object")
    content = message.get("content", message.get("value"))
    if content is not None and not isinstance(content, str):
        raise Unmappable(f"turn {place} is not text")
    return str(message.get("role", message.get("from"))).strip().casefold(), content


def _marked(text: str) -> list[tuple[str, str | None]]:
    """Speaker and text of every marked turn; empty where the text does not begin with a mark."""
    parts = _MARK.split(text.strip())
    if len(parts) < 4 or parts[0].strip():
        return []
    turns = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return [((one or other).casefold(), content.strip()) for one, other, content in turns]


def _history(cell: str | None) -> list[tuple[str, str | None]]:
    turns: list[tuple[str, str | None]] = []
    for place, item in enumerate(_list(cell, "history"), start=1):
        if not isinstance(item, list) or len(item) != 2 or not all(isinstance(part, str) for part in item):
            raise Unmappable(f"history {place} is not a pair of texts")
        turns += pair(*item)
    return turns
