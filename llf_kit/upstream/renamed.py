"""The keys that LLaMA-Factory took once, and what to write instead; data, in ``renamed.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from llf_kit.project import read_yaml


@dataclass(frozen=True)
class Renamed:
    """An old key: ``new`` is None where nothing does the same, ``since`` is the first ``package`` without it."""

    old: str
    new: str | None
    package: str
    since: str
    note: str

    @property
    def same(self) -> bool:
        """Whether the line only needs its new name."""
        return self.new is not None and self.note == "The value stays the same."


@cache
def renamed() -> dict[str, Renamed]:
    """Every old key that is known. Look here only for a key that the schema lacks: ``use_cache`` has come back."""
    entries = read_yaml(Path(__file__).with_suffix(".yaml"))
    return {old: Renamed(old=old, **fields) for old, fields in entries.items()}
