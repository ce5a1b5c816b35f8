"""What text cleaning changed: how often each kind, and the first of each, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import polars as pl

_AROUND = 16  # characters of context on each side
_TRIED = 50  # texts looked through for an example that may be shown


@dataclass
class Changes:
    """Texts changed by kind. ``examples`` are (before, after), of texts in which ``private`` finds nothing."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)
    private: Callable[[str], bool] = lambda _: False
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
                public = (pair for pair in pairs if not self.private(pair[1]) and not self.private(pair[0]))
                if pair := next(public, None):
                    self.examples[kind] = _around(*pair)

    def clear(self) -> None:
        """Forget all: the pipeline runs again."""
        self.counts.clear()
        self.examples.clear()


def _around(before: str, after: str) -> tuple[str, str]:
    """The first place where two texts differ, with a little of what stands around it."""
    same = next(
        (at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    start = max(0, same - _AROUND)
    return before[start : same + 2 * _AROUND], after[start : same + 2 * _AROUND]
