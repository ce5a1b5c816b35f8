"""The kinds of identifiers, and what every finder of them yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of identifier, with what stands in its place in a Chinese and in another text."""

    name: str
    chinese: str
    english: str

    def placeholder(self, chinese: bool) -> str:
        """What stands in its place."""
        return self.chinese if chinese else self.english


RESIDENT_ID = Kind("resident id", "【身份证号】", "[ID]")
PASSPORT = Kind("passport", "【护照号】", "[PASSPORT]")
PERMIT = Kind("permit", "【证件号】", "[PERMIT]")
PHONE = Kind("phone", "【电话】", "[PHONE]")
EMAIL = Kind("email", "【邮箱】", "[EMAIL]")
WECHAT = Kind("wechat", "【微信】", "[WECHAT]")
QQ = Kind("qq", "【QQ】", "[QQ]")
BANK_CARD = Kind("bank card", "【银行卡号】", "[BANK CARD]")
RECORD = Kind("record number", "【病历号】", "[RECORD]")
SPECIMEN = Kind("specimen number", "【标本号】", "[SPECIMEN]")
BED = Kind("bed", "【床号】", "[BED]")
INSURANCE = Kind("insurance number", "【医保号】", "[INSURANCE]")
NAME = Kind("name", "【姓名】", "[NAME]")
BIRTH_DATE = Kind("birth date", "【出生日期】", "[BIRTH DATE]")
# HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(C): ages over 89 may be told as one category, 90 or older.
AGE = Kind("age over 89", "【90以上】", "[90+]")
ADDRESS = Kind("address", "【地址】", "[ADDRESS]")
URL = Kind("personal url", "【网址】", "[URL]")


@dataclass(frozen=True)
class Hit:
    """An identifier at ``text[start:end]``; ``value`` is the same however it was written.

    ``flag`` says why a person should look at it; a hit that is not ``sure`` is flagged and left.
    """

    start: int
    end: int
    kind: Kind
    value: str
    flag: str | None = None
    sure: bool = True


@dataclass(frozen=True)
class Finder:
    """Looks for some kinds. ``sign`` is a regular expression, of what Python's and polars' engines both know, that is
    found in every text in which ``find`` may find something: it picks the few texts that Python has to look at.

    ``may`` then says at next to no cost that there is nothing for this finder in one of them.
    """

    sign: str
    find: Callable[[str], Iterator[Hit]]
    may: Callable[[str], object]
