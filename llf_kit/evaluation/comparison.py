"""Two evaluations of the same dataset against each other: what they differ by, how sure that is, and where it is worse.

The differences are of the same rows, pair by pair; :mod:`llf_kit.evaluation.comparing` makes them.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["better", "worse", "equal", "few"]


@dataclass(frozen=True)
class Difference:
    """One metric of two evaluations over the ``rows`` that both have scored; ``difference`` is other minus base.

    ``low`` and ``high`` are the ends of the paired bootstrap's 95 % interval of the difference. ``p`` is that of
    ``test``: McNemar's exact test where every score is right or wrong, else the paired test by random signs. ``holm``
    is ``p`` after Holm's correction, where several sub-scenarios are tested. ``effect`` is the odds ratio of the
    discordant pairs (wins over losses, with 0.5 added to both where one is 0) or Cohen's d of the paired differences.
    A win is a row where the other is better, whichever way the metric points. ``outcome`` is ``few`` where there are
    too few rows to say; ``equal`` means that no difference is shown, not that there is none.
    """

    metric: str
    rows: int
    base: float | None
    other: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    holm: float | None
    test: Literal["mcnemar", "signs"]
    effect: float | None
    effect_kind: Literal["odds_ratio", "cohens_d"]
    wins: int
    ties: int
    losses: int
    outcome: Outcome


@dataclass(frozen=True)
class Change:
    """One row and its score of the main metric before and after; answers are as the models gave them."""

    place: str
    question: str
    scenario: str | None
    wanted: str
    base_answer: str | None
    other_answer: str | None
    base: float
    other: float
    note: str


@dataclass(frozen=True)
class Spread:
    """A metric over several ``runs`` (seeds, folds); ``deviation`` is the sample standard deviation."""

    runs: int
    mean: float
    deviation: float | None
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """That of ``values``, one a run; None where there are none."""
        if not values:
            return None
        deviation = statistics.stdev(values) if len(values) > 1 else None
        return cls(len(values), statistics.fmean(values), deviation, min(values), max(values))


@dataclass(frozen=True)
class Comparison:
    """``base`` and ``other`` name who answered; ``main`` is the metric that the sentence is about.

    ``rows`` are those that both have; ``only_base`` and ``only_other`` are left out. ``changes`` are the rows that
    changed, those that got worse most first. ``spread`` is of the runs of each side, where one has several.
    ``sentences`` and ``notes`` are by language, ``zh`` and ``en``.
    """

    base: str
    other: str
    dataset: str
    main: str
    rows: int
    only_base: int
    only_other: int
    differences: dict[str, Difference]
    scenarios: dict[str, dict[str, Difference]]
    changes: tuple[Change, ...]
    sentences: dict[str, str]
    notes: dict[str, tuple[str, ...]]
    spread: dict[str, dict[str, Spread]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What ``compare --json`` prints of it: everything but the texts of the rows."""
        data = asdict(self)
        texts = ("question", "wanted", "base_answer", "other_answer", "note")
        data["changes"] = [{key: value for key, value in row.items() if key not in texts} for row in data["changes"]]
        return data
