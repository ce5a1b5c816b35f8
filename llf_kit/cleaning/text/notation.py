"""Numbers and units: full-width characters inside them, superscripts that were lost, and powers in one notation."""

from __future__ import annotations

import re
from typing import Literal, get_args

from llf_kit.cleaning.text.rules import Rule, each

Notation = Literal["keep", "superscript", "caret"]
NOTATIONS: tuple[str, ...] = get_args(Notation)

_WIDE = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
_TO_ASCII = {code: ascii_ for code, ascii_ in _WIDE.items() if chr(ascii_).isalnum() or chr(ascii_) in "%/.:"}
_ALNUM = "0-9０-９A-Za-zＡ-Ｚａ-ｚ"
_TOKEN = re.compile(rf"[{_ALNUM}％／．：%/.:^μµ²³⁰¹⁴-⁹⁻×]+")
_INNER = re.compile(
    rf"(?<=[{_ALNUM}²³％%])／(?=[{_ALNUM}μµ])|(?<=[0-9０-９])[．：](?=[0-9０-９])|(?<=[0-9０-９])％|[０-９Ａ-Ｚａ-ｚ]"
)
# A number at the beginning of a line or a clause may be that of a list: "1．5% 葡萄糖" is item 1.
_ITEM = re.compile(r"[0-9０-９]{1,2}[．：](?![0-9０-９]{1,3} ?[～~×–—-])")
_CLAUSE = re.compile(r"(?:^|[\n。；;，,、：:）)]\s*)$")
_ATOM = r"(?:[numkdcpf]?(?:mol|g|L|l|U|IU|m|s|Pa|Hz|Eq|Osm|cal|J|V|A|W|Gy|Sv|Bq)|μ(?:mol|g|L|l|U|IU|m|s)|min|h|d|mmHg|rpm|CFU|cfu|ppm|24h|%)"
_UNIT = re.compile(rf"{_ATOM}[0-9²³]?(?:/{_ATOM}[0-9²³]?){{0,2}}")


def _narrow(text: str) -> str:
    """ASCII for full-width digits, letters and ``％／．：``, only inside a number or a unit."""

    def token(match: re.Match[str]) -> str:
        found = match[0]
        if not any(ord(char) in _TO_ASCII for char in found):
            return found
        item = _ITEM.match(text, match.start())
        start = (
            item.end() - match.start() if item and _CLAUSE.search(text, max(0, match.start() - 3), match.start()) else 0
        )
        if re.search("[0-9０-９]", found):
            return found[:start].translate(_DIGITS) + _INNER.sub(
                lambda inner: inner[0].translate(_TO_ASCII), found[start:]
            )
        unit = found.translate(_TO_ASCII)
        return unit if "／" in found and _UNIT.fullmatch(unit) else found

    return _TOKEN.sub(token, text)


_DIGITS = {code: ascii_ for code, ascii_ in _TO_ASCII.items() if chr(ascii_).isdigit()}

_TIMES = "×✕✖⨯*＊"
_RAISED = str.maketrans("0123456789-−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")

# A multiplication sign, 10 and an exponent that blood counts have, by litre (10⁶, 10⁹, 10¹²) or by a smaller volume
# (10³, 10⁶ and, of cultures and copies, 10³ to 10⁸): nothing else reads so. WS/T 405-2012 gives the units of counts.
_LOST = re.compile(
    rf"(?P<times>[{_TIMES}]|(?<![A-Za-z])[xX]) ?10 ?(?:(?P<litre>6|9|12)(?= ?/ ?[Ll](?![A-Za-z]))|(?P<small>3|6)(?= ?/ ?(?:[muμ]?[Ll](?![A-Za-z])|mm[3³]))|"
    r"(?P<culture>[3-8])(?= ?(?:CFU|cfu|copies|拷贝|IU)/m[Ll](?![A-Za-z])))"
)
LOST_SIGN = rf"[{_TIMES}xX] ?10 ?(?:1?[0-9]) ?(?:/|CFU|cfu|copies|拷贝|IU)"
# A power that may be lost, where nothing proves it; begins with rare characters, for every text is looked through
DOUBTFUL = rf"[{_TIMES}] ?10(?:[3-9]|1[0-2])(?:[^0-9.,%=^⁰¹²³⁴-⁹]|$)|10(?:9|12) ?/ ?[Ll](?:[^A-Za-z]|$)"


def _mend(notation: str) -> Rule:
    def mended(match: re.Match[str]) -> str:
        power = match["litre"] or match["small"] or match["culture"]
        return f"×10^{power}" if notation == "caret" else f"×10{power.translate(_RAISED)}"

    return Rule("lost superscript", LOST_SIGN, each(lambda text: _LOST.sub(mended, text)))


_CARET = re.compile(
    r"(?P<base>(?<![0-9.])10|(?<![A-Za-z])(?:[mcdkμ]?m|s|h|min))\s?\^\s?(?P<brace>\{)?(?P<power>[-−+]?[0-9]{1,2})(?(brace)\}|(?![0-9.]))"
)
_RAISED_POWER = re.compile(
    r"(?P<base>(?<![0-9.])10|(?<![A-Za-z])(?:[mcdkμ]?m|s|h|min))(?P<power>[⁻⁺]?[⁰¹²³⁴-⁹]+)(?![⁺⁻])"
)
# UCUM writes 10*9/L.
_STAR = re.compile(r"(?<![0-9.])10\*(?P<power>3|6|9|12)(?=/[muμ]?[Ll](?![A-Za-z]))")
_TIMES_POWER = re.compile(r"(?<![A-Za-z])(?P<times>[xX*＊✕✖⨯])(?= ?10(?:\^|[⁻⁰¹²³⁴-⁹]))")


def _one_notation(notation: str) -> Rule:
    """Powers of ten and of units as ``10⁹`` or as ``10^9``, after ``×``."""

    def raised(match: re.Match[str]) -> str:
        return match["base"] + match["power"].translate(_RAISED)

    def lowered(match: re.Match[str]) -> str:
        return f"{match['base']}^{match['power'].translate(_LOWERED)}"

    def change(text: str) -> str:
        text = _STAR.sub(lambda match: f"10^{match['power']}", text)
        text = _CARET.sub(raised, text)
        text = _RAISED_POWER.sub(lowered, text) if notation == "caret" else text
        return _TIMES_POWER.sub("×", text)

    return Rule("notation of powers", r"\^|10\*|[⁻⁺⁰¹²³⁴-⁹]", each(change))


def rules(notation: str) -> tuple[Rule, ...]:
    """The rules of this concern: full-width first, so that the others find what they look for."""
    wide = Rule("full-width in a number", "[０-９Ａ-Ｚａ-ｚ％／．]|[0-9]：[0-9]", each(_narrow))
    return (wide, _mend(notation), *(() if notation == "keep" else (_one_notation(notation),)))
