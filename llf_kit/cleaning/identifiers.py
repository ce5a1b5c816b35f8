"""Identifiers of persons are masked before anything is written; laboratory values are left alone.

A cheap expression finds the rows that may hold one; only those go through Python's ``re``, because the linear-time
engine has no look-around, and ``\\b`` does not work beside Chinese.

Placeholders are Chinese where the text is: ``【手机号】``, ``[PHONE]``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import polars as pl

from llf_kit.cleaning import sparing
from llf_kit.schema import CJK

SUSPECT = "resident id with a wrong check digit"

_SIGN = r"[0-9]{11}|[0-9]{3}[ -][0-9]{4}[ -][0-9]{4}|@"


@dataclass(frozen=True)
class Kind:
    """One kind of identifier: what it looks like, what proves it, and what stands in its place."""

    name: str
    pattern: re.Pattern[str]
    chinese: str
    english: str
    valid: Callable[[str], bool] = lambda _: True


def valid_resident_id(number: str) -> bool:
    """Check digit of a resident identity number: GB 11643-1999, ISO 7064:1983 MOD 11-2; a lower-case x is allowed."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()


# 6 digits of region, a birth date, 3 of sequence, the check digit
_RESIDENT_ID = re.compile(
    r"(?<![0-9A-Za-z])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9A-Za-z])"
)

KINDS: tuple[Kind, ...] = (
    Kind("resident id", _RESIDENT_ID, "【身份证号】", "[ID]", valid_resident_id),
    Kind(
        "phone",
        # mainland mobile numbers (11 digits, 13 to 19 in front), grouped 3-4-4 too
        re.compile(
            r"(?<![0-9.])(?:(?:\+|00)?86[ -]?)?1[3-9][0-9](?:[0-9]{8}|[ -][0-9]{4}[ -][0-9]{4})(?![0-9]|\.[0-9])"
        ),
        "【手机号】",
        "[PHONE]",
    ),
    Kind(
        "email",
        # the longest local part and labels that RFC 5321 and RFC 1035 admit bound the search
        re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}"),
        "【邮箱】",
        "[EMAIL]",
    ),
)


def mask(text: str, masked: Counter[str]) -> str:
    """``text`` with every identifier replaced; ``masked`` counts them by kind, and suspects that were left."""
    chinese = bool(CJK.search(text))
    for kind in KINDS:

        def replace(match: re.Match[str], kind: Kind = kind) -> str:
            if not kind.valid(match[0]):
                masked[SUSPECT] += 1
                return match[0]
            masked[kind.name] += 1
            return kind.chinese if chinese else kind.english

        text = kind.pattern.sub(replace, text)
    return text


def stage(samples: pl.LazyFrame, masked: Counter[str]) -> pl.LazyFrame:
    """LazyFrame of samples → the same columns, masked; ``masked`` is filled while the pipeline runs."""
    lock = Lock()  # polars may call from several threads

    def without_identifiers(suspects: pl.Series) -> pl.Series:
        counts: Counter[str] = Counter()
        texts = [mask(text, counts) for text in suspects.to_list()]
        with lock:
            masked.update(counts)
        return pl.Series(texts, dtype=pl.String)

    message = pl.element().struct
    content = sparing.change(message.field("content"), _SIGN, without_identifiers).alias("content")
    return samples.with_columns(
        *(sparing.change(pl.col(name), _SIGN, without_identifiers) for name in ("system", "tools", "rejected")),
        messages=pl.col("messages").list.eval(message.with_fields(content)),
    )
