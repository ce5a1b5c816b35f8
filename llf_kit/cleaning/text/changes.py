"""What text cleaning changed: how often each kind, and the first of each, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import polars as pl

_AROUND = 16  # characters of context on each side
_TRIED = 50  # texts looked through for an example that may be shown


@dataclass
class Changes:
    """Texts changed by kind. ``examples`` are (before, after), cut so that nothing ``private`` finds (as places) is in
    them."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)
    private: Callable[[str], Sequence[tuple[int, int]]] = lambda _: ()
    _lock: Lock = field(default_factory=Lock, repr=False)  # polars may call from several threads

    def note(self, kind: str, before: pl.Series, after: pl.Series) -> None:
        """Count what differs."""
        different = before != after
        number = int(different.sum())
        if not number:
            return
        with self._lock:
            self.counts[kind] += number
            if kind not in self.examples:
                pairs = zip(before.filter(different).head(_TRIED), after.filter(different).head(_TRIED), strict=True)
                if shown := next(filter(None, (self._shown(*pair) for pair in pairs)), None):
                    self.examples[kind] = shown

    def _shown(self, before: str, after: str) -> tuple[str, str] | None:
        """The first place where two texts differ, with a little of what stands around it, if that is not private."""
        pairs = enumerate(zip(before, after, strict=False))
        same = next((at for at, (a, b) in pairs if a != b), min(len(before), len(after)))
        start, end = max(0, same - _AROUND), same + 2 * _AROUND
        # What is private in one is looked for a little further in the other: they differ in length.
        for text in (before, after):
            if any(first < end + 2 * _AROUND and last > start for first, last in self.private(text)):
                return None
        return before[start:end], after[start:end]

    def clear(self) -> None:
        """Forget all: the pipeline runs again."""
        self.counts.clear()
        self.examples.clear()
