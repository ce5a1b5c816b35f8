"""What raters preferred and corrected becomes data: preference pairs for DPO, and rows for fine-tuning.

The chosen answer is the corrected one, else the one that most raters prefer; every other answer is rejected in a pair
of its own. With a correction and nothing preferred, all answers are. Each question that gives nothing is counted with
its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit import cleaning, dataset_info, formats, outputs, registered, screening
from llf_kit.errors import DataError, UsageError
from llf_kit.evaluation.review.blinding import Key
from llf_kit.evaluation.review.matching import Question
from llf_kit.evaluation.review.reading import Rating, Returned, rows_of
from llf_kit.evaluation.review.rubric import NEITHER, SAME
from llf_kit.outputs import Container
from llf_kit.project import check_dataset_name, private_directory
from llf_kit.registered import converted
from llf_kit.schema import ASSISTANT, SAMPLE, USER

PAIRS, CORRECTIONS = "preference", "alpaca"

_CONTAINER = Container()


@dataclass(frozen=True)
class Written:
    """A dataset that was written: its rows, the questions that gave none by their reasons, what was masked in it.

    ``asked`` names the datasets that its questions come from.
    """

    name: str
    file: str
    format: str
    rows: int
    left_out: dict[str, int]
    masked: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """What ``review import --json`` prints of it."""
        return asdict(self)


def write(key: Key, returned: Returned, directory: Path, names: Mapping[str, str]) -> list[Written]:
    """Write the datasets of ``names``, by format: :data:`PAIRS`, :data:`CORRECTIONS` or both; all or none.

    Raises:
        UsageError: a name is another's, or is none.
        DataError: a dataset would have no rows, or the questions' own dataset has changed.
    """
    files = {check_dataset_name(name): _CONTAINER.file_name(name) for name in names.values()}
    if len(files) < len(names):
        raise UsageError("--dataset, --sft: are the same name. Give each its own.")
    dataset_info.check_ours(directory, files, outputs.file_names)
    asked = _Asked(directory)
    made = [_made(key, returned, asked, format_, name) for format_, name in names.items()]
    problems = [
        f"{one.name}: no question of the review gives a row ({_said(one.left_out)}). Rate or correct some."
        for one, rows in made
        if rows.is_empty()
    ]
    if problems:
        raise DataError(*problems)
    for one, rows in made:
        chosen = formats.get(one.format)
        with outputs.whole(directory / one.file, _CONTAINER) as place:
            chosen.rows(rows.lazy()).sink_ndjson(place)
            outputs.finish(place, _CONTAINER, chosen.nested)
            dataset_info.register(directory, [chosen.entry(one.name, one.file)])
    return [one for one, _ in made]


def _said(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{number} × {why}" for why, number in counts.items())


def _made(key: Key, returned: Returned, asked: _Asked, format_: str, name: str) -> tuple[Written, pl.DataFrame]:
    """The rows of one dataset, as samples, and what is said of it."""
    left: Counter[str] = Counter()
    rows = []
    rated = dict(rows_of(returned))
    for number, question in enumerate(key.questions):
        found = list(_answers(key, question, rated.get(number, []), format_, left))
        if not found:
            continue
        context = asked.context(question)
        if context is None:
            left["the question is not known, only its prompt"] += 1
            continue
        for chosen, rejected in found:
            said = [*context["messages"], {"role": ASSISTANT, "content": chosen}]
            rows.append({**context, "row": number + 1, "messages": said, "rejected": rejected})
    samples, masked = asked.cleaned(pl.DataFrame(rows, schema=SAMPLE))
    samples = screening.screen(samples.lazy(), formats.get(format_).unfit).collect()
    left.update(samples["reason"].drop_nulls().to_list())
    left["it stands in another row"] += int((samples["reason"].is_null() & samples["duplicate"]).sum())
    kept = samples.filter(pl.col("reason").is_null() & ~pl.col("duplicate"))
    counted = {why: count for why, count in sorted(left.items()) if count}
    sources = sorted({question.place.rpartition(":")[0] for question in key.questions} - {""})
    return Written(name, _CONTAINER.file_name(name), format_, kept.height, counted, masked, sources), kept


def _answers(
    key: Key, question: Question, ratings: list[Rating], format_: str, left: Counter[str]
) -> Iterator[tuple[str, str | None]]:
    """The chosen answer of a question with each rejected one, or with None for fine-tuning; why there is none goes into
    ``left``."""
    corrections = list(dict.fromkeys(one.corrected for one in ratings if one.corrected))
    if len(corrections) > 1:
        left["another rater's correction of the same question is taken"] += len(corrections) - 1
    if format_ == CORRECTIONS:
        if corrections:
            yield corrections[0], None
        else:
            left["it was not corrected"] += 1
        return
    preferred = _preferred(key, ratings)
    if corrections or preferred in key.models:
        for model in key.models:
            if model != preferred:
                yield corrections[0] if corrections else question.answers[preferred], question.answers[model]
    else:
        left[preferred] += 1


def _preferred(key: Key, ratings: list[Rating]) -> str:
    """The model that most raters prefer, or why there is none."""
    votes = Counter(one.better for one in ratings if one.better)
    if not votes:
        return "nobody chose the better answer"
    models = [model for model in key.models if votes[model]]
    most = [model for model in models if votes[model] == max(votes[one] for one in models)]
    if len(most) == 1:
        return most[0]
    if most:
        return "raters prefer different answers"
    return "both are good alike" if votes[SAME] >= votes[NEITHER] else "none is good, and there is no correction"


class _Asked:
    """The rows that were asked, in the datasets they come from."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._samples: dict[str, pl.DataFrame] = {}

    def cleaned(self, samples: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
        """New rows cleaned as the datasets of their questions were, and the identifiers masked in them by kind."""
        done = cleaning.Cleaned()
        made = []
        for (source,), some in samples.group_by("source", maintain_order=True):
            record = (converted.made_by(self.directory, str(source)) if source else None) or {}
            made.append(cleaning.as_converted(some.lazy(), record, private_directory(self.directory), done).collect())
        return pl.concat(made) if made else samples, dict(sorted(done.found.counts.items()))

    def context(self, question: Question) -> dict[str, Any] | None:
        """What stands before the answer: a sample with turns, system prompt and label; None where nobody knows.

        Raises:
            DataError: the dataset has changed since.
        """
        name, _, row = question.place.rpartition(":")
        if not name or not row.isdecimal() or name not in dataset_info.load(self.directory):
            turns = [{"role": USER, "content": question.question}]
            return {"source": "", "label": question.scenario, "messages": turns} if question.question else None
        if name not in self._samples:
            self._samples[name] = registered.samples(registered.find(self.directory, name))
        samples = self._samples[name]
        found = samples.row(int(row) - 1, named=True) if 0 < int(row) <= samples.height else None
        if not found or not found["messages"] or found["messages"][-1]["content"].strip() != question.wanted:
            raise DataError(f"{question.place}: has changed since it was predicted. Put the dataset back as it was.")
        kept = {name: found[name] for name in ("system", "tools", "label")}
        return {**kept, "source": name, "messages": found["messages"][:-1]}
