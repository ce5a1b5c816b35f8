"""The regular expression of quantities, made of the two tables. The engine is linear-time: no text can make it hang.

It has no look-around; where a neighbour decides, it is taken along in a group of its own (``lead``, ``tail``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from llf_kit.quantities.analytes import OTHER_THINGS, analytes
from llf_kit.quantities.units import other_units, units

_BOUND = r"(?-u:\b)"  # of ASCII: a Chinese character beside a letter is a bound too
_SPACE = r"[ \t]?"
NUMBER = r"1[:：][0-9]{1,5}|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:[.．][0-9]+)?"
DASH = r"～|~|–|—|−|-|－|至|到|to"
ARROWS = "↑↓⬆⬇"
POWER = r"[×xX✕*·]?[ \t]?10[ \t]?(?:\^|\*{1,2}|[eE])?[ \t]?"
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# What stands between name and number → how the number bounds the value.
COMPARATORS = {
    **dict.fromkeys(("<", "＜", "小于", "低于", "不足", "less than", "below", "under"), "<"),
    **dict.fromkeys((">", "＞", "大于", "高于", "超过", "greater than", "more than", "above", "over"), ">"),
    **dict.fromkeys(("<=", "≤", "≦", "小于等于", "不高于", "不超过"), "<="),
    **dict.fromkeys((">=", "≥", "≧", "大于等于", "不低于", "at least"), ">="),
}
# What else may stand there; the English words with the blank before them.
_BETWEEN = (
    "检测结果|测定结果|检查结果|结果|检测值|测定值|检测|测定|复查|复测|数值|值|浓度|水平|含量|活性|定量|参考区间|参考范围|"
    "参考值|正常值|正常范围|范围|区间|显示|报告|提示|升高|增高|降低|下降|偏高|偏低|升|降|为|是|约|达|至|到|仅|只有|有|在|"
    "大概|大约|从|由|自|也|均|都|才|已|成人|成年|男性|女性|血清|血浆|全血|空腹|（|(|[|:|：|=|＝| |\t|\n| is| was| of|"
    " at| level| levels| result| value| reading| count| concentration| reference| interval| range| normal| rose| fell|"
    " to| from| by| increased| decreased|from "
)
# Specimens in which other bounds hold than in blood.
_FLUIDS = (
    "脑脊液|胸水|胸腔积液|腹水|腹腔积液|心包积液|关节液|关节腔积液|羊水|透析液|引流液|穿刺液|积液|尿液|晨尿|随机尿|"
    "24小时尿|24h尿|粪便|唾液|汗液|精浆|cerebrospinal fluid|csf|urine|urinary|pleural fluid|ascitic fluid|"
    "synovial fluid|dialysate|sweat"
)
_NORMAL = (
    "参考区间|参考范围|参考值|参考|参照|正常值|正常范围|正常|reference interval|reference range|reference|ref\\.?|"
    "normal range|normal"
)
# Numbers that are no quantities: standards, codes, dates, times, blood pressure, versions.
_SKIPPED = (
    r"(?:WS|GB|YY|ISO|IEC|CLSI|CNAS|NCCLS|CAP|EP|LOINC)[ /A-Z-]{0,8}[ ]?[0-9][0-9A-Za-z./-]*(?:[-–—:][12][0-9]{3})?",
    r"(?:LOINC)[^0-9\n]{0,12}[0-9]{1,7}-[0-9]",
    r"[12][0-9]{3}[ ]?(?:年|[-/.][0-9]{1,2}[-/.])[ ]?[0-9]{1,2}(?:[-/.月][0-9]{1,2}日?)?",
    r"(?:[01][02-9]|[2-9]|1[0-9]|2[0-3])[:：][0-5][0-9](?:[:：][0-5][0-9])?",
    r"[0-9]{2,3}[ ]?/[ ]?[0-9]{2,3}[ ]?(?:mm[ ]?Hg|毫米汞柱|kPa)?",
    r"[0-9]+(?:\.[0-9]+){2,}",
)


def _either_case(text: str) -> str:
    """The ASCII letters of an escaped text in both cases: a flag would bring in all of Unicode's."""
    return re.sub(r"(?<!\\)[A-Za-z]", lambda letter: f"[{letter[0].lower()}{letter[0].upper()}]", text)


def _longest_first(words: Iterable[tuple[str, list[str]]]) -> str:
    """One pattern of many words, each with its pieces: of those that begin alike the longest that matches.

    As a list of words it would be all kept in mind at every letter: on text full of laboratory terms the engine then
    runs out of room for its automaton, and falls back to one that is many times as slow. So words of Chinese alone are
    a group of their own, of which the engine makes one table; the brackets keep them apart. What others have in common
    at their beginning is written once. Others come first: they may begin with one of Chinese alone, never the reverse.
    """
    chinese, others = [], []
    for _, pieces in sorted(words, key=lambda word: -len(word[0])):
        text = "".join(pieces)
        if any(letter.isascii() for letter in text):
            others.append(pieces)
        else:
            chinese.append(text)
    return "|".join(([_tree(others)] if others else []) + ([f"({'|'.join(chinese)})"] if chinese else []))


def _tree(words: list[list[str]]) -> str:
    branches: dict[str, list[list[str]]] = {}
    for first, *rest in words:
        branches.setdefault(first, []).append(rest)
    return "|".join(first + _group(rests) for first, rests in branches.items())


def _group(rests: list[list[str]]) -> str:
    """What may follow a beginning; it may be the end of a word too, which comes last, since it is the shortest."""
    longer = [rest for rest in rests if rest]
    if not longer:
        return ""
    return f"(?:{_tree(longer)})" + ("?" if len(longer) < len(rests) else "")


def _pieces(text: str) -> list[str]:
    return [re.escape(letter) for letter in text]


def _any_case(text: str) -> list[str]:
    return [_either_case(piece) for piece in _pieces(text)]


def _bounded(name: str, pieces: list[str]) -> list[str]:
    before = [_BOUND] if name[0].isascii() and name[0].isalnum() else []
    after = [_BOUND] if name[-1].isascii() and name[-1].isalnum() else []
    return [*before, *pieces, *after]


def _names() -> str:
    words = []
    for analyte in analytes():
        words += [(name, _bounded(name, _pieces(name))) for name in (*analyte.zh, *analyte.abbreviations)]
        words += [(name, _bounded(name, _any_case(name))) for name in analyte.en]
    words += [(name, _bounded(name, _any_case(name))) for name in OTHER_THINGS]
    return _longest_first(words)


# Letters of units that are written in other ways too.
_ALSO = {"/": r"[ \t]?[/／][ \t]?", "%": "[%％]", "[uU]": "[uUμµ]", "[lL]": "[lLＬ]"}


def _unit(spelling: str) -> list[str]:
    power = re.match(r"10\^(\d+)(.*)", spelling)
    pieces = [_ALSO.get(piece, piece) for piece in _any_case(power[2] if power else spelling)]
    if spelling[-1] in "lL":  # `190 high` is no 190 h
        pieces[-1] = f"(?:[lL]{_BOUND}|Ｌ)"
    elif spelling[-1].isascii() and spelling[-1].isalnum():
        pieces.append(_BOUND)
    if power:
        pieces = [POWER, f"(?:{power[1]}|{power[1].translate(_SUPERSCRIPTS)})", *pieces]
    return pieces


@cache
def unit() -> str:
    """A unit as it is written, or what else stands behind a number."""
    words = [(spelling, _unit(spelling)) for unit in units().values() for spelling in unit.spellings]
    words += [(spelling, _unit(spelling)) for spelling in other_units()]
    return rf"{_SPACE}(?:{_longest_first(words)})"


@cache
def written(codes: tuple[str, ...]) -> str:
    """That a text names one of these units (UCUM codes), with a number or without."""
    spellings = [(spelling, _unit(spelling)) for code in codes for spelling in units()[code].spellings]
    return rf"(?:^|[^A-Za-z])(?:{_longest_first(spellings)})(?:[^A-Za-z]|$)"


def _words(words: Iterable[str]) -> str:
    return "(?:" + _longest_first((word, _any_case(word)) for word in words) + ")"


# The parts of a quantity in their order. What is found as a whole is taken apart by the same parts, one by one.
@cache
def head() -> str:
    """The name, and before it the specimen, or the slash of a ratio."""
    return (
        rf"(?:{_words(_FLUIDS.split('|'))}[^0-9，。；,;\n]{{0,6}}?|尿|[/／])?(?:{_names()})[+⁺]?"
        r"(?:[ \t]?[（(][A-Za-z0-9αβγ#%+./ -]{1,16}[)）])?"
    )


BETWEEN = rf"{_words(_BETWEEN.split('|'))}{{0,8}}"
COMPARATOR = rf"{_words(COMPARATORS)}{_SPACE}"
ARROW = rf"[ \t]?[{ARROWS}][ \t]?"
SIGN = "[-−]"
TO = rf"{_SPACE}(?:{DASH}){_SPACE}"
# What shows that the number, or the unit, was not read to its end.
TAIL = r"[A-Za-z0-9/^％%·+*×]|-[A-Za-z]|[.．:：、/][ ]?[0-9]"
REFERENCE = rf"[ \t]?(?:[，,;；]?[ \t]?[（(\[]?[ \t]?(?:{_either_case(_NORMAL)})[ \t为是:：]{{0,3}}|[（(\[][ \t]?)"
SKIPPED = "|".join(_SKIPPED)


@cache
def some(*, names: bool, intervals: bool, numbers: bool) -> str:
    """Something with numbers that is no quantity; and a number with the name of what was measured, an interval without
    a name, or any number: those of them that are asked for, each with what belongs to it."""
    interval = rf"(?:{NUMBER})(?:{unit()})?{TO}(?:{NUMBER})(?:{unit()})?"
    value = rf"(?:{NUMBER})(?:{unit()})?(?:{TO}(?:{NUMBER})(?:{unit()})?)?(?:{TAIL})?(?:{ARROW})?"
    begin = "(?:(?:[从由自]|from)[ ]?)?"
    wanted = {
        rf"(?:{SKIPPED})": True,
        rf"{head()}{BETWEEN}(?:{COMPARATOR})?(?:{ARROW})?{SIGN}?{value}(?:{REFERENCE}{interval})?": names,
        # one without a name is an interval where a unit proves it
        rf"{begin}(?:{NUMBER})(?:{unit()})?{TO}(?:{NUMBER})(?:{unit()})(?:{TAIL})?": intervals,
        rf"(?:{COMPARATOR})?{begin}{value}": numbers,
    }
    return "|".join(pattern for pattern, asked in wanted.items() if asked)


def every() -> str:
    """Any number with what belongs to it; or something with numbers that is no quantity."""
    return some(names=True, intervals=True, numbers=True)


# A part of a text with a number, whose ends no quantity crosses: a comma stands in one before a reference alone.
_WITHIN = r"[，；][ \t（(\[参正rRnN]"
PART = rf"(?:[^。，；0-9]|{_WITHIN})*[0-9](?:[^。，；]|{_WITHIN})*"


@cache
def names() -> list[str]:
    """All names that a quantity may begin with, in any case."""
    return [*(name for analyte in analytes() for name in analyte.names), *OTHER_THINGS]
