"""Statistics of pairs: the same rows, answered twice. Few rows, skewed scores and ties are the rule here, so nothing
assumes a normal distribution.

- Interval of a mean difference: percentile bootstrap over rows (:mod:`llf_kit.evaluation.intervals`).
- McNemar's test, exact: the discordant pairs under a fair coin (McNemar 1947, Psychometrika 12:153). It is exact
  whatever their number, so there is no rule about when to approximate.
- Random signs: Fisher's paired randomisation test, for graded scores (Edgington, Randomization Tests).
- Holm's step-down correction (Holm 1979, Scand J Statist 6:65).
- Odds ratio of the discordant pairs, and Cohen's d of paired differences, d_z (Cohen 1988, Statistical Power Analysis,
  section 2.3.5; Lakens 2013, Front Psychol 4:863).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from llf_kit.evaluation.comparison import Difference, Outcome
from llf_kit.evaluation.intervals import CONFIDENCE, RESAMPLES, SEED, mean_interval
from llf_kit.evaluation.metrics import NAMES

# Below this a percentile bootstrap is too narrow (Efron & Tibshirani, section 14.3), and no exact McNemar test can come
# out unless nearly all pairs that differ point one way.
FEW = 20
LOWER_IS_BETTER = frozenset({*(name for name, about in NAMES.items() if about.most), "loss", "eval_loss"})
_RIGHT_OR_WRONG = frozenset({0.0, 100.0})
_BATCH = 1 << 22  # signs at once: 32 MB


def difference(metric: str, pairs: Sequence[tuple[float, float]]) -> Difference:
    """What ``metric`` says of ``pairs`` of scores (base, other); the numbers are None where there is no pair."""
    better = -1.0 if metric in LOWER_IS_BETTER else 1.0
    both = np.asarray(pairs, dtype=float).reshape(-1, 2)
    delta = both[:, 1] - both[:, 0]
    wins, losses = int((better * delta > 0).sum()), int((better * delta < 0).sum())
    binary = set(np.unique(both).tolist()) <= _RIGHT_OR_WRONG
    low, high = mean_interval(delta.tolist())
    effect_kind: Literal["odds_ratio", "cohens_d"] = "odds_ratio" if binary else "cohens_d"
    made = Difference(
        metric=metric,
        rows=len(both),
        base=float(both[:, 0].mean()) if len(both) else None,
        other=float(both[:, 1].mean()) if len(both) else None,
        difference=float(delta.mean()) if len(both) else None,
        low=low,
        high=high,
        p=(mcnemar(wins, losses) if binary else random_signs(delta)) if len(both) else None,
        holm=None,
        test="mcnemar" if binary else "signs",
        effect=(odds_ratio(wins, losses) if binary else cohens_d(better * delta)) if len(both) else None,
        effect_kind=effect_kind,
        wins=wins,
        ties=len(both) - wins - losses,
        losses=losses,
        outcome="equal",
    )
    return replace(made, outcome=_outcome(made))


def corrected(differences: dict[str, Difference]) -> dict[str, Difference]:
    """The same with Holm's correction over those that have rows enough, where there are several."""
    tested = [name for name, one in differences.items() if one.outcome != "few"]
    if len(tested) < 2:
        return differences
    adjusted = holm([differences[name].p or 0.0 for name in tested])
    after = {name: replace(differences[name], holm=p) for name, p in zip(tested, adjusted, strict=True)}
    return {name: replace(after[name], outcome=_outcome(after[name])) if name in after else one
            for name, one in differences.items()}  # fmt: skip


def _outcome(one: Difference) -> Outcome:
    """Better or worse only where both the interval and the test say so."""
    if one.rows < FEW or one.low is None or one.high is None or one.p is None:
        return "few"
    if one.low <= 0 <= one.high or (one.p if one.holm is None else one.holm) >= 1 - CONFIDENCE:
        return "equal"
    return "better" if (one.low > 0) != (one.metric in LOWER_IS_BETTER) else "worse"


def mcnemar(wins: int, losses: int) -> float:
    """The two-sided exact p of ``wins`` against ``losses``; 1 where there is neither."""
    number = wins + losses
    ways, tail = 1, 0
    for drawn in range(min(wins, losses) + 1):
        tail += ways
        ways = ways * (number - drawn) // (drawn + 1)
    return min(1.0, 2 * tail / (1 << number))


def random_signs(delta: np.ndarray) -> float:
    """The two-sided p of the mean of ``delta`` when each sign is as likely as the other; seeded."""
    delta = delta[delta != 0]  # a tie has no sign
    if not len(delta):
        return 1.0
    random = np.random.default_rng(SEED)
    observed = abs(float(delta.sum())) * (1 - 1e-12)  # the same sum, added up in another order, counts as reached
    reached, left = 0, RESAMPLES
    while left:
        rows = min(left, max(1, _BATCH // len(delta)))
        signs = random.integers(0, 2, (rows, len(delta))) * 2 - 1
        reached += int((np.abs(signs @ delta) >= observed).sum())
        left -= rows
    return (reached + 1) / (RESAMPLES + 1)


def holm(values: Sequence[float]) -> list[float]:
    """The p values corrected for their number, in their order."""
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=lambda at: values[at])):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = highest
    return adjusted


def odds_ratio(wins: int, losses: int) -> float:
    """Wins over losses; 0.5 is added to both where one is 0, so that it is a number (Haldane 1956)."""
    return (wins + 0.5) / (losses + 0.5) if not wins or not losses else wins / losses


def cohens_d(delta: np.ndarray) -> float | None:
    """Mean over sample standard deviation of the differences; None where they are all the same."""
    deviation = float(delta.std(ddof=1)) if len(delta) > 1 else 0.0
    return float(delta.mean()) / deviation if deviation > 1e-12 else None
