"""Whether an answer is, or holds, exactly what was wanted.

exact_match
    The answer is the wanted one, thoughts, runs of blanks, and a full stop at the end apart; of a JSON object the
    values count and not how they are laid out. Scored of every row with a wanted answer.
json_valid
    The answer holds a JSON object: alone, in fences, or in prose.
field_f1
    Fields are the paths to single values (``a.b``, ``a[0]``); a field is right where path and value are, blanks at the
    ends and ``5`` against ``5.0`` apart. F1 of the row: right fields by the mean number of wanted and given ones. The
    value of all rows is their mean. An answer without an object has 0.

json_valid and field_f1 are scored of rows whose wanted answer is a JSON object. Missing predictions are not scored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from llf_kit.evaluation import answers
from llf_kit.evaluation.kinds import Kind
from llf_kit.evaluation.metrics import Column, percent
from llf_kit.evaluation.predictions import Prediction


def columns(rows: Sequence[Prediction], kinds: Sequence[Kind]) -> dict[str, Column]:
    """All metrics of this family; those of JSON only where a row wants it."""
    found = {"exact_match": Column([_exact(row, kind) for row, kind in zip(rows, kinds, strict=True)])}
    if "json" not in kinds:
        return found
    valid: list[float | None] = [None] * len(rows)
    fields: list[float | None] = [None] * len(rows)
    invalid: dict[int, str] = {}
    notes: dict[int, str] = {}
    for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        wanted = answers.json_object(row.label)
        if kind != "json" or row.predict is None or wanted is None:
            continue
        given = answers.json_object(row.predict)
        valid[place] = percent(given is not None)
        if given is None:
            invalid[place] = "no JSON object"
        fields[place], notes[place] = _compared(wanted, given or {})
    return {**found, "json_valid": Column(valid, invalid), "field_f1": Column(fields, notes)}


def _exact(row: Prediction, kind: Kind) -> float | None:
    if row.predict is None or not row.label:
        return None
    if kind == "json" and (given := answers.json_object(row.predict)) is not None:
        return percent(given == answers.json_object(row.label))
    return percent(_plain(answers.said(row.predict)) == _plain(answers.said(row.label)))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).rstrip(" .。")


def _compared(wanted: dict[str, Any], given: dict[str, Any]) -> tuple[float, str]:
    one, other = Counter(_fields(wanted)), Counter(_fields(given))
    if not one and not other:
        return 100.0, ""
    wrong = sorted({path for path, _ in (one - other)} | {path for path, _ in (other - one)})
    score = 2 * (one & other).total() / (one.total() + other.total())
    return percent(score), f"wrong fields: {', '.join(wrong)}" if wrong else ""


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The single values with their paths; a number is a number however it is written, and no truth value."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from _fields(inner, f"{path}[{place}]")
    elif isinstance(value, str):
        yield path, value.strip()
    elif isinstance(value, bool) or value is None or isinstance(value, dict | list):
        yield path, repr(value)
    else:
        yield path, float(value)
