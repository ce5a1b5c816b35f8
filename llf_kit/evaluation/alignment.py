"""Which row of a dataset each prediction belongs to: proven by its wanted answer and its prompt, never by guessing.

LLaMA-Factory's file says neither the row nor the sub-scenario. A prediction belongs to a row where its wanted answer is
the row's (or the beginning of it: ``cutoff_len`` cuts wanted answers too) and the row's question stands in its prompt;
or, since prompts are cut as well, where its wanted answer is that of the row at its own place. Blanks do not matter.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llf_kit import registered
from llf_kit.errors import DataError
from llf_kit.evaluation.answers import said
from llf_kit.evaluation.predictions import Prediction
from llf_kit.registered import Registered
from llf_kit.schema import ASSISTANT, USER

_SHOWN = 5  # problems of a kind that are said one by one


@dataclass(frozen=True)
class Asked:
    """A row of a dataset that a model is asked: its place (``dataset:row``), question, wanted answer, sub-scenario."""

    place: str
    question: str
    wanted: str
    scenario: str | None


@dataclass(frozen=True)
class Aligned:
    """Predictions in the dataset's order, with place, question and scenario.

    ``notes`` say what was mended or should be known, ``lacking`` which rows have no prediction, or None.
    """

    rows: list[Prediction]
    notes: list[str]
    lacking: str | None


def asked(dataset: Registered) -> list[Asked]:
    """The rows of a dataset that LLaMA-Factory would ask, in its order.

    Raises:
        DataError: a file cannot be read.
    """
    found = []
    columns = ("messages", "label", "reason")
    rows = registered.samples(dataset).select(columns).iter_rows(named=True)
    for number, row in enumerate(rows, start=1):
        if row["reason"] is None and row["messages"][-1]["role"] == ASSISTANT:
            question = next((turn["content"] for turn in reversed(row["messages"]) if turn["role"] == USER), "")
            place = f"{dataset.name}:{number}"
            found.append(Asked(place, question, row["messages"][-1]["content"], row["label"]))
    return found


def align(rows: Sequence[Prediction], dataset: Registered, path: Path) -> Aligned:
    """The predictions of the file ``path``, each with the row of ``dataset`` that it belongs to.

    Raises:
        DataError: predictions that belong to no row, or to one that has its prediction already; all of them.
    """
    wanted = asked(dataset)
    if not wanted:
        raise DataError(f"{dataset.name}: has no row with a question and an answer. Name the dataset that was asked.")
    index = _Index(wanted)
    found: dict[int, int] = {}
    foreign: list[int] = []
    doubled: list[tuple[int, int]] = []
    for line, row in enumerate(rows):
        places = list(index.candidates(row, line))
        free = [place for place in places if place not in found]
        if free:
            found[line if line in free else free[0]] = line
        elif places:
            doubled.append((line, found[places[0]]))
        else:
            foreign.append(line)
    problems = _said(
        path, [(line, f"belongs to no row of {dataset.name}. Name the dataset that was asked.") for line in foreign]
    ) + _said(
        path,
        [(line, f"is the same row as line {first + 1}. Leave one of them out, or predict again.")
         for line, first in doubled],
    )  # fmt: skip
    if problems:
        raise DataError(*problems)
    filled = sorted(found)
    aligned = [_with(rows[found[place]], wanted[place]) for place in filled]
    notes = []
    if [found[place] for place in filled] != sorted(found.values()):
        notes.append(f"{path}: the rows stand in another order than {dataset.name}. They were put back into its order.")
    cut = sum(_plain(row.label) != _plain(wanted[place].wanted) for place, row in zip(filled, aligned, strict=True))
    if cut:
        notes.append(f"{path}: {cut} wanted answers were cut off. Predict with a larger cutoff_len.")
    missing = [one.place for place, one in enumerate(wanted) if place not in found]
    lacking = None
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
        lacking = f"{len(missing)} of {len(wanted)} rows have no prediction ({shown})"
        notes.append(f"{path}: {lacking}. Predict the whole dataset, without max_samples.")
    return Aligned(aligned, notes, lacking)


class _Index:
    """The rows of a dataset by their wanted answers."""

    def __init__(self, wanted: Sequence[Asked]) -> None:
        self._answers = [_plain(one.wanted) for one in wanted]
        self._questions = [_plain(one.question) for one in wanted]
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, answer in enumerate(self._answers):
            self._places[answer].append(place)
        self._sorted = sorted(self._places)

    def candidates(self, row: Prediction, line: int) -> Iterator[int]:
        """The places that a prediction in this line may belong to; those whose question it proves first."""
        label, prompt = _plain(row.label), _plain(row.prompt)
        same = self._places.get(label, [])
        places = same or [place for answer in self._beginning(label) for place in self._places[answer]]
        proven = [place for place in places if self._questions[place] in prompt]
        yield from proven
        if not proven and line in same:
            yield line

    def _beginning(self, label: str) -> Iterator[str]:
        begin = bisect_left(self._sorted, label) if label else len(self._sorted)
        for answer in self._sorted[begin:]:
            if not answer.startswith(label):
                return
            yield answer


def _with(row: Prediction, one: Asked) -> Prediction:
    return replace(row, place=one.place, question=one.question, scenario=one.scenario)


def _said(path: Path, problems: Sequence[tuple[int, str]]) -> list[str]:
    shown = [f"{path}:{line + 1}: {what}" for line, what in problems[:_SHOWN]]
    rest = len(problems) - _SHOWN
    return [*shown, f"{path}: {rest} more lines are so. Mend those first."] if rest > 0 else shown


def _plain(text: str) -> str:
    return "".join(said(text).split())
