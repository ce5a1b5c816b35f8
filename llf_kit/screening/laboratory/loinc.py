"""A LOINC code whose check digit is wrong."""

from __future__ import annotations

import re

import polars as pl

from llf_kit.screening.laboratory.evidence import Evidence, rows

WRONG = "LOINC check digit is wrong"
KINDS = {WRONG: "LOINC 校验位错误"}

# The codes behind the word, and others in a list with them.
_CODE = r"(?<![0-9.-])[0-9]{1,7}-[0-9](?![0-9-])"
_NAMED = re.compile(
    rf"LOINC[^0-9\n]{{0,24}}((?:{_CODE})(?:[ \t]*(?:[、,，/;；和及]|and|or)[ \t]*(?:{_CODE}))*)", re.IGNORECASE
)


def valid(code: str) -> bool:
    """Whether the check digit of ``2345-7`` is right: modulus 10, weights 2 and 1 from the right.

    Source: LOINC Users' Guide, calculating the check digit.
    """
    digits, digit = code.split("-")
    total = 0
    for place, character in enumerate(reversed(digits)):
        product = int(character) * (2 if place % 2 == 0 else 1)
        total += product // 10 + product % 10
    return -total % 10 == int(digit)


def check(evidence: Evidence) -> pl.DataFrame:
    """Codes that stand behind the word LOINC."""
    turns = evidence.numbered.filter(pl.col("content").str.contains("LOINC|Loinc|loinc"))
    return rows(
        [
            (row, WRONG, code)
            for row, text in turns.select("row", "content").iter_rows()
            for named in _NAMED.finditer(text)
            for code in re.findall(_CODE, named[1])
            if not valid(code)
        ]
    )
