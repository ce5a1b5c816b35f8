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
_MARK = re.compile(r"(?:(?:^|(?<=[\s;；,，。|｜]))[(（]?([A-H])[)）.．、:：]|(?:^|(?<=\n))([A-H])[ \t])\s*")

# An answer in letters, and what is explained behind it
_LETTERS = re.compile(
    r"\s*[(（]?([a-h]|[A-H](?:[\s,，、;；和]*[A-H])*)[)）.．]?[\s。；;]*"
    r"(?:$|[【\[]?(?:答案)?(?:解析|分析)[】\]]?\s*[:：]?\s*(.+))",
    re.DOTALL,
)


def stage(rows: pl.LazyFrame, columns: Mapping[str, str], first: int | None = None) -> pl.LazyFrame:
    """Raw rows → rows with ``messages``: the question with its options; the explanation and the answer.

    ``first`` is the number of the first option where answers are numbers.
    """

    def convert(row: RawRow) -> Conversation:
        def cell(role: str) -> str | None:
            return row[columns[role]] if role in columns else None

        options = _parse(cell("options")) if "options" in columns else _columns(row, columns)
        answer, explanation, thought = cell("answer"), cell("explanation"), cell("thought")
        if not (question := question_of(row, columns)) or not answer:
            return Conversation(pair(question, answer))  # empty: screening says so, in its own words
        found = _lettered(answer)
        if not options and (options := inside(question, answer)):
            asked = question
        elif not options and found is None and first is None:  # a question of another kind among them
            return Conversation(pair(question, _told(thought, "\n".join(filter(None, (answer, explanation))))))
        elif len(options) < 2:
            raise Unmappable("fewer than two options")
        else:
            asked = "\n".join([question, *(f"{letter}. {text}" for letter, text in options.items())])
        if found and found[2]:
            answer, explanation = found[1], "\n".join(filter(None, (found[2], explanation)))
        letters = _letters(answer, options, first)
        chinese = bool(CJK.search(question))
        right = ("；" if chinese else "; ").join(f"{letter}. {options[letter]}" for letter in letters)
        verdict = f"答案：{right}" if chinese else f"Answer: {right}"
        return Conversation(pair(asked, _told(thought, f"{explanation}\n{verdict}" if explanation else verdict)))

    return apply(rows, convert)


def _told(thought: str | None, answer: str) -> str:
    return f"{THOUGHT[0]}{thought}{THOUGHT[1]}{answer}" if thought else answer


def _lettered(answer: str) -> re.Match[str] | None:
    """Letters in their order; `CEA` is a marker of tumours."""
    found = _LETTERS.match(answer)
    letters = re.findall("[A-H]", found[1].upper()) if found else []
    return found if letters == sorted(set(letters)) else None


def inside(question: str, answer: str) -> dict[str, str]:
    """The options that a question holds itself, where its answer is letters; nothing where it is another question."""
    if _lettered(answer) is None or question.lstrip().startswith(("[", "{")):
        return {}
    options = _parse(question)
    return options if len(options) > 1 and "".join(options) == LETTERS[: len(options)] else {}


def _columns(row: RawRow, columns: Mapping[str, str]) -> dict[str, str]:
    cells = ((role[-1], row[columns[role]]) for role in OPTION_ROLES if role in columns)
    return {letter: text.strip() for letter, text in cells if text and text.strip()}


def _parse(cell: str | None) -> dict[str, str]:
    """Options out of JSON (an object or a list) or out of one text with marked letters."""
    if not cell:
        return {}
    value = value_of(cell)
    if isinstance(value, dict) and all(isinstance(value.get(name), list) for name in ("label", "text")):
        value = dict(zip(value["label"], value["text"], strict=False))
    if isinstance(value, dict):
        return {str(key).strip().upper(): str(text).strip() for key, text in value.items() if str(text).strip()}
    if isinstance(value, list):
        texts = [item.get("text", item.get("value", "")) if isinstance(item, dict) else item for item in value]
        return dict(zip(LETTERS, (_MARK.sub("", str(text).strip(), count=1) for text in texts), strict=False))
    parts = _MARK.split(cell.strip())
    marks = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {one or other: text.strip(" \t\r\n;；,，|｜") for one, other, text in marks}


def _letters(answer: str, options: Mapping[str, str], first: int | None) -> list[str]:
    """The letters of an answer: ``B``, ``ACD``, ``A, C``, the text of one option, or its number from ``first``.

    Raises:
        Unmappable: a letter that is not among the options, or a text that is none of them.
    """
    plain = re.sub(r"[\s,，、;；.．()（）]+", "", answer).upper()
    same = [letter for letter, text in options.items() if text == answer.strip()]
    if not same and plain and all(letter in LETTERS for letter in plain):
        if unknown := [letter for letter in plain if letter not in options]:
            raise Unmappable(f"the answer {unknown[0]} is not among the options {', '.join(options)}")
        return sorted(set(plain))
    if not same and first is not None and plain.isdecimal() and 0 <= int(plain) - first < len(options):
        same = [list(options)[int(plain) - first]]
    if not same:
        raise Unmappable("the answer is neither a letter nor the text of an option")
    return same
