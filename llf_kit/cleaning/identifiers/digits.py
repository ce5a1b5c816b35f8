"""Numbers that prove themselves: resident ids, phone numbers, bank cards; however their digits are written.

Digits are ASCII, full-width or Chinese numerals, in one piece or broken up by spaces, dashes, dots and line ends. A run
of such pieces is read as plain digits, and a number must begin and end where pieces do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llf_kit.cleaning.identifiers.kinds import BANK_CARD, PHONE, RESIDENT_ID, Finder, Hit, Kind

_WIDE = "０１２３４５６７８９"
_NUMERALS = (
    "零一二三四五六七八九",
    "〇一二三四五六七八九",
    "零幺二三四五六七八九",
    "零壹贰叁肆伍陆柒捌玖",
    "零幺两三四五六七八九",
)
TO_ASCII = str.maketrans(
    {char: str(digit) for line in (_WIDE, *_NUMERALS) for digit, char in enumerate(line)}
    | {"Ｘ": "X", "ｘ": "X", "x": "X"}
)
DIGIT = "0-9０-９零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖"
_GAP = r" \t\n.()（）_·–—－-"

_RUN = re.compile(rf"[{DIGIT}]+(?:[{_GAP}]{{1,3}}[{DIGIT}]+)*")
_PIECE = re.compile(rf"[{DIGIT}]+")
_SIGN = rf"[{DIGIT}](?:[{_GAP}]{{0,3}}[{DIGIT}]){{9}}"

BAD_ID = "resident id with a wrong check digit"
BAD_CARD = "bank card with a wrong check digit"

# The first two digits of GB/T 2260, and 83 and 91; then six to eight of a birth date
_PROVINCE = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)"
_MONTH_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_ID_SHAPE = re.compile(rf"{_PROVINCE}[0-9]{{4}}(?:18|19|20)[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}[0-9X]")
_OLD_ID_SHAPE = re.compile(rf"{_PROVINCE}[0-9]{{4}}[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}")
_MOBILE_SHAPE = re.compile(r"1[3-9][0-9]{9}")
# 010, 02x and 0xxx: the area codes of mainland China
_LANDLINE_SHAPE = re.compile(r"0(?:10[2-8][0-9]{7}|2[0-57-9][2-8][0-9]{7}|[3-9][0-9]{2}[2-8][0-9]{6,7})")
_AMERICAN_SHAPE = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")

# How any of them begins, but for bank cards
_BEGINS = re.compile(rf"(?:00)?(?:86)?(?:1[3-9]|0[1-9])|(?:001)?1?[2-9][0-9]{{2}}[2-9]|{_PROVINCE}")

_ID_CONTEXT = re.compile(r"身份|证件|公民|(?<![A-Za-z])(?:ID|[Ii]d(?:entity)?)(?![a-z])")
_PHONE_CONTEXT = re.compile(
    r"电话|手机|拨|打|致电|联系|号码|传真|座机|热线|(?i:tel|phone|mobile|cell|call|fax|contact|reach)"
)
_CARD_CONTEXT = re.compile(
    r"银行|卡号|银联|账号|帐号|账户|帐户|储蓄卡|借记卡|信用卡|工行|建行|农行|中行|招行|交行|转账|退款|打款|汇款|(?i:card|account|bank|refund)"
)
# What calls a number a card of a bank beyond doubt
_BANK_CARD = re.compile(r"银行卡|储蓄卡|借记卡|信用卡|(?i:(?:bank|credit|debit) card)")
_EXTENSION = re.compile(r"\s?(?:转|分机|[Ee]xt\.?)\s?[0-9]{1,6}(?![0-9])")
_SENTENCE_END = re.compile(r"[。；;！？!?0-9０-９]")
_ALONE, _BESIDE = re.compile("1[3-9][0-9]{9}"), re.compile("[^\u3400-\u9fff，。；：、？！,;:]")
_LATIN = re.compile(r"[A-Za-z0-9_]")


def valid_resident_id(number: str) -> bool:
    """Check digit of a resident identity number: GB 11643-1999, ISO 7064:1983 MOD 11-2; a lower-case x is allowed."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()


def valid_luhn(number: str) -> bool:
    """Check digit of a bank card: ISO/IEC 7812-1, annex B."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0


class _Run:
    """A run of pieces of digits in a text."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.pieces = [(piece.start(), piece.end()) for piece in _PIECE.finditer(text, start, end)]
        self.plain = [text[begin:stop].translate(TO_ASCII) for begin, stop in self.pieces]

    def before(self, at: int, length: int = 12) -> str:
        """What stands in front of a piece, in the same sentence and after any other number."""
        begin = self.pieces[at][0]
        return _SENTENCE_END.split(self.text[max(0, begin - length) : begin])[-1]

    def closed(self, first: int, last: int) -> bool:
        """Whether pieces ``first`` to ``last`` are a number by themselves, and no part of a decimal or of a code."""
        begin, end = self.pieces[first][0], self.pieces[last][1]
        left, right = self.text[begin - 1 : begin], self.text[end : end + 1]
        if (first and left in (".", "_", "·")) or (
            _LATIN.match(left) and not _PHONE_CONTEXT.search(self.before(first, 6))
        ):
            return False
        if right in (".", "_") and last + 1 < len(self.pieces) and self.pieces[last + 1][0] == end + 1:
            return False
        return not _LATIN.match(right)

    def letter(self, last: int) -> int:
        """The place after an X that follows a piece as the check digit of a resident id, or -1."""
        found = re.compile(r"[ \n-]?[XxＸｘ](?![A-Za-z0-9])").match(self.text, self.pieces[last][1])
        return found.end() if found else -1


def _find(text: str) -> Iterator[Hit]:
    for match in _RUN.finditer(text):
        if len(match[0]) < 10:
            continue
        if _ALONE.fullmatch(match[0]) and not _BESIDE.match(
            text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
        ):
            yield Hit(match.start(), match.end(), PHONE, match[0])  # most of all by far
            continue
        run = _Run(text, match.start(), match.end())
        at = 0
        while at < len(run.pieces):
            found = _at(run, at)
            if found:
                hit, last = found
                yield hit
                at = last
            at += 1


def _at(run: _Run, first: int) -> tuple[Hit, int] | None:
    """The number that begins at a piece, with the last piece of it."""
    head = "".join(run.plain[first : first + 21])[:21]
    if not _BEGINS.match(head) and not _CARD_CONTEXT.search(run.before(first, 20)):
        return None
    if len(run.plain[first]) == 1 and first and len(run.plain[first - 1]) == 1:
        return None  # in the middle of digits that stand one by one
    digits = ""
    best = None
    for last in range(first, min(first + 19, len(run.pieces))):
        digits += run.plain[last]
        if len(digits) > 19:
            break
        if len(digits) < 10:
            continue
        pieces = tuple(map(len, run.plain[first : last + 1]))
        if hit := _read(run, first, last, digits, pieces):
            best = hit, last
            if hit.sure and hit.kind is RESIDENT_ID:
                break
    return best


def _read(run: _Run, first: int, last: int, digits: str, pieces: tuple[int, ...]) -> Hit | None:
    begin, end = run.pieces[first][0], run.pieces[last][1]
    size = len(digits)

    def hit(kind: Kind, value: str, end: int = end, flag: str | None = None, sure: bool = True) -> Hit:
        return Hit(begin, end, kind, value, flag, sure)

    if size == 17 and (after := run.letter(last)) > 0 and _ID_SHAPE.fullmatch(digits + "X"):
        left = run.text[begin - 1 : begin]
        if _LATIN.match(left):
            return None
        return _resident_id(run, first, hit(RESIDENT_ID, digits + "X", after), pieces)
    if not run.closed(first, last):
        return None
    if size == 18 and _ID_SHAPE.fullmatch(digits):
        return _resident_id(run, first, hit(RESIDENT_ID, digits), pieces)
    if size == 15 and pieces == (15,) and _OLD_ID_SHAPE.fullmatch(digits) and _ID_CONTEXT.search(run.before(first)):
        return hit(RESIDENT_ID, digits)
    if 16 <= size <= 19 and _card_pieces(pieces) and _CARD_CONTEXT.search(run.before(first, 20)):
        right = valid_luhn(digits)
        return hit(
            BANK_CARD,
            digits,
            flag=None if right else BAD_CARD,
            sure=right or bool(_BANK_CARD.search(run.before(first, 20))),
        )
    return _phone(run, first, last, digits, pieces)


def _resident_id(run: _Run, first: int, hit: Hit, pieces: tuple[int, ...]) -> Hit | None:
    if valid_resident_id(hit.value):
        return hit
    if len(pieces) > 1 and not _ID_CONTEXT.search(run.before(first)):
        return None
    # Where the text itself calls it an id, it is one with a typing error; else it may be any number.
    sure = bool(_ID_CONTEXT.search(run.before(first)))
    return Hit(hit.start, hit.end, hit.kind, hit.value, BAD_ID, sure)


def _card_pieces(pieces: tuple[int, ...]) -> bool:
    return len(pieces) == 1 or set(pieces) == {1} or (set(pieces[:-1]) == {4} and pieces[-1] <= 4) or pieces[0] == 6


def _phone(run: _Run, first: int, last: int, digits: str, pieces: tuple[int, ...]) -> Hit | None:
    begin, end = run.pieces[first][0], run.pieces[last][1]
    before = run.before(first, 16)
    plus = before.endswith("+") or digits.startswith("00")
    if plus:
        begin -= before.endswith("+")
    named = bool(_PHONE_CONTEXT.search(before))
    local = digits.removeprefix("00")
    if local.startswith("86") and len(local) in (12, 13) and (plus or named or pieces[0] in (2, 4)):
        local, pieces = local[2:], pieces[1:] or (11,)
        named = named or plus
    if _MOBILE_SHAPE.fullmatch(local):
        usual = pieces in ((11,), (3, 4, 4), (13,), (15,)) or set(pieces) == {1}
        if usual or named or pieces == (3, 8):
            return Hit(begin, end, PHONE, local)
    if _LANDLINE_SHAPE.fullmatch(local) and (named or _area_apart(run, first, last, pieces)):
        begin -= run.text[begin - 1 : begin] in ("(", "（") and begin > 0
        extension = _EXTENSION.match(run.text, end)
        return Hit(begin, extension.end() if extension else end, PHONE, local)
    american = local.removeprefix("1") if len(local) == 11 else local
    if _AMERICAN_SHAPE.fullmatch(american) and pieces[-3:] == (3, 3, 4) and len(pieces) <= 4:
        bracket = run.text[begin - 1 : begin] == "("
        if bracket or plus or named:
            return Hit(begin - bracket, end, PHONE, american)
    return None


def _area_apart(run: _Run, first: int, last: int, pieces: tuple[int, ...]) -> bool:
    """Whether it is ``010-12345678`` or ``(010)12345678``."""
    if len(pieces) != 2 or len(run.plain[first]) not in (3, 4):
        return False
    between = run.text[run.pieces[first][1] : run.pieces[last][0]]
    return between in ("-", "－", "–", "—", ")", "）", ") ", "）-", ")-") and run.before(first, 1) not in ("-", "/")


FINDER = Finder(_SIGN, _find, re.compile(_SIGN).search)
