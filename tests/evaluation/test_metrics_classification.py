"""Choices and labels, against scikit-learn's public functions and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from measured import evaluated, row, value

from llf_kit.evaluation.metrics.classification import area

QUESTION = "哪项？\nA. 血钾\nB. 血钠\nC. 血氯"


def test_labels_as_scikit_learn_has_them() -> None:
    """The example of scikit-learn's precision_recall_fscore_support: macro 0.22, 0.33, 0.27; micro 0.33."""
    wanted = ["cat", "dog", "pig", "cat", "dog", "pig"]
    given = ["cat", "pig", "dog", "cat", "cat", "dog"]
    found = evaluated(*(row(said, right) for said, right in zip(given, wanted, strict=True)))
    assert value(found, "precision") == pytest.approx(100 * 2 / 9)
    assert value(found, "recall") == pytest.approx(100 / 3)
    assert value(found, "f1") == pytest.approx(100 * 0.8 / 3)
    for name in ("accuracy", "precision_micro", "recall_micro", "f1_micro"):
        assert value(found, name) == pytest.approx(100 / 3, abs=1e-3)
    assert found.details["confusion"]["names"] == ["cat", "dog", "pig", "(none)"]
    assert found.details["confusion"]["wanted_by_given"] == [[2, 0, 0, 0], [1, 0, 1, 0], [0, 2, 0, 0], [0] * 4]


def test_an_answer_without_a_letter_is_wrong_and_a_missing_one_is_not_scored() -> None:
    found = evaluated(
        row("答案：A", "A", QUESTION), row("我不知道", "B", QUESTION), row("", "C", QUESTION), row(None, "A", QUESTION)
    )
    assert (value(found, "accuracy"), found.metrics["accuracy"].scored) == (pytest.approx(100 / 3), 3)
    assert [one.scores["accuracy"] for one in found.rows] == [100.0, 0.0, 0.0, None]
    assert found.rows[1].notes["accuracy"] == "(none) instead of B"
    assert found.details["confusion"]["without_answer"] == 2
    assert found.partial == "1 of 4 predictions are missing"


def test_several_letters_have_to_be_all_of_them() -> None:
    found = evaluated(
        row("A、C", "AC", QUESTION), row("A", "AC", QUESTION), row("ABC", "答案：A. 血钾；C. 血氯", QUESTION)
    )
    assert [one.scores["accuracy"] for one in found.rows] == [100.0, 0.0, 0.0]
    assert [one.scores["f1"] for one in found.rows] == [100.0, pytest.approx(66.667, abs=1e-3), 80.0]
    assert value(found, "precision_micro") == pytest.approx(100 * 5 / 6)
    assert value(found, "recall_micro") == pytest.approx(100 * 5 / 6)


def test_auc_is_the_one_of_scikit_learn() -> None:
    """Also with ties and with rows drawn several times, for which scikit-learn takes weights."""
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(1)
    scores = random.integers(0, 5, (60, 3)) / 4
    right = np.eye(3)[random.integers(0, 3, 60)]
    drawn = random.integers(0, 3, (4, 60)).astype(float)
    found = area(np.hstack([scores, right]), drawn)
    for weights, one in zip(drawn, found, strict=True):
        assert one == pytest.approx(100 * roc_auc_score(right, scores, average="macro", sample_weight=weights))


def test_auc_by_hand() -> None:
    """A: 0.9 and 0.6 where it is right, 0.7 where not: one of two pairs; B is the other way round: the same."""
    chances = [("A", 0.9), ("A", 0.6), ("B", 0.7)]
    rows = [row("A", letter, QUESTION, options={"A": chance, "B": 1 - chance}) for letter, chance in chances]
    found = evaluated(*rows, row("A", "A", QUESTION))
    assert (value(found, "auc"), found.metrics["auc"].scored) == (pytest.approx(50), 3)
    same = evaluated(*rows[:2])
    assert (same.metrics["auc"].value, same.metrics["auc"].scored) == (None, 0)
