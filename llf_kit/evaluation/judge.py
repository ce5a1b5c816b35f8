"""A model as a judge of answers: scores on the scales of the sheets, and which of two is better, asked in both orders.

A judge leans to one place; a pair on which it changes its mind with the order is a tie, and the share of such pairs is
told (Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, 2023). What it is worth stands in its
agreement with the experts who have judged the same answers. What it said is kept by content: a run that was stopped
goes on, and nothing is paid for twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations, permutations
from pathlib import Path
from statistics import fmean
from typing import Any

from llf_kit.endpoints import Endpoint, Kept, Question, Reply, ask_all, content_key, replies
from llf_kit.errors import EndpointError, NotInstalledError
from llf_kit.evaluation.results import Metric
from llf_kit.evaluation.review.agreement import Agreement, agreement
from llf_kit.evaluation.review.blinding import Key, outgoing
from llf_kit.evaluation.review.reading import Rating, Rows
from llf_kit.evaluation.review.rubric import HIGHEST, LOWEST, SAME, levels, scales
from llf_kit.evaluation.review.scores import BETTER, Duel, duel, means, side
from llf_kit.project import private_directory
from llf_kit.templating import render_text

_SETTINGS = {"temperature": 0, "max_tokens": 400}
_JUDGE, _PEOPLE = "judge", "people"


@dataclass(frozen=True)
class Likeness:
    """How far the judge agrees with people on a scale, whose scores are means over raters, rounded for kappa.

    ``spearman`` is the rank correlation of the unrounded ones; None where it cannot be told.
    """

    agreement: Agreement
    spearman: float | None


@dataclass(frozen=True)
class Judged:
    """What the judge said of ``answers`` answers and ``pairs`` pairs.

    ``inconsistent`` is the share in percent of pairs on which it changed its mind with the order; of ``first`` in
    percent it then chose the answer that stood first. ``experts`` has a value a scale; None where no sheet was read.
    """

    judge: str
    answers: int
    pairs: int
    means: dict[str, dict[str, Metric]]
    duels: list[Duel]
    inconsistent: float | None
    first: float | None
    experts: dict[str, Likeness] | None
    partial: str | None

    def to_dict(self) -> dict[str, Any]:
        """What ``review judge --json`` prints of it."""
        return asdict(self)


def judge(key: Key, people: Rows | None, endpoint: Endpoint, directory: Path) -> Judged:
    """Have all answers of a review judged; identifiers are masked in what is sent. ``people`` is what raters said.

    Raises:
        EndpointError: it refuses, or nothing could be judged.
        NotInstalledError: scikit-learn, scipy or krippendorff is missing.
    """
    private = private_directory(directory)
    names = [scale.key for scale in scales("judge", key.language)]
    single: Kept[dict[str, float]] = Kept(private / "judged_answers.jsonl", "scores", dict)
    double: Kept[str] = Kept(private / "judged_pairs.jsonl", BETTER, _choice)
    scored, paired = _answers(key, endpoint), _pairs(key, endpoint)
    score = partial(replies.numbers, names=names, low=LOWEST, high=HIGHEST)
    stopped = ask_all(endpoint, dict(scored.values()), score, single)
    if any(one in single.known for one, _ in scored.values()):  # else nobody is there
        stopped = ask_all(endpoint, dict(paired.values()), _better, double) or stopped
    scores = {where: single.known[one] for where, (one, _) in scored.items() if one in single.known}
    chosen = {where: double.known[one] for where, (one, _) in paired.items() if one in double.known}
    if not scores:
        raise EndpointError(f"{endpoint.url}: nothing could be judged ({stopped or 'its answers are no judgements'}). "
                            "Look at the address, the model and the key.")  # fmt: skip
    sides, told = _sides(key, chosen)
    ratings = [_rating(key, number, scores) for number in range(len(key.questions))]
    missing = len(scored) + len(paired) - len(scores) - len(chosen)
    moved = [one for one in told if one[0] != one[1]]
    leaning = [both for both in moved if both in ((1, -1), (-1, 1))]
    return Judged(
        judge=endpoint.model,
        answers=len(scores),
        pairs=len(told),
        means=means(key.models, list(enumerate([one] for one in ratings)), names),
        duels=[duel(first, second, list(found.values())) for (first, second), found in sides.items()],
        inconsistent=100 * len(moved) / len(told) if told else None,
        first=100 * leaning.count((1, -1)) / len(leaning) if leaning else None,
        experts=_experts(key, people, ratings, sides) if people else None,
        partial=f"{missing} of {len(scored) + len(paired)} have no judgement ({stopped or 'no usable answer'})."
        if missing
        else None,
    )


_Asked = tuple[str, Question]  # the key by which an answer is kept, and what is asked


def _asked(endpoint: Endpoint, template: str, values: Mapping[str, Any]) -> _Asked:
    prompt = render_text(f"evaluation/{template}.txt.j2", dict(values))
    return content_key(endpoint.model, prompt), Question([{"role": "user", "content": prompt}], _SETTINGS)


def _shown(key: Key, number: int) -> dict[str, Any]:
    question = key.questions[number]
    return {
        "language": key.language,
        "scales": scales("judge", key.language),
        "levels": levels(key.language),
        "question": outgoing(question.text),
        "wanted": outgoing(question.wanted),
    }


def _answers(key: Key, endpoint: Endpoint) -> dict[tuple[int, str], _Asked]:
    """What is asked about each answer, by question and model."""
    return {
        (number, model): _asked(endpoint, "score", {**_shown(key, number), "answer": outgoing(answer)})
        for number, question in enumerate(key.questions)
        for model, answer in question.answers.items()
    }


def _pairs(key: Key, endpoint: Endpoint) -> dict[tuple[int, str, str], _Asked]:
    """What is asked about each pair, in both orders, by question, the model that stands first, and the other."""
    return {
        (number, first, second): _asked(
            endpoint,
            "pair",
            {
                **_shown(key, number),
                "first": outgoing(question.answers[first]),
                "second": outgoing(question.answers[second]),
            },
        )
        for number, question in enumerate(key.questions)
        for first, second in permutations(key.models, 2)
    }


def _better(reply: Reply) -> str:
    return replies.found(reply, lambda one: _choice(one[BETTER]))


def _choice(word: Any) -> str:
    """``A``, ``B`` or ``same``; a ValueError for anything else."""
    choices = {"a": "A", "b": "B", SAME: SAME}
    return choices[str(word).strip().casefold()]


def _sides(
    key: Key, chosen: Mapping[tuple[int, str, str], str]
) -> tuple[dict[tuple[str, str], dict[int, int]], list[tuple[int, int]]]:
    """For each pair of models the side by question (1, 0, -1: see :func:`side`), and every pair's two answers."""
    sign = {"A": 1, "B": -1, SAME: 0}
    sides: dict[tuple[str, str], dict[int, int]] = {}
    told = []
    for first, second in combinations(key.models, 2):
        found = sides.setdefault((first, second), {})
        for number in range(len(key.questions)):
            one, other = chosen.get((number, first, second)), chosen.get((number, second, first))
            if one is None or other is None:
                continue
            both = sign[one], -sign[other]
            told.append(both)
            found[number] = both[0] if both[0] == both[1] else 0
    return sides, told


def _rating(key: Key, number: int, scores: Mapping[tuple[int, str], dict[str, float]]) -> Rating:
    """The judge as one more rater."""
    given = {model: scores[number, model] for model in key.models if (number, model) in scores}
    return Rating(
        number, _JUDGE, {model: {name: round(value) for name, value in one.items()} for model, one in given.items()}
    )


def _experts(
    key: Key, people: Rows, judged: list[Rating], sides: Mapping[tuple[str, str], Mapping[int, int]]
) -> dict[str, Likeness]:
    """The judge against people, on the scales that both were asked about, and on which answer is better."""
    common = [one.key for one in scales("people", key.language) if one in scales("judge", key.language)]
    found = {}
    for name in common:
        pairs = [
            (fmean(given), float(judged[number].scores[model][name]))
            for number, ratings in people
            for model in key.models
            if (given := [one.scores[model][name] for one in ratings if name in one.scores.get(model, {})])
            and model in judged[number].scores
        ]
        units = [{_PEOPLE: int(mean + 0.5), _JUDGE: int(score)} for mean, score in pairs]
        found[name] = Likeness(agreement(units), _spearman(pairs))
    choices = [
        {_PEOPLE: preferred, _JUDGE: told[number]}
        for (first, second), told in sides.items()
        for number, ratings in people
        if number in told and (preferred := side(ratings, first, second)) is not None
    ]
    return {**found, BETTER: Likeness(agreement(choices, ordered=False), None)}


def _spearman(pairs: list[tuple[float, float]]) -> float | None:
    if any(len(set(values)) < 2 for values in zip(*pairs, strict=True)) or len(pairs) < 3:
        return None
    try:
        from scipy.stats import spearmanr
    except ImportError:
        raise NotInstalledError("scipy: is not installed. Install it: pip install 'llf-kit[eval]'") from None
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)
