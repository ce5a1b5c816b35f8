"""What the raters say of the models: mean scores, wins, how far they agree, and where they do not.

The unit is the question: what several raters say of it becomes one value first, so that another rater makes numbers
steadier and not seemingly more of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from llf_kit.errors import NotInstalledError
from llf_kit.evaluation.intervals import mean_interval
from llf_kit.evaluation.results import Metric
from llf_kit.evaluation.review.agreement import Agreement, agreement
from llf_kit.evaluation.review.blinding import Key
from llf_kit.evaluation.review.reading import Rating, Returned, Rows, rows_of
from llf_kit.evaluation.review.rubric import NEITHER, SAME, scales

BETTER = "better"

_APART = 2  # points between two raters from which on a row is listed


@dataclass(frozen=True)
class Duel:
    """Two models on the questions where somebody chose: most raters decide a question, and as many make a tie.

    ``won`` and ``lost`` are the shares in percent with their intervals; ``p`` is that of the two-sided sign test, which
    leaves ties out (Conover, Practical Nonparametric Statistics, 3.4); None where all are ties.
    """

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    won: Metric
    lost: Metric
    p: float | None


@dataclass(frozen=True)
class Apart:
    """A question that raters see differently: the ids on their sheets, and the points between the farthest two of them
    by model and scale; ``opposed`` where they prefer different models."""

    place: str
    ids: dict[str, str]
    opposed: bool
    points: dict[str, int]


@dataclass(frozen=True)
class Result:
    """All that was found; scores are means from 1 to 5 over questions, with their intervals."""

    name: str
    models: list[str]
    questions: int
    rated: int
    raters: dict[str, dict[str, int]]
    agreement: dict[str, Agreement]
    means: dict[str, dict[str, Metric]]
    duels: list[Duel]
    scenarios: dict[str, dict[str, Any]]
    apart: list[Apart]

    def to_dict(self) -> dict[str, Any]:
        """What ``review import --json`` prints of it."""
        return asdict(self)


def result(key: Key, returned: Returned) -> Result:
    """What the ratings of a review say.

    Raises:
        NotInstalledError: scikit-learn, scipy or krippendorff is missing.
    """
    rows = rows_of(returned)
    names = [scale.key for scale in scales("people", key.language)]
    by_scenario: dict[str, Rows] = {}
    for question, ratings in rows:
        if label := key.questions[question].scenario:
            by_scenario.setdefault(label, []).append((question, ratings))
    agreed = {name: agreement(_units(key, rows, name)) for name in names}
    choices = {choice: number for number, choice in enumerate((*key.models, SAME, NEITHER))}
    chosen = ({one.rater: choices[one.better] for one in ratings if one.better} for _, ratings in rows)
    return Result(
        name=key.name,
        models=key.models,
        questions=len(key.questions),
        rated=len(rows),
        raters=returned.counts,
        agreement={**agreed, BETTER: agreement(chosen, ordered=False)},
        means=means(key.models, rows, names),
        duels=_duels(key, rows),
        scenarios={
            label: {"questions": len(some), "means": means(key.models, some, names), "duels": _duels(key, some)}
            for label, some in sorted(by_scenario.items())
        },
        apart=_apart(key, rows),
    )


def _units(key: Key, rows: Rows, scale: str) -> Iterable[dict[str, int]]:
    """What each rater gives each answer on a scale."""
    for _, ratings in rows:
        for model in key.models:
            yield {one.rater: found for one in ratings if (found := one.scores.get(model, {}).get(scale)) is not None}


def means(models: list[str], rows: Rows, names: list[str]) -> dict[str, dict[str, Metric]]:
    """The mean score of each model on each scale, over questions."""
    return {model: {name: _metric(_by_question(rows, model, name)) for name in names} for model in models}


def _by_question(rows: Rows, model: str, scale: str) -> list[float]:
    """The mean over the raters, of every question that somebody scored."""
    given = ([one.scores[model][scale] for one in some if scale in one.scores.get(model, {})] for _, some in rows)
    return [fmean(some) for some in given if some]


def _metric(values: list[float]) -> Metric:
    low, high = mean_interval(values)
    return Metric(fmean(values) if values else None, low, high, len(values))


def side(ratings: list[Rating], first: str, second: str) -> int | None:
    """1 where most raters prefer ``first`` to ``second``, -1 the other way round, 0 a tie; None where nobody says."""
    signs = {first: 1, second: -1, SAME: 0, NEITHER: 0}
    told = [signs[one.better] for one in ratings if one.better in signs]
    total = sum(told)
    return (total > 0) - (total < 0) if told else None


def _duels(key: Key, rows: Rows) -> list[Duel]:
    duels = []
    for first, second in combinations(key.models, 2):
        sides = (side(ratings, first, second) for _, ratings in rows)
        duels.append(duel(first, second, [one for one in sides if one is not None]))
    return duels


def duel(first: str, second: str, sides: list[int]) -> Duel:
    """Two models, of whose questions each went to a side (see :func:`side`)."""
    wins, losses = sides.count(1), sides.count(-1)
    won, lost = (_metric([100.0 * (one == of) for one in sides]) for of in (1, -1))
    return Duel(first, second, wins, sides.count(0), losses, won, lost, sign_test(wins, losses))


def sign_test(wins: int, losses: int) -> float | None:
    """The two-sided p of the exact sign test; None where there is neither.

    Raises:
        NotInstalledError: scipy is missing.
    """
    if not wins + losses:
        return None
    try:
        from scipy.stats import binomtest
    except ImportError:
        raise NotInstalledError("scipy: is not installed. Install it: pip install 'llf-kit[eval]'") from None
    return float(binomtest(wins, wins + losses).pvalue)


def _apart(key: Key, rows: Rows) -> list[Apart]:
    """The questions on which raters differ, those first on which they differ most."""
    raters = {rater.name: rater for rater in key.raters}
    found = []
    for question, ratings in rows:
        preferred = {one.better for one in ratings if one.better in key.models}
        points = {}
        for model in key.models:
            for scale in dict.fromkeys(name for one in ratings for name in one.scores.get(model, {})):
                given = [one.scores[model][scale] for one in ratings if scale in one.scores.get(model, {})]
                if max(given) - min(given) >= _APART:
                    points[f"{model} {scale}"] = max(given) - min(given)
        if points or len(preferred) > 1:
            ids = {one.rater: raters[one.rater].id(question) for one in ratings}
            found.append(Apart(key.questions[question].place, ids, len(preferred) > 1, points))
    return sorted(found, key=lambda one: (-one.opposed, -sum(one.points.values())))
