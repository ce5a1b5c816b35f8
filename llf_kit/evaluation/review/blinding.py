"""Which questions are asked, in which order each rater sees the answers, and the key that tells whose they are.

The key stays in ``.llf-kit/review/NAME.json``, for the owner's eyes only; the sheets hold nothing of it.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from itertools import cycle, islice, permutations
from pathlib import Path
from random import Random

from llf_kit.cleaning import identifiers
from llf_kit.errors import UsageError, did_you_mean
from llf_kit.evaluation.review.matching import Question
from llf_kit.evaluation.review.rubric import words
from llf_kit.project import check_dataset_name, private_directory, write_text
from llf_kit.schema import Language
from llf_kit.spreadsheet import shown

LETTERS = "ABCDE"

_CODE = "23456789BCDFGHJKMNPQRSTVWXZ"  # no letters that look like digits, no vowels: a code spells no word


@dataclass(frozen=True)
class Rater:
    """Who fills in a sheet: the ``code`` that its ids begin with, and the models of A, B, … for every question."""

    name: str
    code: str
    orders: list[list[str]]

    def id(self, number: int) -> str:
        """The id of the question ``number``, from 0, on this rater's sheet."""
        return f"{self.code}-{number + 1:03d}"


@dataclass(frozen=True)
class Key:
    """All of a review that its sheets do not say."""

    name: str
    language: Language
    wanted: bool
    models: list[str]
    questions: list[Question]
    raters: list[Rater]

    def texts(self, rater: Rater, number: int) -> list[str]:
        """What the sheet of ``rater`` shows of a question: itself, the wanted answer if it is shown, the answers."""
        question = self.questions[number]
        wanted = [question.wanted] if self.wanted else []
        empty = words(self.language)["no_answer"]
        answers = [question.answers[model] or empty for model in rater.orders[number]]
        return [outgoing(text) for text in (question.text, *wanted, *answers)]


def outgoing(text: str) -> str:
    """``text`` as it leaves this machine: identifiers masked, whatever the data were converted with."""
    return shown(identifiers.mask(text)) if text else ""


def sample(questions: list[Question], number: int | None, seed: int) -> list[Question]:
    """``number`` of the questions in their order, every scenario by its share; all of them where there are no more.

    Of each scenario the rows are drawn at random, and spread evenly: the share of a scenario is right to a row.
    """
    if number is None or number >= len(questions):
        return questions
    random = Random(seed)  # noqa: S311 - a sample that can be drawn again, no secret
    by_scenario: dict[str | None, list[int]] = {}
    for place, question in enumerate(questions):
        by_scenario.setdefault(question.scenario, []).append(place)
    ranked = []
    for places in by_scenario.values():
        random.shuffle(places)
        ranked += [((rank + 0.5) / len(places), random.random(), place) for rank, place in enumerate(places)]
    return [questions[place] for place in sorted(place for *_, place in sorted(ranked)[:number])]


def blind(models: list[str], questions: int, raters: list[str]) -> list[Rater]:
    """An order of the models for every question and rater, each equally often; nobody can work it out from a seed."""
    random = secrets.SystemRandom()
    made: list[Rater] = []
    codes: set[str] = set()
    for name in raters:
        orders = [list(order) for order in islice(cycle(permutations(models)), questions)]
        random.shuffle(orders)
        while (code := "".join(random.choices(_CODE, k=5))) in codes:
            continue
        codes.add(code)
        made.append(Rater(name, code, orders))
    return made


def check_new(directory: Path, name: str) -> None:
    """Refuse to replace a key: the sheets that are out could not be read any more.

    Raises:
        UsageError: there is a review of this name.
    """
    path = _path(directory, check_dataset_name(name))
    if path.exists():
        raise UsageError(f"--name {name}: there is such a review ({path.relative_to(directory)}). Choose another.")


def save(key: Key, directory: Path) -> None:
    """Keep the key."""
    path = _path(directory, key.name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_text(path, json.dumps(asdict(key), ensure_ascii=False, indent=1) + "\n", mode=0o600)


def load(directory: Path, name: str) -> Key:
    """The key of the review ``name``.

    Raises:
        UsageError: there is none here, or it is damaged.
    """
    path = _path(directory, check_dataset_name(name))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        questions = [Question(**one) for one in data.pop("questions")]
        return Key(questions=questions, raters=[Rater(**one) for one in data.pop("raters")], **data)
    except OSError:
        known = [file.stem for file in path.parent.glob("*.json")]
        hint = did_you_mean(name, known) or "Make one: llf-kit review export."
        raise UsageError(f"{name}: there is no such review here. {hint}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path}: is damaged, and without it nobody can tell whose answers are whose.") from None


def _path(directory: Path, name: str) -> Path:
    return private_directory(directory) / "review" / f"{name}.json"
