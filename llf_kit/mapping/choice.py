"""Multiple choice: the sample teaches the reasoning where there is one, and the letter with the option's text."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from llf_kit.mapping.columns import LETTERS, OPTION_ROLES
from llf_kit.mapping.rows import Conversation, RawRow, Unmappable, apply, pair, question_of, value_of
from llf_kit.mapping.turns import THOUGHT
from llf_kit.schema import CJK

# `A. text`, `A、text`, `(A) text`, one a line or one after another in a cell; `A text` on a line of its own
_MARK = re.compile(r"(?:(?:^|(?<=[\s;；,，。]))[(（]?([A-H])[)）.．、:：]|(?:^|(?<=\n))([A-H])[ \t])\s*")


def stage(rows: pl.LazyFrame, columns: Mapping[str, str], first: int | None = None) -> pl.LazyFrame:
    """Raw rows → rows with ``messages``: the question with its options; the explanation and the answer.

    ``first`` is the number of the first option where answers are numbers.
    """

    def convert(row: RawRow) -> Conversation:
        def cell(role: str) -> str | None:
            return row[columns[role]] if role in columns else None

        options = _parse(cell("options")) if "options" in columns else _columns(row, columns)
        if len(options) < 2:
            raise Unmappable("fewer than two options")
        answer = cell("answer")
        if not (question := question_of(row, columns)) or not answer:
            return Conversation(pair(question, answer))  # empty: screening says so, in its own words
        letters = _letters(answer, options, first)
        lines = "\n".join(f"{letter}. {text}" for letter, text in options.items())
        chinese = bool(CJK.search(question))
        right = ("；" if chinese else "; ").join(f"{letter}. {options[letter]}" for letter in letters)
        verdict = f"答案：{right}" if chinese else f"Answer: {right}"
        if explanation := cell("explanation"):
            verdict = f"{explanation}\n{verdict}"
        if thought := cell("thought"):
            verdict = f"{THOUGHT[0]}{thought}{THOUGHT[1]}{verdict}"
        return Conversation(pair(f"{question}\n{lines}", verdict))

    return apply(rows, convert)


def _columns(row: RawRow, columns: Mapping[str, str]) -> dict[str, str]:
    cells = ((role[-1], row[columns[role]]) for role in OPTION_ROLES if role in columns)
    return {letter: text.strip() for letter, text in cells if text and text.strip()}


def _parse(cell: str | None) -> dict[str, str]:
    """Options out of JSON (an object or a list) or out of one text with marked letters."""
    if not cell:
        return {}
    value = value_of(cell)
    if isinstance(value, dict):
        return {str(key).strip().upper(): str(text).strip() for key, text in value.items() if str(text).strip()}
    if isinstance(value, list):
        texts = [item.get("text", item.get("value", "")) if isinstance(item, dict) else item for item in value]
        return dict(zip(LETTERS, (_MARK.sub("", str(text).strip(), count=1) for text in texts), strict=False))
    parts = _MARK.split(cell.strip())
    marks = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {one or other: text.strip(" \t\r\n;；,，") for one, other, text in marks}


def _letters(answer: str, options: Mapping[str, str], first: int | None) -> list[str]:
    """The letters of an answer: ``B``, ``ACD``, ``A, C``, the text of one option, or its number from ``first``.

    Raises:
        Unmappable: a letter that is not among the options, or a text that is none of them.
    """
    plain = re.sub(r"[\s,，、;；.．()（）]+", "", answer).upper()
    if plain and all(letter in LETTERS for letter in plain):
        if unknown := [letter for letter in plain if letter not in options]:
            raise Unmappable(f"the answer {unknown[0]} is not among the options {', '.join(options)}")
        return sorted(set(plain))
    same = [letter for letter, text in options.items() if text == answer.strip()]
    if not same and first is not None and plain.isdecimal() and 0 <= int(plain) - first < len(options):
        same = [list(options)[int(plain) - first]]
    if not same:
        raise Unmappable("the answer is neither a letter nor the text of an option")
    return same
