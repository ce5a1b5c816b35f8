"""Comparisons: what differs, how sure that is, and what is refused."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from measured import evaluated, row

from llf_kit.errors import UsageError
from llf_kit.evaluation import paired
from llf_kit.evaluation.comparing import compare
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.evaluation.scoring import Wanted


def evaluation(name, scores, metric="exact_match", *, dataset="lab_test", places=True, scenarios=None, **more):
    rows = [
        Row(
            Prediction(
                prompt=f"<{name}> question {number}" if places else f"question {number}",
                predict=f"{name} says {number}",
                label=f"answer {number}",
                place=f"{dataset}:{number}" if places else "",
                question=f"question {number}" if places else "",
                scenario=scenarios[number] if scenarios else None,
            ),
            {metric: score},
        )
        for number, score in enumerate(scores)
    ]
    known = [score for score in scores if score is not None]
    mean = Metric(sum(known) / len(known) if known else None, None, None, len(known))
    return Evaluation(name, dataset, tuple(rows), {metric: mean}, **more)


def test_mcnemar_is_the_binomial_test() -> None:
    assert paired.mcnemar(0, 0) == 1
    assert paired.mcnemar(5, 0) == pytest.approx(2 / 32)
    assert paired.mcnemar(6, 0) == pytest.approx(2 / 64)
    for wins, losses in itertools.product(range(12), repeat=2):
        number = wins + losses
        tail = sum(math.comb(number, drawn) for drawn in range(min(wins, losses) + 1)) / 2**number
        assert paired.mcnemar(wins, losses) == pytest.approx(min(1, 2 * tail))
    # 10 and 25 of 35: the p of R's binom.test(10, 35)
    assert paired.mcnemar(10, 25) == pytest.approx(0.01668, abs=1e-4)
    assert 0 <= paired.mcnemar(20_000, 21_000) < 1e-5


def test_random_signs_is_the_exact_test_as_far_as_it_was_drawn() -> None:
    delta = np.array([3.0, 1.0, 2.0, -1.0, 4.0, 2.5, 0.0, 1.5])
    moved = delta[delta != 0]
    sums = [
        abs(sum(s * d for s, d in zip(signs, moved, strict=True))) for signs in itertools.product((1, -1), repeat=7)
    ]
    exact = sum(value >= moved.sum() - 1e-9 for value in sums) / len(sums)
    assert paired.random_signs(delta) == pytest.approx(exact, abs=0.02)
    assert paired.random_signs(delta) == paired.random_signs(delta)
    assert paired.random_signs(np.zeros(9)) == 1


def test_holm_is_as_published() -> None:
    # Holm's own procedure on four p values; R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert paired.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert paired.holm([]) == []


def test_effects() -> None:
    assert paired.odds_ratio(12, 4) == 3
    assert paired.odds_ratio(12, 0) == 25
    assert paired.odds_ratio(0, 0) == 1
    assert paired.cohens_d(np.array([1.0, 2.0, 3.0])) == pytest.approx(2)
    assert paired.cohens_d(np.array([1.0, 1.0])) is None


@pytest.mark.parametrize("shift", [0.0, 8.0])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llf_kit.evaluation.intervals.RESAMPLES", 400)
    held = 0
    for seed in range(120):
        draw = random.Random(seed)
        pairs = [(before := draw.gauss(50, 20), before + shift + draw.gauss(0, 15)) for _ in range(60)]
        one = paired.difference("chrf", pairs)
        assert one.low is not None and one.high is not None
        held += one.low <= shift <= one.high
    assert 0.88 <= held / 120 <= 0.99


def test_a_better_model_is_said_to_be_better_in_both_languages() -> None:
    base = evaluation("base", [0.0] * 30 + [100.0] * 10)
    tuned = evaluation("tuned", [100.0] * 20 + [0.0] * 10 + [100.0] * 8 + [0.0] * 2)
    made = compare([base], [tuned])
    one = made.differences["exact_match"]
    assert (one.wins, one.ties, one.losses, one.rows) == (20, 18, 2, 40)
    assert (one.base, one.other, one.difference) == (25, 70, 45)
    assert one.low is not None and 0 < one.low < 45
    assert (one.test, one.effect_kind, one.effect, one.outcome) == ("mcnemar", "odds_ratio", 10, "better")
    assert "tuned is better than base on lab_test: exact_match rises from 25.0 to 70.0" in made.sentences["en"]
    assert "tuned 在 lab_test 上优于 base" in made.sentences["zh"]
    assert [change.place for change in made.changes][:2] == ["lab_test:38", "lab_test:39"]
    assert [change.other - change.base for change in made.changes] == [-100.0] * 2 + [100.0] * 20
    assert "question" not in made.to_dict()["changes"][0]


def test_equal_is_not_called_better_and_a_few_rows_say_nothing() -> None:
    draw = random.Random(1)
    scores = [draw.choice([0.0, 100.0]) for _ in range(60)]
    same = compare([evaluation("a", scores)], [evaluation("b", [*scores[:-1], 100.0 - scores[-1]])])
    assert same.differences["exact_match"].outcome == "equal"
    assert "not to say that there is none" in same.sentences["en"]
    few = compare([evaluation("a", [0.0] * 9)], [evaluation("b", [100.0] * 9)])
    assert few.differences["exact_match"].outcome == "few"
    assert "only 9 rows" in few.sentences["en"]
    assert "只有 9 行" in few.sentences["zh"]


def test_of_perplexity_less_is_better() -> None:
    draw = random.Random(2)
    before = [draw.uniform(8, 12) for _ in range(40)]
    made = compare(
        [evaluation("base", before, "perplexity")], [evaluation("tuned", [x - 3 for x in before], "perplexity")]
    )
    one = made.differences["perplexity"]
    assert (one.outcome, one.wins, one.losses) == ("better", 40, 0)
    assert "falls from" in made.sentences["en"]
    assert "points" not in made.sentences["en"]


def test_rows_that_only_one_has_are_counted_and_left_out() -> None:
    base = evaluation("base", [0.0] * 30, partial="the endpoint failed")
    tuned = evaluation("tuned", [100.0] * 25 + [None] * 3)
    made = compare([base], [tuned])
    assert (made.rows, made.only_base, made.only_other, made.differences["exact_match"].rows) == (28, 2, 0, 25)
    text = "\n".join(made.notes["en"])
    assert "2 of base, 0 of tuned" in text
    assert "3 of 28 rows lack a score" in text
    assert "The evaluation of base is not whole: the endpoint failed." in text


def test_files_without_places_are_matched_by_what_was_asked_and_wanted() -> None:
    tuned = evaluation("tuned", [100.0] * 30, places=False)
    shuffled = Evaluation("tuned", "other.jsonl", tuned.rows[::-1], tuned.metrics)
    made = compare([evaluation("base", [0.0] * 30, places=False)], [shuffled])
    assert (made.rows, made.differences["exact_match"].difference) == (30, 100)


def test_another_dataset_is_refused() -> None:
    base = evaluation("base", [0.0] * 30)
    with pytest.raises(UsageError, match=r"answers other questions than base .*lab_test and general; 0 of 30"):
        compare([base], [evaluation("tuned", [0.0] * 30, dataset="general")])
    rows = list(evaluation("tuned", [0.0] * 30).rows)
    rows[3] = Row(Prediction("p", "x", "another answer", "lab_test:3", "question 3"), {"exact_match": 0.0})
    with pytest.raises(UsageError, match="lab_test:3: asks or wants something else"):
        compare([base], [Evaluation("tuned", "lab_test", tuple(rows), {})])
    with pytest.raises(UsageError, match="shares no metric"):
        compare([base], [evaluation("tuned", [0.0] * 30, "chrf")])
    with pytest.raises(UsageError, match="is no metric of both"):
        compare([base], [base], main="bleu")


def test_answers_that_were_read_as_another_kind_are_refused() -> None:
    rows = [row("B", "B", place=f"lab_test:{number}", question=f"question {number}") for number in range(30)]
    base = evaluated(*rows)
    assert compare([base], [evaluated(*rows)]).rows == 30
    with pytest.raises(UsageError, match=r"read as others .*\(30 × choice / 30 × text\)"):
        compare([base], [evaluated(*rows, wanted=Wanted(kind="text"))])


def test_sub_scenarios_are_corrected_for_their_number_and_the_small_are_named() -> None:
    labels = ["chemistry"] * 40 + ["coagulation"] * 40 + ["urine"] * 5
    before = [0.0] * 40 + [100.0] * 40 + [0.0] * 5
    after = [100.0] * 30 + [0.0] * 10 + [0.0] * 8 + [100.0] * 32 + [100.0] * 5
    made = compare([evaluation("base", before, scenarios=labels)], [evaluation("tuned", after, scenarios=labels)])
    found = {label: one["exact_match"] for label, one in made.scenarios.items()}
    assert {label: one.outcome for label, one in found.items()} == {
        "chemistry": "better",
        "coagulation": "worse",
        "urine": "few",
    }
    assert found["coagulation"].p == pytest.approx(2 / 256)
    assert found["coagulation"].holm == pytest.approx(2 / 256)
    assert found["chemistry"].holm == pytest.approx(2 * (found["chemistry"].p or 0))
    assert found["urine"].holm is None
    text = "\n".join(made.notes["en"])
    assert "got worse: coagulation" in text
    assert "nothing is said: urine" in text
    assert "2 sub-scenarios were tested" in text


def test_the_spread_between_seeds_stands_beside_the_difference() -> None:
    base = [evaluation("base", [100.0] * right + [0.0] * (50 - right)) for right in (20, 25, 30)]
    close = [evaluation("tuned", [100.0] * right + [0.0] * (50 - right)) for right in (22, 26, 31)]
    far = [evaluation("tuned", [100.0] * right + [0.0] * (50 - right)) for right in (44, 46, 48)]
    made = compare(base, close)
    sides = made.spread["exact_match"]
    assert (sides["base"].mean, sides["base"].deviation, sides["base"].low, sides["base"].high) == (50, 10, 40, 60)
    assert "may be chance of the seed" in made.notes["en"][-1]
    assert "随机种子" in made.notes["zh"][-1]
    apart = compare(base, far)
    assert "is larger than the standard deviation" in apart.notes["en"][-1]
    assert apart.differences["exact_match"].test == "signs", "means of runs are no longer right or wrong"


def test_forgetting_has_a_sentence_of_its_own() -> None:
    base = evaluation("base", [100.0] * 40, "accuracy", dataset="general")
    half = evaluation("tuned", [100.0] * 20 + [0.0] * 20, "accuracy", dataset="general")
    lost = compare([base], [half], forgetting=True)
    assert lost.sentences["en"].startswith("It has forgotten: on the general questions of general")
    assert lost.sentences["zh"].startswith("有遗忘")
    kept = compare([base], [evaluation("tuned", [100.0] * 40, "accuracy", dataset="general")], forgetting=True)
    assert kept.sentences["en"].startswith("No forgetting is shown")
