"""The stage: rows that may hold an identifier go through Python, whole conversations at a time; the others pass by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from llf_kit.cleaning.identifiers.finding import SIGN, again, hits, names_of, replaced, without_overlaps
from llf_kit.cleaning.identifiers.kinds import Hit
from llf_kit.cleaning.identifiers.pseudonyms import Pseudonyms, load_key
from llf_kit.cleaning.identifiers.report import SHOWN, Context, Found
from llf_kit.schema import FLAG, SAMPLE

Mode = Literal["mask", "pseudonym", "reject", "off"]
MODES: tuple[str, ...] = get_args(Mode)

_CLEANED = "\0cleaned"  # a name that no stage gives
_COLUMNS = ("messages", "system", "tools", "rejected", "reason")
_OUT = pl.Struct({**{name: SAMPLE[name] for name in _COLUMNS}, "flags": pl.List(FLAG)})
_BESIDE = ("system", "tools", "rejected")  # texts that stand beside the turns
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


def stage(samples: pl.LazyFrame, policy: Policy, found: Found) -> pl.LazyFrame:
    """LazyFrame of samples with ``flags`` → the same columns without identifiers; ``found`` is filled as it runs.

    In the mode ``reject`` such a row gets a reason that names the kinds.
    """
    content = pl.element().struct.field("content")
    signs = [
        pl.col("messages").list.eval(content.str.contains(SIGN)),
        *(pl.col(name).str.contains(SIGN) for name in _BESIDE),
    ]

    def batch(columns: Sequence[pl.Series]) -> pl.Series:
        frame, found_signs = pl.DataFrame(columns[: -len(signs)]), columns[-len(signs) :]
        turns, *beside = found_signs
        suspects = pl.select(pl.any_horizontal(turns.list.any(), *beside).fill_null(False)).to_series()
        if suspects.any():
            places = suspects.arg_true()
            rows = zip(*(column.gather(places).to_list() for column in found_signs), strict=True)
            marks = [[*(turns or ()), *others] for turns, *others in rows]
            frame = _spliced(frame, places, marks, policy, found)
        return frame.select(*_COLUMNS, "flags").to_struct()

    inputs = [pl.col(name) for name in (*_COLUMNS, "flags", "source", "row")]
    marks = [sign.alias(f"{_CLEANED}{number}") for number, sign in enumerate(signs)]
    cleaned = pl.map_batches([*inputs, *marks], batch, return_dtype=_OUT, is_elementwise=True)
    out = pl.col(_CLEANED).struct
    return (
        samples.with_columns(cleaned.alias(_CLEANED))
        .with_columns(out.field(name) for name in (*_COLUMNS, "flags"))
        .drop(_CLEANED)
    )


def _spliced(
    frame: pl.DataFrame, places: pl.Series, marks: list[list[bool | None]], policy: Policy, found: Found
) -> pl.DataFrame:
    """The frame with its rows at ``places`` rewritten; ``marks`` say which of a row's texts have a sign."""
    rows = frame[places]
    conversations = _Conversations(rows, policy)
    changed = conversations.rewrite(marks)
    found.add(conversations.counts, conversations.contexts)
    if not changed:
        return frame
    new = conversations.columns(rows[changed])
    at = places[changed]
    # For each row of the frame the number of its new version, or null; to gather so is cheaper than to rebuild.
    number = pl.repeat(None, frame.height, dtype=pl.UInt32, eager=True).scatter(at, range(len(changed)))
    untouched = number.is_null()
    return frame.with_columns(frame[name].zip_with(untouched, column.gather(number)) for name, column in new.items())


class _Conversations:
    """Suspect rows, of which some turn out to hold identifiers."""

    def __init__(self, rows: pl.DataFrame, policy: Policy) -> None:
        self.counts: Counter[str] = Counter()
        self.contexts: dict[str, list[Context]] = {}
        self._mode, self._stand_in = policy.mode, policy.stand_in
        contents = rows["messages"].list.eval(pl.element().struct.field("content")).to_list()
        beside = [rows[name].to_list() for name in _BESIDE]
        # A row's texts: its turns, and the three that stand beside them.
        self._texts = [[*(turns or ()), *others] for turns, *others in zip(contents, *beside, strict=True)]
        self._reasons = rows["reason"].to_list()
        self._flags: dict[int, list[str]] = {}
        self._sources, self._numbers = rows["source"], rows["row"]

    def rewrite(self, marks: list[list[bool | None]]) -> list[int]:
        """Change texts, reasons and flags; the numbers of the rows that changed."""
        changed = [number for number, row in enumerate(marks) if self._rewrite(number, self._texts[number], row)]
        self._texts = [self._texts[number] for number in changed]
        self._reasons = [self._reasons[number] for number in changed]
        self._flags = {place: self._flags[number] for place, number in enumerate(changed) if number in self._flags}
        return changed

    def columns(self, rows: pl.DataFrame) -> dict[str, pl.Series]:
        """The new columns of the rows that changed."""
        turns = pl.DataFrame({"number": range(rows.height), "message": rows["messages"]}).explode("message")
        turns = turns.filter(pl.col("message").is_not_null())
        contents = pl.Series([text for texts in self._texts for text in texts[: -len(_BESIDE)]], dtype=pl.String)
        message = pl.col("message").struct.with_fields(content=contents)
        messages = turns.with_columns(message).group_by("number", maintain_order=True).agg("message")
        if messages.height < rows.height:  # some have no turns
            messages = pl.DataFrame({"number": range(rows.height)}).join(messages, on="number", how="left")
        new = {"messages": messages["message"]}
        for place, name in enumerate(_BESIDE, -len(_BESIDE)):
            new[name] = pl.Series([texts[place] for texts in self._texts], dtype=pl.String)
        new["reason"] = pl.Series(self._reasons, dtype=pl.String)
        if self._flags:
            more = [
                [{"kind": kind, "detail": ""} for kind in self._flags.get(place, ())] for place in range(rows.height)
            ]
            frame = pl.DataFrame({"before": rows["flags"], "more": pl.Series(more, dtype=pl.List(FLAG))})
            new["flags"] = frame.select(pl.concat_list("before", "more")).to_series()
        return new

    def _rewrite(self, number: int, texts: list[str | None], marks: list[bool | None]) -> bool:
        """Change the texts of a row in place; whether there was anything."""
        first = [hits(text) if mark and text else [] for text, mark in zip(texts, marks, strict=True)]
        if not any(first):
            return False
        names = names_of(first)
        kinds: set[str] = set()
        flags: set[str] = set()
        for place, some in enumerate(first):
            text = texts[place]
            if not text or not (some or names):
                continue
            found = without_overlaps([*some, *again(text, names)] if names else some)
            if not found:
                continue
            for hit in found:
                if hit.sure:
                    self.counts[hit.kind.name] += 1
                    kinds.add(hit.kind.name)
                if hit.flag:
                    flags.add(hit.flag)
                contexts = self.contexts.setdefault(hit.flag or hit.kind.name, [])
                if len(contexts) < SHOWN:
                    contexts.append(Context(self._sources[number], self._numbers[number], _context(text, found, hit)))
            texts[place] = replaced(text, found, self._stand_in)
        if flags:
            self._flags[number] = sorted(flags)
        if kinds and self._mode == "reject" and self._reasons[number] is None:
            self._reasons[number] = f"it holds identifiers: {', '.join(sorted(kinds))}"
        return bool(kinds or flags)


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
