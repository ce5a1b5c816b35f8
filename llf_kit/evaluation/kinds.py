"""Of which kind each row is, which decides what is measured of it.

``choice``
    A multiple choice question: the wanted answer is nothing but letters (``B``, ``ACD``), or it gives letters as an
    answer does (``答案：B. …``) and the question has options, a line each.
``json``
    The wanted answer is a JSON object.
``number``
    The wanted answer is short (60 characters) and holds one value or one interval, with a unit or nothing else.
``label``
    One out of a known set: the labels that are given, else the wanted answers of at most 20 characters without digits
    or a full stop, where there are at least two such and each is wanted at least twice.
``text``
    Everything else.

Text metrics and exact_match are measured of every row, as LLaMA-Factory does; the others of the rows of their kind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Literal, get_args

from llf_kit.evaluation import answers, values
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.values import Found

Kind = Literal["choice", "json", "number", "label", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SHORT, _LABEL = 60, 20
_SENTENCE = re.compile(r"[0-9。.!?！？\n]")
_LETTERS = re.compile(r"[(（]?[A-H](?:[\s,，、;；和]*[A-H])*[)）]?[.。]?")


def kinds(rows: Sequence[Prediction], labels: Collection[str] = ()) -> list[Kind]:
    """The kind of each row, by its wanted answer and its question."""
    found: list[Kind | None] = [_plain_kind(row, labels) for row in rows]
    open_rows = [place for place, kind in enumerate(found) if kind is None]
    holds = values.found([rows[place].label if len(rows[place].label) <= _SHORT else "" for place in open_rows])
    for place, one in zip(open_rows, holds, strict=True):
        if len(one) == 1 and _is_value(rows[place].label, one[0]):
            found[place] = "number"
    if not labels:
        rest = [place for place, kind in enumerate(found) if kind is None]
        learnt = _learnt([rows[place].label for place in rest])
        for place in rest:
            found[place] = "label" if rows[place].label in learnt else None
    return [kind or "text" for kind in found]


def known_labels(rows: Sequence[Prediction], found: Sequence[Kind], labels: Collection[str] = ()) -> list[str]:
    """The set that a label is out of: those given and those that are wanted."""
    return sorted({*labels, *(row.label for row, kind in zip(rows, found, strict=True) if kind == "label")})


def asked(row: Prediction) -> str:
    """Where to look for the options of a row: its question, or the whole prompt where the question is not known."""
    return row.question or row.prompt


def _plain_kind(row: Prediction, labels: Collection[str]) -> Kind | None:
    if row.label in labels:
        return "label"
    if _LETTERS.fullmatch(row.label) and answers.letters(row.label):
        return "choice"
    known = answers.options(asked(row))
    if known and answers.letters(row.label, known):
        return "choice"
    return "json" if answers.json_object(row.label) is not None and row.label.rstrip().endswith(("}", "`")) else None


def _is_value(label: str, one: Found) -> bool:
    """A value with its unit, or a number that is the whole of it: `5.3 mmol/L`, `5.3`; not `第2天复查`."""
    return one.unit is not None or label.strip() == one.written.strip() or one.high is not None


def _learnt(wanted: Sequence[str]) -> set[str]:
    counts = Counter(label for label in wanted if 0 < len(label) <= _LABEL and not _SENTENCE.search(label))
    repeated = {label for label, number in counts.items() if number > 1}
    return repeated if len(repeated) > 1 else set()
