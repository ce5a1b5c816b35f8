"""All finders over a text: what they found, without overlaps, and the text with something else in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from llf_kit.cleaning.identifiers import (
    dates,
    digits,
    labelled,
    names_chinese,
    names_english,
    online,
    places,
)
from llf_kit.cleaning.identifiers.kinds import NAME, Finder, Hit
from llf_kit.schema import CJK

# Where two overlap, that of the earlier finder is taken.
FINDERS: tuple[Finder, ...] = (
    online.FINDER,
    digits.FINDER,
    labelled.FINDER,
    dates.FINDER,
    places.FINDER,
    names_chinese.FINDER,
    names_english.FINDER,
)
SIGN = "|".join(f"(?:{finder.sign})" for finder in FINDERS)

_BARE_BEFORE, _BARE_AFTER = re.compile(r"[:\[,]\s*$"), re.compile(r"\s*[,\]}]")  # around a JSON number
_MOST_NAMES = 50  # that are looked for in the rest of a conversation


def find(text: str) -> list[Hit]:
    """The identifiers in a text, in their order; they do not overlap."""
    return without_overlaps(hits(text))


def hits(text: str) -> list[Hit]:
    """What every finder finds, those of earlier finders first."""
    found: list[Hit] = []
    for finder in FINDERS:
        if finder.may(text):
            found += finder.find(text)
    return found


def without_overlaps(found: list[Hit]) -> list[Hit]:
    """The hits in their order in the text. Those that overlap become one, of the kind that was found first; one that
    is not sure gives way."""
    if len(found) < 2:
        return found
    numbered = sorted(enumerate(found), key=lambda one: (one[1].start, one[0]))
    kept: list[tuple[tuple[bool, int], Hit]] = []
    for number, hit in numbered:
        rank = not hit.sure, number
        if not kept or kept[-1][1].end <= hit.start:
            kept.append((rank, hit))
            continue
        before, other = kept[-1]
        best = other if before < rank else hit
        end = max(other.end, hit.end)
        kept[-1] = min(before, rank), Hit(other.start, end, best.kind, best.value, other.flag or hit.flag, best.sure)
    return [hit for _, hit in kept]


def names_of(found: Iterable[list[Hit]]) -> set[str]:
    """The full names among hits: those that may stand in the rest of the conversation without a label."""
    names = {hit.value for some in found for hit in some if hit.kind is NAME}
    return {name for name in names if "某" not in name and (" " in name or (len(name) >= 2 and CJK.match(name)))}


def again(text: str, names: set[str]) -> Iterator[Hit]:
    """Where those names stand once more."""
    some = sorted(names, key=len, reverse=True)[:_MOST_NAMES]
    for match in re.finditer("|".join(map(re.escape, some)), text):
        # Two characters may be the middle of other words.
        if len(match[0]) == 2 and CJK.match(text[match.start() - 1 : match.start()]):
            continue
        yield Hit(match.start(), match.end(), NAME, match[0])


def replaced(text: str, found: list[Hit], stand_in: Callable[[Hit, bool], str]) -> str:
    """The text with something else for each hit that is sure; JSON stays JSON."""
    chinese = bool(CJK.search(text))
    json = text[:1] in ("{", "[")
    parts: list[str] = []
    done = 0
    for hit in found:
        if not hit.sure:
            continue
        new = stand_in(hit, chinese)
        if json and _BARE_BEFORE.search(text, max(0, hit.start - 4), hit.start) and _BARE_AFTER.match(text, hit.end):
            new = f'"{new}"'
        parts += (text[done : hit.start], new)
        done = hit.end
    return "".join((*parts, text[done:]))
