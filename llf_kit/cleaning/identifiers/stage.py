"""The stage: rows that may hold an identifier go through Python, whole conversations at a time; the others pass by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from llf_kit.cleaning.identifiers.finding import FINDERS, SIGN, again, hits, names_of, replaced, without_overlaps
from llf_kit.cleaning.identifiers.kinds import Hit
from llf_kit.cleaning.identifiers.pseudonyms import Pseudonyms, load_key
from llf_kit.cleaning.identifiers.report import Context, Found
from llf_kit.schema import FLAG, SAMPLE

Mode = Literal["mask", "pseudonym", "reject", "off"]
MODES: tuple[str, ...] = get_args(Mode)

_CLEANED = "\0cleaned"  # a name that no stage gives
_COLUMNS = ("messages", "system", "tools", "rejected", "reason")
_OUT = pl.Struct({**{name: SAMPLE[name] for name in _COLUMNS}, "flags": pl.List(FLAG)})
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
    suspect = pl.any_horizontal(
        pl.col("messages").list.eval(content.str.contains(SIGN)).list.any(),
        *(pl.col(name).str.contains(SIGN) for name in ("system", "tools", "rejected")),
    ).fill_null(False)

    def batch(columns: Sequence[pl.Series]) -> pl.Series:
        *given, suspects = columns
        frame = pl.DataFrame(given)
        if suspects.any():
            frame = _spliced(frame, suspects.arg_true(), policy, found)
        return frame.select(*_COLUMNS, "flags").to_struct()

    inputs = [pl.col(name) for name in (*_COLUMNS, "flags", "source", "row")]
    cleaned = pl.map_batches([*inputs, suspect.alias(_CLEANED)], batch, return_dtype=_OUT, is_elementwise=True)
    out = pl.col(_CLEANED).struct
    return (
        samples.with_columns(cleaned.alias(_CLEANED))
        .with_columns(out.field(name) for name in (*_COLUMNS, "flags"))
        .drop(_CLEANED)
    )


def _spliced(frame: pl.DataFrame, places: pl.Series, policy: Policy, found: Found) -> pl.DataFrame:
    """The frame with its rows at ``places`` rewritten."""
    conversations = _Conversations(frame[places], policy)
    changed = conversations.rewritten()
    found.add(conversations.counts, conversations.flags, conversations.contexts)
    if not changed:
        return frame
    order = pl.int_range(frame.height, eager=True, dtype=pl.UInt32).scatter(
        [int(places[number]) for number in changed], [frame.height + n for n in range(len(changed))]
    )
    rows = pl.DataFrame(list(changed.values()), schema=frame.schema, orient="row")
    return pl.concat([frame, rows])[order]


class _Conversations:
    """Suspect rows, of which some turn out to hold identifiers."""

    def __init__(self, rows: pl.DataFrame, policy: Policy) -> None:
        self.counts: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()
        self.contexts: list[tuple[str, Context]] = []
        self._rows = rows
        self._policy = policy

    def rewritten(self) -> dict[int, dict[str, Any]]:
        """The rows that change, by their number."""
        texts: list[tuple[int, str, int, str]] = []  # row, column, turn, text
        rows = self._rows.to_dicts()
        for number, row in enumerate(rows):
            for turn, message in enumerate(row["messages"] or ()):
                texts.append((number, "messages", turn, (message or {}).get("content") or ""))
            for name in ("system", "tools", "rejected"):
                if row[name]:
                    texts.append((number, name, 0, row[name]))
        chosen = _chosen_finders(pl.Series([text for *_, text in texts], dtype=pl.String))
        of_row: dict[int, list[tuple[str, int, str, int]]] = {}
        for (number, name, turn, text), finders in zip(texts, chosen, strict=True):
            of_row.setdefault(number, []).append((name, turn, text, finders))
        return {number: row for number, row in enumerate(rows) if self._rewrite(row, of_row.get(number, []))}

    def _rewrite(self, row: dict[str, Any], texts: list[tuple[str, int, str, int]]) -> bool:
        """Change a row in place; whether it did."""
        first = [list(hits(text, finders)) if finders else [] for _, _, text, finders in texts]
        names = names_of(hit for some in first for hit in some)
        kinds: set[str] = set()
        flags: set[str] = set()
        for (name, turn, text, _), some in zip(texts, first, strict=True):
            found = without_overlaps([*some, *(again(text, names) if names else ())])
            if not found:
                continue
            self._note(row, text, found)
            flags |= {hit.flag for hit in found if hit.flag}
            kinds |= {hit.kind.name for hit in found if hit.sure}
            new = replaced(text, found, self._policy.stand_in)
            if name == "messages":
                row["messages"][turn] = {**row["messages"][turn], "content": new}
            else:
                row[name] = new
        row["flags"] = [*(row["flags"] or ()), *({"kind": flag, "detail": ""} for flag in sorted(flags))]
        if kinds and self._policy.mode == "reject" and row["reason"] is None:
            row["reason"] = f"it holds identifiers: {', '.join(sorted(kinds))}"
        return bool(kinds or flags)

    def _note(self, row: dict[str, Any], text: str, found: list[Hit]) -> None:
        for hit in found:
            if hit.sure:
                self.counts[hit.kind.name] += 1
            if hit.flag:
                self.flags[hit.flag] += 1
            self.contexts.append(
                (hit.flag or hit.kind.name, Context(row["source"], row["row"], _context(text, found, hit)))
            )


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


def _chosen_finders(texts: pl.Series) -> Iterator[int]:
    """For each text the finders, a bit each, whose sign it has."""
    bits = pl.zeros(len(texts), dtype=pl.UInt16, eager=True)
    for number, finder in enumerate(FINDERS):
        bits = bits + texts.str.contains(finder.sign).cast(pl.UInt16) * (1 << number)
    yield from bits.to_list()
