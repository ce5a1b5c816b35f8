"""Identifiers taken out of rows: what stands for them, whole conversations at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from llf_kit.cleaning.identifiers.finding import SIGN, again, hits, names_of, replaced, without_overlaps
from llf_kit.cleaning.identifiers.kinds import PHONE, Hit
from llf_kit.cleaning.identifiers.pseudonyms import Pseudonyms, load_key
from llf_kit.cleaning.identifiers.report import SHOWN, Context, Found
from llf_kit.cleaning.rows import Rows

Mode = Literal["mask", "pseudonym", "reject", "off"]
MODES: tuple[str, ...] = get_args(Mode)

_AROUND = 12  # characters of context on each side


@dataclass(frozen=True)
class Policy:
    """What happens to identifiers; ``pseudonyms`` are set in the mode of that name."""

    mode: str = "mask"
    pseudonyms: Pseudonyms | None = None

    @property
    def stand_in(self) -> Callable[[Hit, bool], str]:
        """What stands for a hit."""
        return self.pseudonyms.of if self.pseudonyms else _placeholder


def policy(mode: str, private: Path, *, keep: bool) -> Policy:
    """The policy of a mode; for pseudonyms with the project's key, which is made and kept in ``private``. Where
    nothing may be written (``keep`` false) and there is none yet, it is a passing one."""
    return Policy(mode, Pseudonyms(load_key(private, keep=keep)) if mode == "pseudonym" else None)


def _placeholder(hit: Hit, chinese: bool) -> str:
    return hit.kind.placeholder(chinese)


def rewrite(rows: Rows, policy: Policy, found: Found) -> None:
    """Take the identifiers out of rows. In the mode ``reject`` such a row gets a reason that names the kinds."""
    marked = rows.texts.str.contains(SIGN).fill_null(False).scatter(rows.labels, False)  # labels name nobody
    if not marked.any():
        return
    if policy.mode == "mask" and found.enough(PHONE.name):
        marked = _lone_numbers(rows, marked, found)
    conversations = _by_row(rows, marked)
    counts: Counter[str] = Counter()
    contexts: dict[str, list[Context]] = {}
    places: list[int] = []
    texts: list[str] = []
    for number, conversation in conversations.items():
        kinds: set[str] = set()
        for place, text, every in _found(conversation):
            for hit in every:
                if hit.sure:
                    counts[hit.kind.name] += 1
                    kinds.add(hit.kind.name)
                if hit.flag:
                    rows.flag(number, hit.flag)
                some = contexts.setdefault(hit.flag or hit.kind.name, [])
                if len(some) < SHOWN:
                    some.append(Context(*rows.place(number), _context(text, every, hit)))
            places.append(place)
            texts.append(replaced(text, every, policy.stand_in))
        if kinds and policy.mode == "reject":
            rows.reasons[number] = f"it holds identifiers: {', '.join(sorted(kinds))}"
    if places:
        rows.texts = rows.texts.scatter(places, pl.Series(texts, dtype=pl.String))
    found.add(counts, contexts)


def _by_row(rows: Rows, marked: pl.Series) -> dict[int, list[tuple[int, str, bool]]]:
    """The conversations with a marked text in them: of each row the place, the text and the mark of every text."""
    chosen = rows.numbers.is_in(rows.numbers.filter(marked).unique().implode()).arg_true()
    columns = chosen, rows.texts.gather(chosen), marked.gather(chosen)
    conversations: dict[int, list[tuple[int, str, bool]]] = {}
    for number, place, text, mark in zip(rows.numbers.gather(chosen), *columns, strict=True):
        if text:
            conversations.setdefault(number, []).append((place, text, mark))
    return conversations


def _found(conversation: list[tuple[int, str, bool]]) -> Iterator[tuple[int, str, list[Hit]]]:
    """The texts of a conversation that hold identifiers; a name that one of them proves is found in all."""
    first = [hits(text) if mark else [] for _, text, mark in conversation]
    names = names_of(first)
    for (place, text, _), some in zip(conversation, first, strict=True):
        if some or names:
            every = without_overlaps([*some, *again(text, names)] if names else some)
            if every:
                yield place, text, every


# A mobile number between Chinese characters or punctuation, and nothing else in the text: the commonest case by far,
# which the engine can do by itself. What is not so plain is left to Python.
_LONE = "(^|[\u3400-\u9fff，。：；、！？])1[3-9][0-9]{9}($|[\u3400-\u9fff，。；、！？])"


def _lone_numbers(rows: Rows, marked: pl.Series, found: Found) -> pl.Series:
    """Mask the mobile numbers of texts that hold nothing else; the texts that are left."""
    text, masked = pl.col("text"), pl.col("masked")
    lone = (text.str.count_matches(_LONE) > 0) & text.str.contains("[\u3400-\u9fff]") & ~masked.str.contains(SIGN)
    seen = pl.DataFrame({"number": rows.numbers, "text": rows.texts}).with_row_index("place").lazy()
    done = (
        seen.filter(marked)
        .with_columns(masked=text.str.replace_all(_LONE, f"${{1}}{PHONE.chinese}${{2}}"))
        # A row of which another text is left stays whole: its names are looked for in all its texts.
        .filter(lone.all().over("number"))
        .select("place", "masked", count=text.str.count_matches(_LONE))
        .collect()
    )
    rows.texts = rows.texts.scatter(done["place"], done["masked"])
    found.add(Counter({PHONE.name: int(done["count"].sum())}), {})
    return marked.scatter(done["place"], False)


def _context(text: str, found: list[Hit], hit: Hit) -> str:
    """What stands around a hit, with every hit in it masked: also the one that is flagged and left in the data."""
    parts: list[str] = []
    done = max(0, hit.start - _AROUND)
    end = min(len(text), hit.end + _AROUND)
    for other in found:
        if other.end > done and other.start < end:
            parts += (text[done : other.start], other.kind.chinese)
            done = other.end
    return "".join((*parts, text[done:end])).replace("\n", " ")
