"""What was found, for the counts that are printed and for the report that only the project's owner can read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from llf_kit.project import write_text

_SHOWN = 20  # contexts a kind


@dataclass(frozen=True, order=True)
class Context:
    """Where one was found: the text around it, masked."""

    source: str
    row: int
    text: str


@dataclass
class Found:
    """Counts of identifiers by kind, of flags by what they say, and the first contexts of each."""

    counts: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    contexts: dict[str, list[Context]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)  # polars may call from several threads

    def add(self, counts: Counter[str], flags: Counter[str], contexts: Iterable[tuple[str, Context]]) -> None:
        """Add what a batch held."""
        with self._lock:
            self.counts.update(counts)
            self.flags.update(flags)
            for kind, context in contexts:
                self.contexts.setdefault(kind, []).append(context)
            for kind, some in self.contexts.items():
                if len(some) > 10 * _SHOWN:
                    self.contexts[kind] = sorted(some)[:_SHOWN]

    def clear(self) -> None:
        """Forget all: the pipeline runs again."""
        for one in (self.counts, self.flags, self.contexts):
            one.clear()

    def write(self, path: Path) -> None:
        """A JSON file for the owner's eyes: counts and masked contexts of every kind."""
        report = {
            "counts": dict(sorted(self.counts.items())),
            "flags": dict(sorted(self.flags.items())),
            "contexts": {
                kind: [f"{one.source}:{one.row}: {one.text}" for one in sorted(some)[:_SHOWN]]
                for kind, some in sorted(self.contexts.items())
            },
        }
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_text(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n", mode=0o600)
