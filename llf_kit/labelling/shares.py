"""Shares of labels: what a dataset has, what its user wants, and what is wrong with what is wanted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from llf_kit.errors import ConfigError

UNKNOWN = "unknown"  # how a row without a label is named in shares
_WHERE = "llf-kit.yaml: shares"
_ROUNDING = 0.005  # by which the sum may miss one


@dataclass(frozen=True)
class Share:
    """One label: its rows, their share of all (0 to 1), and the share that is wanted, if one is."""

    label: str
    rows: int
    share: float
    target: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


def compare(counts: Mapping[str, int], targets: Mapping[str, float]) -> list[Share]:
    """Every label that has rows or a target, the most frequent first."""
    total = sum(counts.values()) or 1
    labels = sorted({**counts, **targets}, key=lambda label: (-counts.get(label, 0), label))
    return [Share(label, counts.get(label, 0), counts.get(label, 0) / total, targets.get(label)) for label in labels]


def problems(counts: Mapping[str, int], targets: Mapping[str, float]) -> list[str]:
    """What is wrong with the targets by themselves, and against the rows there are, a sentence each."""
    found = wrong(targets)
    for label, target in targets.items():
        if target and label.strip() and not counts.get(label):
            found.append(
                f"{_WHERE}: {label}: wants {target:.0%}, and no row has this label. Label rows, or take it out."
            )
    for label, number in counts.items():
        if targets and label not in targets:
            found.append(f"{_WHERE}: {label}: has {number} rows and no share. Give it one; 0 leaves its rows out.")
    return found


def wrong(targets: Mapping[str, float]) -> list[str]:
    """What is wrong with the targets by themselves."""
    found = []
    for label, target in targets.items():
        if not label.strip():
            found.append(f"{_WHERE}: a label has no name. Give it one; rows without a label are {UNKNOWN!r}.")
        if not math.isfinite(target) or not 0 <= target <= 1:
            found.append(f"{_WHERE}: {label}: {target:g} is no share. Give a number from 0 to 1.")
    total = sum(targets.values())
    if targets and math.isfinite(total) and abs(total - 1) > _ROUNDING:
        found.append(f"{_WHERE}: they sum to {total:.4g}, not to 1. Correct them.")
    return found


def check(counts: Mapping[str, int], targets: Mapping[str, float]) -> None:
    """Raise ConfigError with all that is wrong, or where there are no targets at all."""
    if not targets:
        raise ConfigError(f"{_WHERE}: there are none. Write `shares:` with a line `label: share` each.")
    if found := problems(counts, targets):
        raise ConfigError(*found)
