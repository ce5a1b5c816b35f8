"""A multiple choice whose answer is a letter that no option has."""

from __future__ import annotations

import re

import polars as pl

from llf_kit.schema import ASSISTANT, USER
from llf_kit.screening.laboratory.evidence import Evidence, rows

UNKNOWN = "answer letter is not among the options"
KINDS = {UNKNOWN: "答案字母不在选项中"}

# Options A and B, each at the beginning of a line or behind a blank or a stop.
_A, _B = r"(?:^|[\s，。；;?？)）])[(（]?A[)）]?[.．、:：)） ]", r"[\s，。；;][(（]?B[)）]?[.．、:：)） ]"
OPTIONS = rf"{_A}[^\n]*?[\s\S]{{0,200}}?{_B}"
_MARK = re.compile(r"(?:^|(?<=[\s，。；;?？)）]))[(（]?([A-H])[)）.．、:：]")
_SAID = re.compile(
    r"(?:正确答案|参考答案|答案|故选|应选|本题选|[Aa]nswer(?: is)?)[ \t]*[:：是为]?[ \t]*[(（]?"
    r"([A-H](?:[ \t]*[、,，和及]?[ \t]*[A-H])*)(?![A-Za-z0-9])"
)
_ALONE = re.compile(r"\s*[(（]?([A-H](?:[ \t]*[、,，]?[ \t]*[A-H])*)[)）.。．]?\s*")


def check(evidence: Evidence) -> pl.DataFrame:
    """Single questions with options in their text."""
    # the second option first: to count what stands between two of them is slow
    asked = evidence.turns.filter((pl.col("role") == USER) & pl.col("content").str.contains(_B))
    asked = asked.filter(pl.col("content").str.contains(OPTIONS))
    if asked.is_empty():
        return rows([])
    told = evidence.turns.filter((pl.col("role") == ASSISTANT) & pl.col("row").is_in(asked["row"].implode()))
    pairs = (
        asked.join(told, on="row")
        .group_by("row", maintain_order=True)
        .first()
        .filter(pl.col("content_right").is_not_null())
    )
    found = []
    for row, question, answer in pairs.select("row", "content", "content_right").iter_rows():
        options = set(_MARK.findall(question))
        said = _ALONE.fullmatch(answer) or _SAID.search(answer)
        unknown = sorted(set(re.findall("[A-H]", said[1])) - options) if said else []
        if unknown and {"A", "B"} <= options:
            found.append((row, UNKNOWN, f"{', '.join(unknown)} of {', '.join(sorted(options))}"))
    return rows(found)
