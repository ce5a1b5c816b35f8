"""Agreement, against worked examples that others published."""

from __future__ import annotations

import pytest

from llf_kit.evaluation.review.agreement import Agreement, agreement
from llf_kit.evaluation.review.scores import sign_test

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), C: twelve units, four observers, gaps; he gives 0.743
# for nominal and 0.815 for ordinal data.
OBSERVERS = {
    "A": "1233214 12...".replace(" ", ""),
    "B": "1233224125.3",
    "C": ".33323422511"[:10] + "1.",
    "D": "12332441251.",
}


def units() -> list[dict[str, int]]:
    table = {name: text[:12] for name, text in OBSERVERS.items()}
    return [{name: int(text[place]) for name, text in table.items() if text[place] != "."} for place in range(12)]


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    assert agreement(units()).alpha == pytest.approx(0.815, abs=5e-4)
    assert agreement(units(), ordered=False).alpha == pytest.approx(0.743, abs=5e-4)
    assert agreement(units()).kappa is None, "kappa is for two raters"


def test_kappa_is_weighted_by_squares() -> None:
    """By hand: 1 - sum of squared differences over that of all pairs of the margins."""
    one, other = [1, 2, 3, 4, 5, 5], [1, 2, 4, 4, 3, 5]
    expected = sum((a - b) ** 2 for a in one for b in other) / 36
    found = agreement([{"x": a, "y": b} for a, b in zip(one, other, strict=True)])
    assert found.kappa == pytest.approx(1 - (5 / 6) / expected)
    assert found.percent == pytest.approx(100 * 4 / 6)


def test_what_cannot_be_told_is_none() -> None:
    assert agreement([{"x": 1}, {}]) == Agreement(0, None, None, None)
    assert agreement([{"x": 4, "y": 4}] * 3) == Agreement(3, 100.0, None, None)
    assert agreement([{"x": 1, "y": 5}]).units == 1


def test_the_sign_test_leaves_ties_out() -> None:
    assert sign_test(0, 0) is None
    assert sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(8, 2) == pytest.approx(2 * (1 + 10 + 45) / 1024)
