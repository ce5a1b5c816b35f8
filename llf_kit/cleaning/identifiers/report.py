"""What was found, for the counts that are printed and for the report that only the project's owner can read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from llf_kit.project import write_text

SHOWN = 20  # contexts a kind


@dataclass(frozen=True, order=True)
class Context:
    """Where one was found: the text around it, masked."""

    source: str
    row: int
    text: str


@dataclass
class Found:
    """Counts of identifiers by kind, and the first contexts of each kind and flag."""

    counts: Counter[str] = field(default_factory=Counter)
    contexts: dict[str, list[Context]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)  # polars may call from several threads

    def add(self, counts: Counter[str], contexts: Mapping[str, list[Context]]) -> None:
        """Add what a batch held."""
        with self._lock:
            self.counts.update(counts)
            for kind, some in contexts.items():
                self.contexts[kind] = sorted((*self.contexts.get(kind, ()), *some))[:SHOWN]

    def enough(self, kind: str) -> bool:
        """Whether there are contexts enough of a kind."""
        return len(self.contexts.get(kind, ())) >= SHOWN

    def clear(self) -> None:
        """Forget all: the pipeline runs again."""
        for one in (self.counts, self.contexts):
            one.clear()

    def write(self, path: Path) -> None:
        """A JSON file for the owner's eyes: counts of every kind, and masked contexts of every kind and flag."""
        report = {
            "counts": dict(sorted(self.counts.items())),
            "contexts": {
                kind: [f"{one.source}:{one.row}: {one.text}" for one in some]
                for kind, some in sorted(self.contexts.items())
            },
        }
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_text(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n", mode=0o600)
