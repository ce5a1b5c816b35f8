"""The same question with different numbers in its answers: side by side, for an expert to settle.

Two rows ask the same when all before the last answer is the same, blanks, punctuation and case apart; what differs in
sex, age, specimen or method is another question. Their answers contradict each other where both give a number for one
thing and share none, after conversion of units: what one answer says besides is no contradiction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import combinations
from math import isclose

import polars as pl

from llf_kit.quantities import by_key, factor, find_all, named, other_units
from llf_kit.schema import ASSISTANT

FOUND: dict[str, pl.DataType] = {
    "group": pl.UInt32(),
    "source": pl.String(),
    "row": pl.Int64(),
    "question": pl.String(),
    "answer": pl.String(),
    "values": pl.String(),
}
_IGNORED = r"[\s，。、？！：；“”‘’（）【】,?!:;\"'()\[\]]|\.$"
_ROUNDED = 0.015  # converted values are rounded: 5.6 mmol/L of glucose are 101 mg/dL


@dataclass(frozen=True)
class Number:
    """A number of an answer; ``measure`` is its UCUM unit, or the word behind it (``例``), or empty."""

    written: str
    name: str | None
    analyte: str | None
    comparator: str | None
    low: float
    high: float | None
    unit: str | None

    @property
    def measure(self) -> str:
        """What is counted or measured, as far as it is written."""
        word = re.sub(r"^.*[0-9]\s*", "", self.written, flags=re.DOTALL).lower()
        return self.unit or (word if word in other_units() else "")


def contradictions(samples: pl.DataFrame) -> pl.DataFrame:
    """DataFrame of samples → the rows of every question whose answers contradict each other.

    Columns: ``group`` (from 0), ``source``, ``row``, ``question`` (the last turn asked), ``answer``, and ``values``
    (the numbers of the answer as written); groups one after another, their rows in the order of the samples.
    """
    answer = pl.col("messages").list.last().struct
    before = pl.col("messages").list.head(pl.col("messages").list.len() - 1)
    asked = before.list.eval(_plain(pl.element().struct.field("content"))).list.join("\n")
    numbered = (answer.field("role") == ASSISTANT) & answer.field("content").str.contains("[0-9]")
    rows = samples.filter((pl.col("messages").list.len() > 1) & numbered).select(
        "source",
        "row",
        question=before.list.last().struct.field("content"),
        answer=answer.field("content"),
        key=pl.struct(asked, _plain(pl.col("system"))).hash(),
    )
    rows = rows.filter(pl.col("answer").n_unique().over("key") > 1)
    numbers = [
        _about(said, asked) for said, asked in zip(_numbers(rows["answer"]), named(rows["question"]), strict=True)
    ]
    values = pl.Series([_shown(found) for found in numbers], dtype=pl.String)
    groups: dict[int, list[int]] = {}
    for place, key in enumerate(rows["key"]):
        groups.setdefault(key, []).append(place)
    contrary = [places for places in groups.values() if _contradict([numbers[place] for place in places])]
    places = [(place, group) for group, members in enumerate(contrary) for place in members]
    taken = rows.with_columns(values=values)[[place for place, _ in places]]
    return taken.select(pl.Series("group", [group for _, group in places], dtype=pl.UInt32), *list(FOUND)[1:])


def _plain(text: pl.Expr) -> pl.Expr:
    return text.fill_null("").str.to_lowercase().str.replace_all(_IGNORED, "")


def _numbers(answers: pl.Series) -> list[list[Number]]:
    """The numbers of each answer."""
    numbers: list[list[Number]] = [[] for _ in answers]
    found = find_all(answers, alone=True)
    for text, *parts in found.select("text", *Number.__dataclass_fields__).iter_rows():
        numbers[text].append(Number(*parts))
    return numbers


def _about(numbers: list[Number], asked: frozenset[str]) -> list[Number]:
    """A result without a name is one of what was asked for, where that is one thing: `3.9-6.1 mg/dL` of glucose."""
    if len(asked) != 1:
        return numbers
    (analyte,) = asked
    return [replace(one, analyte=analyte) if one.unit and not one.name else one for one in numbers]


def _shown(numbers: list[Number]) -> str:
    return "; ".join(dict.fromkeys(number.written.strip() for number in numbers))


def _contradict(answers: list[list[Number]]) -> bool:
    """Whether any two of them do; answers with the same numbers are one."""
    different = {tuple(_telling(numbers)) for numbers in answers}
    return any(_contrary(one, other) or _contrary(other, one) for one, other in combinations(different, 2))


def _telling(numbers: list[Number]) -> list[Number]:
    """Without bare numbers, which may be those of a list or a year, unless it is the only one."""
    if len(numbers) == 1:
        return numbers
    return [number for number in numbers if number.name or number.measure or number.comparator]


def _contrary(one: tuple[Number, ...], other: tuple[Number, ...]) -> bool:
    """Whether a number of ``one`` stands for a thing of which ``other`` gives only numbers that ``one`` does not."""
    for number in one:
        rivals = [rival for rival in other if _one_thing(number, rival)]
        known = any(_one_thing(own, rival) and _equal(own, rival) for own in one for rival in rivals)
        if rivals and not known:
            return True
    return False


def _one_thing(one: Number, other: Number) -> bool:
    if (one.high is None) != (other.high is None) or (one.comparator or "")[:1] != (other.comparator or "")[:1]:
        return False
    if one.analyte and other.analyte and one.analyte != other.analyte:
        return False
    if one.unit and other.unit:
        return _by(one, other) is not None
    # a missing unit does not make it another thing where a name or an interval says what it is
    named = bool((one.name or one.high) and (other.name or other.high))
    return one.measure == other.measure or (named and not (one.measure and other.measure))


def _equal(one: Number, other: Number) -> bool:
    by = _by(one, other)
    near = 0.0 if by == 1 else _ROUNDED
    ends = ((one.low, other.low), (one.high, other.high))
    return by is not None and all(
        isclose(mine * by, theirs, rel_tol=near) for mine, theirs in ends if mine is not None and theirs is not None
    )


def _by(one: Number, other: Number) -> float | None:
    """What a value of one is multiplied by to stand in the other's unit."""
    if one.unit == other.unit or not (one.unit and other.unit):
        return 1.0
    return factor(one.unit, other.unit, by_key().get(one.analyte or other.analyte or ""))
