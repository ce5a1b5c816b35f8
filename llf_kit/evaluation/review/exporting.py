"""From predictions to blinded sheets: match, sample, blind, write; the key stays here."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError, UsageError
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.review import blinding, matching, sheet
from llf_kit.evaluation.review.blinding import LETTERS, Key
from llf_kit.evaluation.review.matching import Question
from llf_kit.schema import Language, mostly
from llf_kit.spreadsheet import fits

_RATER = re.compile(r"[\w][\w .·-]{0,39}")  # a part of a file's name


@dataclass(frozen=True)
class Exported:
    """The sheet of each rater, the models in it, how many questions it asks, and how many were left out and why."""

    sheets: dict[str, str]
    models: list[str]
    questions: int
    scenarios: dict[str, int]
    left_out: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """What ``review export --json`` prints."""
        return self.__dict__.copy()


def export(
    directory: Path,
    words: Sequence[str],
    name: str,
    raters: list[str],
    *,
    dataset: str | None,
    rows: int | None,
    seed: int,
    wanted: bool,
    language: Language | None,
    folder: Path,
    overrides: Sequence[str] = (),
    leaving: Callable[[Candidate, str], None] = lambda *_: None,
    watch: Watch | None = None,
) -> Exported:
    """Write a sheet for each rater into ``folder``, and the key into ``.llf-kit/review`` of ``directory``.

    ``words``, ``overrides`` and ``leaving`` say whose answers, as in :func:`.entrants.answers`.

    Raises:
        UsageError: a name is wrong or taken, or there are too few models, or too many.
        LlfKitError: the answers cannot be had or matched, or nothing can be asked of them.
    """
    blinding.check_new(directory, name)
    _check_raters(raters)
    read = matching.read(words, directory, dataset, overrides=overrides, leaving=leaving, watch=watch)
    if len(read) > len(LETTERS):
        raise UsageError(f"review export: compares up to {len(LETTERS)} models, not {len(read)}. Leave some out.")
    questions, left = matching.match(read)
    fitting = [question for question in questions if _fits(question)]
    if len(fitting) < len(questions):
        left["longer than a cell of Excel can hold (32,767 characters)"] = len(questions) - len(fitting)
    if not fitting:
        raise DataError(f"--name {name}: every question or answer is longer than a cell of Excel. Shorten the answers.")
    chosen = blinding.sample(fitting, rows, seed)
    if len(chosen) < len(fitting):
        left["not drawn"] = len(fitting) - len(chosen)
    language = language or mostly(question.text for question in chosen)
    key = Key(name, language, wanted, list(read), chosen, blinding.blind(list(read), len(chosen), raters))
    paths = {rater.name: folder / f"{name}_{rater.name}.xlsx" for rater in key.raters}
    taken = [
        f"{path}: is there already. Move it, or choose another folder." for path in paths.values() if path.exists()
    ]
    if taken:
        raise UsageError(*taken)
    blinding.save(key, directory)  # first: a sheet without its key is worth nothing
    for rater in key.raters:
        sheet.write(key, rater, paths[rater.name])
    scenarios = Counter(question.scenario for question in chosen if question.scenario)
    return Exported({one: str(path) for one, path in paths.items()}, key.models, len(chosen), dict(scenarios), left)


def _check_raters(raters: list[str]) -> None:
    problems = [
        f"--raters {rater!r}: is no name that a file can bear. Use letters, digits, spaces, dots and hyphens."
        for rater in raters
        if not _RATER.fullmatch(rater)
    ]
    alike = Counter(unicodedata.normalize("NFKC", rater).casefold() for rater in raters)
    problems += [f"--raters: {rater!r} stands {number} times. Give each their own." for rater, number in alike.items()
                 if number > 1]  # fmt: skip
    if problems or not raters:
        raise UsageError(*problems or ["--raters: names nobody. Give names such as --raters 张老师,李老师."])


def _fits(question: Question) -> bool:
    texts = (question.text, question.wanted, *question.answers.values())
    return all(fits(blinding.outgoing(text)) for text in texts)
