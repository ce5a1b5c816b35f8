"""Birth dates, and exact ages over 89; every other date and age stays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llf_kit.cleaning.identifiers.digits import TO_ASCII
from llf_kit.cleaning.identifiers.kinds import AGE, BIRTH_DATE, Finder, Hit

_N = "[0-9０-９]"
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\\.?"
_DATE = (
    rf"(?:{_N}{{4}}\s?[年./／-]\s?{_N}{{1,2}}(?:\s?[月./／-]\s?(?:{_N}{{1,2}}\s?[日号]?)?)?|"
    rf"{_N}{{1,2}}[./-]{_N}{{1,2}}[./-]{_N}{{2,4}}|(?:19|20){_N}{{6}}|"
    rf"{_MONTH}\s{_N}{{1,2}}(?:st|nd|rd|th)?,?\s{_N}{{4}}|{_N}{{1,2}}(?:st|nd|rd|th)?\s{_MONTH},?\s{_N}{{4}}|"
    r"[零〇一二三四五六七八九]{4}年[一二三四五六七八九十]{1,2}月(?:[一二三四五六七八九十]{1,3}[日号])?)"
)
_LABELLED = re.compile(
    r"""(?:出生(?:日期|年月日?|时间)?|生于|生日|生辰|(?<![A-Za-z])(?:DOB|D\.O\.B\.?|(?i:date of birth|birth ?date|born|birthday)))["']?\s{0,3}"""
    rf"""(?:[:：=是为于]|is|was|on|in)?\s{{0,3}}["']?(?P<date>{_DATE})(?!{_N})"""
)
_FOLLOWED = re.compile(rf"(?<!{_N})(?P<date>{_DATE})\s?(?:出生|生人|生(?=[，。,；;、\s]))")
_AGE = re.compile(
    rf"(?<![0-9０-９.．～~\-–—－/至到≥>＞≤<＜+、])(?P<age>9[0-9]|1[0-2][0-9])(?!{_N})"
    r"(?=\s?周?岁|\s?-?\s?years?[ -]?old|\s?y/?o(?![A-Za-z]))(?!\s?周?岁(?:以上|以下|以内|以前|及|或|[～~\-–—至到]))"
)
_THRESHOLD = re.compile(
    r"(?:超过|大于|小于|低于|高于|不足|未满|不到|至|到|达|年满|over|under|above|below|than|to|and|least|aged?)\s?$"
)
_LABELLED_AGE = re.compile(
    rf"""(?:年龄|(?<![A-Za-z])[Aa]ge)["']?\s?[:：]\s?["']?(?P<age>9[0-9]|1[0-2][0-9])(?!{_N}|\s?[～~\-–—至.])"""
)


def _find(text: str) -> Iterator[Hit]:
    for pattern in (_LABELLED, _FOLLOWED):
        for match in pattern.finditer(text):
            yield Hit(match.start("date"), match.end("date"), BIRTH_DATE, match["date"].translate(TO_ASCII))
    for pattern in (_AGE, _LABELLED_AGE):
        for match in pattern.finditer(text):
            start = match.start("age")
            if not _THRESHOLD.search(text, max(0, start - 8), start):
                yield Hit(start, match.end("age"), AGE, match["age"])


_SIGN = (
    r"出生|生于|生日|生辰|[0-9０-９日号]\s?生[人，。,；;、\s]|D\.?O\.?B|(?i:birth|born)|"
    r"(?:9[0-9]|1[0-2][0-9])\s?(?:周?岁|-?\s?years?[ -]?old|y/?o)|(?:年龄|[Aa]ge).{0,5}(?:9[0-9]|1[0-2][0-9])"
)

FINDER = Finder(_SIGN, _find, re.compile(_SIGN).search)
