"""The answers of several models to the same questions, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llf_kit.errors import DataError, UsageError
from llf_kit.evaluation import entrants, predictions
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.predictions import Prediction

_Key = tuple[str, int]  # what a row is matched by, and its number among those that are alike


@dataclass(frozen=True)
class Question:
    """What every model was asked, the ``answers`` by the names of the models, and the one that was ``wanted``.

    Where predictions do not say the ``question`` itself there is only the ``prompt``, as the model saw it.
    """

    place: str
    question: str
    prompt: str
    wanted: str
    scenario: str | None
    answers: dict[str, str]

    @property
    def text(self) -> str:
        """What a rater reads."""
        return self.question or self.prompt


def read(
    words: Sequence[str],
    directory: Path,
    dataset: str | None,
    *,
    overrides: Sequence[str] = (),
    leaving: Callable[[Candidate, str], None] = lambda *_: None,
    watch: Watch | None = None,
) -> dict[str, list[Prediction]]:
    """What each of ``words`` answered, as :func:`.entrants.answers` has it, by a short name for who that is.

    With a ``dataset`` of ``directory`` predictions are aligned to its rows, which tell place, question and scenario.

    Raises:
        UsageError: there are fewer than two, or two are the same.
        LlfKitError: one cannot be read, does not answer the dataset, or cannot be asked.
    """
    if len(words) < 2:
        raise UsageError("review export: compares two models or more. Give a run or a file of predictions of each.")
    names = [_name(word) for word in words]
    if len(set(names)) < len(names):
        names = list(words)
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise UsageError(*(f"{name}: is given twice. Give each model once." for name in twice))
    said = entrants.answers(
        directory, words, dataset, overrides=overrides, leaving=leaving, surprise=False, watch=watch
    )  # fmt: skip
    return {name: said[word].given.rows for name, word in zip(names, words, strict=True)}


def _name(word: str) -> str:
    """That of the file, or of the folder of a run; ``base:RUN`` and an endpoint stay as they are."""
    path = Path(word)
    if ":" in word:
        return word
    if path.name == predictions.FILE:
        return path.resolve().parent.name
    return path.resolve().name if path.is_dir() else path.stem


def match(rows: Mapping[str, list[Prediction]]) -> tuple[list[Question], dict[str, int]]:
    """The questions that every model has answered, in the order of the first, and how many were left out and why.

    They are matched by place where all rows have one, else by question, else by prompt.

    Raises:
        DataError: the models answered different questions, or not one was answered by all.
    """
    by = _by(rows)
    keyed = {model: _keyed(some, by) for model, some in rows.items()}
    first, *others = keyed.values()
    shared = [key for key in first if all(key in other for other in others)]
    everything = set().union(*keyed.values())
    different = [key for key in shared if len({found[key].label for found in keyed.values()}) > 1]
    if different:
        shown = ", ".join(repr(key[0][:40]) if by != "place" else key[0] for key in different[:3])
        raise DataError(
            f"{len(different)} rows want another answer in one file than in another ({shown}). "
            "Let every model predict the same dataset."
        )
    unanswered = {key for key in shared if any(found[key].predict is None for found in keyed.values())}
    questions = [
        Question(
            first[key].place,
            first[key].question,
            first[key].prompt,
            first[key].label,
            first[key].scenario,
            {model: found[key].predict or "" for model, found in keyed.items()},
        )
        for key in shared
        if key not in unanswered
    ]
    if not questions:
        raise DataError(
            f"{', '.join(rows)}: no question was answered by all of them. Let every model predict the same dataset."
        )
    left = {"not asked of every model": len(everything) - len(shared), "without an answer": len(unanswered)}
    return questions, {why: number for why, number in left.items() if number}


def _by(rows: Mapping[str, list[Prediction]]) -> str:
    for name in ("place", "question"):
        if all(getattr(row, name) for some in rows.values() for row in some):
            return name
    return "prompt"


def _keyed(rows: list[Prediction], by: str) -> dict[_Key, Prediction]:
    seen: Counter[str] = Counter()
    keyed = {}
    for row in rows:
        text = str(getattr(row, by))
        keyed[text, seen[text]] = row
        seen[text] += 1
    return keyed
