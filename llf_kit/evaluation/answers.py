"""What an answer says: its letters, its label, its JSON. The same for every model, whoever is compared with whom.

Values with their units are read by :mod:`llf_kit.quantities`. Thoughts (``<think>…</think>``) are no part of an answer.
None means that the answer says nothing of the kind; whether that is wrong or not scored is said by each metric.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

_THOUGHT = re.compile(r"^.*</think>", re.DOTALL)
_FENCE = re.compile(r"```[A-Za-z]*[ \t]*\n(.*?)```", re.DOTALL)
_DECORATION = str.maketrans(dict.fromkeys("*`_", ""))  # bold and code of Markdown
_WIDE = str.maketrans("ＡＢＣＤＥＦＧＨ（）．：，；", "ABCDEFGH().:,;")

# `A、C` `A, C` `A和C` `A and C` `ACD` `(B)`
_BETWEEN = r"(?:[ ]?(?:,|、|;|；|/|和|及|与|and|&)[ ]?)"
# at most eight, so that a long row of letters is not read again from each of them
_RUN = rf"[(\[]?([A-H](?:(?:{_BETWEEN}|[)\]]{_BETWEEN}?[(\[])?[A-H]){{0,7}})[)\]]?"
# Behind letters: no word goes on (`CEA-125`, `Blood`), and no thing that is named by a letter (`A型血`, `B超`, `T细胞`)
_END = r"(?![A-Za-z0-9+-]|[ ]?(?:型|超|族|组|细胞|淋巴|肝|链))"
_SAYS = (
    r"(?:答案|正确选项|正确答案|标准答案|选项)(?:应该|应当|应|就)?(?:为|是|选择?)?[ ]?[:]?|"
    r"(?<![不别非没勿])(?:应选择?|故选择?|因此选择?|所以选择?|我选择?|本题选择?|选择|选)[ ]?[:]?|而是|"
    r"(?i:(?:the )?(?:correct |right |final |best )*(?:answers?|options?|choices?)"
    r"(?: (?:is|are|would be|should be))?[ ]?[:]?|i (?:would )?(?:choose|select|pick))"
)
_VERDICT = re.compile(rf"(?:{_SAYS})\s*{_RUN}{_END}")
_RIGHT = r"(?:是正确的|正确|为正确|(?i:is correct|is right|is the (?:correct|right)))"
_BEHIND = re.compile(rf"{_RUN}[ ]?(?:项|选项)?{_RIGHT}")
_WHOLE = re.compile(rf"\s*{_RUN}\s*[.。;,!！]?\s*")
_FIRST = re.compile(r"\s*[(\[]?([A-H])(?:[)\]]|[.、:,](?![A-Za-z0-9])|[.、:][ ]?|\n)")
# Options with their texts: `A. 血钾；C. 血钠`
_LISTED = re.compile(r"(?:^|[;；,，、\n])\s*[(]?([A-H])(?:[)]|[.、:])")
_OPTION = re.compile(r"(?m)^[ \t]*[(（]?([A-H])[)）.．、:：][ \t]*(\S.*?)[ \t]*$")


def said(text: str) -> str:
    """``text`` without the thoughts before it and the blanks around it."""
    return _THOUGHT.sub("", text).strip()


def options(question: str) -> dict[str, str]:
    """The options that stand in a question, a line each (``A. …``): letters from A without a gap, two at least."""
    found = dict(_OPTION.findall(question))
    return found if len(found) > 1 and "".join(sorted(found)) == "ABCDEFGH"[: len(found)] else {}


def letters(text: str, known: Mapping[str, str] | None = None) -> str | None:
    """The letters that an answer to a multiple choice question gives, sorted (``B``, ``ACD``); None without any.

    In this order: letters that stand alone (``B``, ``A、C``, ``(D)``); the last verdict (``答案：B``, ``故选 AC``,
    ``the answer is (B)``, ``B项正确``); a letter that opens the answer (``B. 高钾血症``); else the one option of
    ``known`` (letters with their texts) whose text is the answer. With ``known``, letters outside of it are none.
    """
    plain = said(text).translate(_DECORATION).translate(_WIDE)
    if re.fullmatch(r"[(]?[a-h][).。]?", plain):
        plain = plain.upper()
    whole = _WHOLE.fullmatch(plain)
    if whole and (found := _sorted(whole[1], known)):
        return found
    verdicts = [*_VERDICT.finditer(plain), *_BEHIND.finditer(plain)]
    for match in sorted(verdicts, key=lambda match: match.start(), reverse=True):
        more = plain[match.end(1) :].split("\n\n")[0]
        listed = _LISTED.findall(more) if re.match(r"[)]?[.、:]", more) else []
        if found := _sorted(match[1] + "".join(listed), known, ordered=not listed):
            return found
    first = _FIRST.match(plain)
    if first and (found := _sorted(first[1] + "".join(_LISTED.findall(plain[first.end() :])), known, ordered=False)):
        return found
    bare = _bare(plain)
    same = [letter for letter, option in (known or {}).items() if bare and _bare(option) == bare]
    return same[0] if len(same) == 1 else None


def _sorted(run: str, known: Mapping[str, str] | None, *, ordered: bool = True) -> str | None:
    """The letters of a run; letters without anything between them have to be in order: `CEA` is a marker of tumours."""
    found = re.findall("[A-H]", run)
    if ordered and len(found) > 1 and run.isalpha() and run.isascii() and found != sorted(set(found)):
        return None
    if known and not set(found) <= known.keys():
        return None
    return "".join(sorted(set(found))) or None


def label(text: str, labels: Collection[str]) -> str | None:
    """The one of ``labels`` that an answer gives; None where it gives none, or more than one.

    The whole answer, else its first line, else the only label that stands in it; one that stands in a longer one
    (``溶血`` in ``轻度溶血``) does not count there. Case, blanks and punctuation at the ends do not matter.
    """
    bare = {_bare(one): one for one in labels}
    plain = said(text)
    for part in (plain, plain.split("\n")[0]):
        if _bare(part) in bare:
            return bare[_bare(part)]
    within, found = _bare(plain), []
    for one in sorted(bare, key=len, reverse=True):
        edge = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
        pattern = f"{edge[0] if one[:1].isascii() else ''}{re.escape(one)}{edge[1] if one[-1:].isascii() else ''}"
        if one and re.search(pattern, within):
            found.append(bare[one])
            within = re.sub(pattern, "\0", within)
    return found[0] if len(found) == 1 else None


def _bare(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip(" \t\r\n。.,，;；:：!！?？\"'“”‘’「」【】[]*`")).casefold()


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object of an answer: the whole of it, the last one in fences, or the first one in its prose.

    None where there is none, or where a number in it is none of JSON (``NaN``).
    """
    plain = said(text)
    for part in (plain, *reversed(_FENCE.findall(plain))):
        if (found := _object(part)) is not None:
            return found
    start = plain.find("{")
    for _ in range(_TRIES):  # each try reads on to the first mistake, so there is a limit to them
        if start < 0:
            return None
        try:
            value, _ = _DECODER.raw_decode(plain, start)
            return value if isinstance(value, dict) else None
        except (ValueError, RecursionError):
            start = plain.find("{", start + 1)
    return None


_TRIES = 50


def _no_number(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_number)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
