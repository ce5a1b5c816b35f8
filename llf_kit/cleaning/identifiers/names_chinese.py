"""Chinese names: after a label, after 患者 and its like, before a title, in signatures; and 某 in a surname's company."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llf_kit.cleaning.identifiers.kinds import NAME, Finder, Hit
from llf_kit.cleaning.identifiers.name_words import (
    AFTER,
    COMPOUND,
    DOUBTFUL,
    GIVEN,
    LABELS,
    NEVER_GIVEN,
    PERSONS,
    PLAIN,
    SURNAMES,
    TITLES,
    WORDS,
)

_HAN = "\u3400-\u9fff"
_FAMILY = rf"(?:{'|'.join(COMPOUND)}|[{''.join(sorted(SURNAMES))}])"
_ALL = "".join(sorted(SURNAMES | {name[0] for name in COMPOUND}))  # how a name begins
_VEILED = r"(?:某{1,2}|某[甲乙丙丁]|[XxＸ×＊*○〇]{1,2}(?![A-Za-z0-9]))"

_LABELLED = re.compile(rf"(?:{LABELS})(?P<colon>\s{{0,3}}[：:][\"'“]?\s{{0,3}}|\"\s?:\s?\"|[ \t]{{1,3}}|)(?=[{_HAN}])")
_DEEDS = "审核|复核|核对|签发|审批|录入|检测|检验|报告|采样|采集|送检|接收"
# What somebody did to a report, and who: `审核：周杰`
_DID = re.compile(rf"(?:{_DEEDS})\s{{0,3}}[：:]\s{{0,3}}(?=[{_ALL}])")
_PERSON = re.compile(rf"(?:{PERSONS}|[0-9０-９]\s?床)(?:[：: ，,“]\s?|)(?=[{_ALL}])")
_TITLE = re.compile(rf"(?:{TITLES})")
_VEILED_NAME = re.compile(rf"{_FAMILY}{_VEILED}")
_NAME_KEY = re.compile(r"\"(?:name|patient_?name|patient|doctor|xm)\"\s?:\s?\"(?=[\u3400-\u9fff])", re.IGNORECASE)
_AFTER = re.compile(rf"[^{_HAN}]|$|{AFTER}")
_STRONG_AFTER = re.compile(rf"[^{_HAN}]|$|男|女|性别|年龄|先生|女士|{TITLES}")
_WHO = re.compile(r"[，,（( ]{0,2}(?:男|女|[0-9]{1,3} ?岁)")
_MINORITY = re.compile(rf"[{_HAN}]{{2,8}}[·•][{_HAN}]{{2,8}}")
_SOME = re.compile("[些种个一类项次几时地日年月处方人医]")  # 某些, 某种: no name

# In front of a title, a character that makes one of these surnames part of another word, …
_WORD_BEFORE = {
    "谢": "谢感多致答",
    "任": "主担责历现前继信兼委上离新",
    "祝": "庆",
    "项": "各事",
    "单": "简订名账清孤传开接",
    "解": "了理讲见",
    "查": "检复抽调筛核巡",
    "占": "霸抢",
    "宁": "安南辽康",
    "苏": "江复",
    "林": "吉园桂森",
    "柳": "杨",
    "章": "文印",
    "丁": "园布",
    "温": "体高低气",
    "纪": "年世",
    "甘": "心不",
    "梅": "青",
    "尚": "高时和",
    "陆": "大登",
    "庄": "村石",
    "荣": "光",
    "车": "救护乘坐",
    "谷": "山低",
    "宫": "子",
    "盛": "旺",
    "席": "主出",
    "宗": "祖",
    "辛": "艰",
    "冉": "冉",
    "储": "存",
    "麦": "小",
    "蓝": "天",
    "徐": "徐",
    "许": "允也或准",
    "苗": "疫树",
}
# … and what may stand before those that are in many words.
_LETS_IN = frozenset("请找问由与给转跟让是挂看系知告托叫科室医师诉到替听你我他位名")
# These are words by themselves before a title: 祝医生, 查医生.
_NEVER_TITLED = frozenset("祝查解占")
_NOT_THEN = re.compile(r"指导|建议下|的指导|处方")


def _family(text: str, at: int) -> int:
    """How many characters of a surname stand at a place."""
    if text[at : at + 2] in COMPOUND:
        return 2
    return 1 if text[at : at + 1] in SURNAMES else 0


def _veiled(text: str, at: int) -> int:
    match = _VEILED_NAME.match(text, at)
    return match.end() if match else -1


def _name_at(text: str, at: int, proved: bool) -> int:
    """Where the name ends that begins at a place, or -1. A ``proved`` place takes unusual given names too."""
    family = _family(text, at)
    if not family or (text[at : at + 2] in WORDS and not (proved and _bare(text, at))):
        return -1
    if (end := _veiled(text, at)) > 0:
        return end
    for given in (2, 1):
        end = at + family + given
        chars = text[at + family : end]
        if len(chars) < given or not all("\u3400" <= char <= "\u9fff" for char in chars):
            continue
        usual = all(char in GIVEN for char in chars)
        if usual and _AFTER.match(text, end):
            return end
        likely = proved or usual or chars[0] in GIVEN or text[at] in PLAIN
        if likely and not any(char in NEVER_GIVEN for char in chars) and _STRONG_AFTER.match(text, end):
            return end
    return -1


def _bare(text: str, at: int) -> bool:
    """Whether two characters stand alone, as a name in a form does."""
    return not ("\u3400" <= text[at + 2 : at + 3] <= "\u9fff")


def _labelled(text: str) -> Iterator[Hit]:
    for pattern in (_LABELLED, _NAME_KEY):
        for match in pattern.finditer(text):
            at = match.end()
            colon = pattern is _NAME_KEY or bool(re.search("[：:]", match["colon"]))
            if minority := _MINORITY.match(text, at) if colon else None:
                yield Hit(at, minority.end(), NAME, minority[0])
            elif colon and text[at - 1] not in "：:\"' \t“":
                continue
            elif (end := _name_at(text, at, colon)) > 0:
                yield Hit(at, end, NAME, text[at:end])


def _deeds(text: str) -> Iterator[Hit]:
    for match in _DID.finditer(text):
        at = match.end()
        end = _name_at(text, at, False)
        if end > 0 and not ("\u3400" <= text[end : end + 1] <= "\u9fff"):
            yield Hit(at, end, NAME, text[at:end])


def _persons(text: str) -> Iterator[Hit]:
    for match in _PERSON.finditer(text):
        at = match.end()
        end = _name_at(text, at, False)
        if end > 0 and (text[at] != "于" or _WHO.match(text, end)):  # 于 is "at" too
            yield Hit(at, end, NAME, text[at:end])


def _titled(text: str) -> Iterator[Hit]:
    for match in _TITLE.finditer(text):
        start = _before_title(text, match.start())
        if start >= 0 and not _NOT_THEN.match(text, match.end()):
            yield Hit(start, match.start(), NAME, text[start : match.start()])


def _before_title(text: str, end: int) -> int:
    """Where the name begins that ends at a title, or -1."""
    for length in (4, 3, 2):
        at = end - length
        if at >= 0 and _veiled(text, at) == end:
            return at
        family = _family(text, at) if at >= 0 else 0
        if not family or length - family not in (1, 2) or text[at : at + 2] in WORDS:
            continue
        if all(char in GIVEN for char in text[at + family : end]) and _free(text, at, length - family == 2):
            return at
    if end >= 2 and text[end - 2 : end] in COMPOUND:
        return end - 2
    at = end - 1
    return at if at >= 0 and text[at] in SURNAMES and _free(text, at, False) else -1


def _free(text: str, at: int, full: bool) -> bool:
    """Whether a surname at a place is not the end of another word; two characters of a given name speak for it."""
    left, surname = text[at - 1 : at] if at else "", text[at]
    if not full and surname in _NEVER_TITLED:
        return False
    if not ("\u3400" <= left <= "\u9fff"):
        return True
    if left in _WORD_BEFORE.get(surname, ""):
        return False
    return full or surname not in DOUBTFUL or left in _LETS_IN


def _find(text: str) -> Iterator[Hit]:
    yield from _labelled(text)
    yield from _deeds(text)
    yield from _persons(text)
    yield from _titled(text)
    if "某" in text:
        for match in _VEILED_NAME.finditer(text):
            if "某" in match[0] and not _SOME.match(text, match.end()) and _free(text, match.start(), False):
                yield Hit(match.start(), match.end(), NAME, match[0])


_SIGN = (
    rf"(?:姓\s?名|者|人|人员|师|护士|医生|签\s?[名字章])\"?\s{{0,3}}[：: \t]\s?[\"“']?\s{{0,3}}[{_HAN}]|"
    rf"(?:{PERSONS}|[0-9０-９]\s?床|姓名|(?:审核|报告|检验|复核|送检|主管|主治|经治|申请)(?:医师|医生|者|人)|签[名字])[：: ，,“]{{0,2}}[{_ALL}]|(?:{_DEEDS})\s{{0,3}}[：:]\s{{0,3}}[{_ALL}]|"
    rf"[{_ALL}][{_HAN}XxＸ×＊*○〇]{{0,2}}(?:{TITLES})|[{_ALL}]某|\"\s?:\s?\"[{_HAN}]"
)

FINDER = Finder(_SIGN, _find, re.compile(_SIGN).search)
