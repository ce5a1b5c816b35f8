"""All rows of the datasets that the YAML names, as upstream's loader and converter will have them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from llf_kit.checks import columns, survey
from llf_kit.checks.entries import ENDINGS, FORMATTINGS
from llf_kit.checks.row_rules import MARKS
from llf_kit.checks.subject import Severity, Subject
from llf_kit.checks.survey import Survey, Tally
from llf_kit.errors import DataError
from llf_kit.project import DATASET_INFO
from llf_kit.schema import Finding, Fix
from llf_kit.upstream.aligned import Refused
from llf_kit.upstream.dataset_entries import Dataset

NAME = "rows"

# What to say of the rows that break a rule of row_rules: severity, what they are, and what to do.
_SAYS: dict[str, tuple[Severity, str, str]] = {
    "empty question": ("warning", "have an empty question", "Fill it in, or leave the rows out."),
    "empty answer": (
        *("error", "have an empty answer, from which the model learns to say nothing"),
        "Fill it in, or leave the rows out.",
    ),
    "same answers": ("warning", "prefer an answer to itself", "Leave them out."),
    "damage": (
        *("warning", "hold characters that a wrong encoding left"),
        "Convert the source again with its right --encoding.",
    ),
    "images": ("error", "do not have as many images as <image> marks", "Correct the marks, or name images in columns."),
    "videos": ("error", "do not have as many videos as <video> marks", "Correct the marks, or name videos in columns."),
    "audios": ("error", "do not have as many audios as <audio> marks", "Correct the marks, or name audios in columns."),
}
_REFUSED: dict[Refused, str] = {
    Refused.ROLES: "Questions and answers must take turns, beginning with a question.",
    Refused.COUNT: "A conversation ends with an answer; that of a pair ends with the question.",
    Refused.NO_ANSWER: "Fill the answer in as text, or leave the rows out.",
    Refused.NO_PAIR: "Fill in both answers as text, or the judgement as true or false; or leave the rows out.",
    Refused.HISTORY: 'Write history as [["question", "answer"], …].',
    Refused.MESSAGES: 'Write a conversation as [{"from": …, "value": …}, …].',
    Refused.UNKNOWN_ROLE: "Name the role in tags, or correct it.",
    Refused.NOT_TEXT: "Write every question and answer as text.",
    Refused.TOOLS: "Write tools as JSON in a text.",
}


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about rows; each file is read once, and no text of it is shown."""
    if subject.verb != "train":
        return
    surveys: dict[str, list[Survey]] = {"dataset": [], "eval_dataset": []}
    for dataset in subject.datasets:
        if not _is_readable(dataset):  # which the check of entries tells
            continue
        try:
            found = survey.survey(dataset, stage_of(subject, dataset))
        except DataError as error:
            where, _, rest = error.problems[0].partition(": ")
            message, _, hint = rest.partition(". ")
            yield Finding(NAME, "error", message, hint, where)
            continue
        surveys[dataset.key].append(found)
        yield from _of_columns(subject, found)
        yield from _of_rows(found, stage_of(subject, dataset))
        if dataset.key == "dataset":
            yield from _doubles(found)
    for test in surveys["eval_dataset"]:
        for train in surveys["dataset"]:
            yield from _leaks(test, train)


def _is_readable(dataset: Dataset) -> bool:
    """Whether the entry leads to files of a kind that upstream loads, in a form that it knows."""
    known = all(file.suffix.removeprefix(".") in ENDINGS for file in dataset.files)
    return bool(dataset.files) and known and dataset.entry.get("formatting", "alpaca") in FORMATTINGS


def stage_of(subject: Subject, dataset: Dataset) -> str:
    """How the rows are used; a prediction needs no answers, and reads rows as stage ppo does."""
    generates = subject.get("predict_with_generate") is True and dataset.key == "eval_dataset"
    return "ppo" if subject.stage == "sft" and generates else subject.stage


def kept(found: Survey, stage: str) -> int | None:
    """How many rows upstream trains on; None where it ends with an exception instead."""
    dates = {role for role, name in found.one.columns.items() if name in found.dates}
    broken = found.fails or columns.breaks(found) or (stage == "kto" and survey.breaks_kto(found))
    if broken or dates - {"response"}:
        return None
    return 0 if dates and stage not in ("pt", "ppo") else found.rows - found.dropped


def _of_columns(subject: Subject, found: Survey) -> Iterator[Finding]:
    path = subject.dataset_dir / DATASET_INFO
    for severity, message, hint, *roles in columns.findings(found, stage_of(subject, found.dataset)):
        fix = Fix(path, partial(columns.added, found, roles[0])) if roles else None
        yield Finding(NAME, severity, message, hint, f"{path}: {found.dataset.name}", fix)


def _of_rows(found: Survey, stage: str) -> Iterator[Finding]:
    yield from _said(found, found.broken, "error", "are no JSON objects", "Write a row a line as {…}, in UTF-8.")
    for column, kinds in found.mixed.items():
        kind, tally = min(
            kinds.items(), key=lambda item: (item[1].count, -item[1].places[0][1])
        )  # the odd one, or later
        others = " and ".join(sorted(set(kinds) - {kind}))
        message = f"have {kind} in {column!r}, where others have {others}; upstream's loader ends there"
        yield from _said(found, tally, "error", message, "Write one kind; numbers as texts in quotes.")
    for column, tally in found.late.items():
        message = f"fill {column!r}, which is empty or of another kind in the first 10 MB; upstream's loader ends there"
        hint = "Put a row that fills it first, or convert again; parquet has no such limit."
        yield from _said(found, tally, "error", message, hint)
    for role, row in found.sparse.items():
        message = f"fill {found.one.columns[role]!r}, which the first 1000 rows leave at null; upstream ends there"
        hint = "Put a row that fills it first." if role in MARKS else "Write an empty text for none."
        yield from _said(
            found, Tally(found.filled[str(found.one.columns[role])], [found.place(row)]), "error", message, hint
        )
    if stage == "kto" and survey.breaks_kto(found):
        row = next(row for row, nothing in found.lost.items() if nothing)
        message = "have no answer at all, at which upstream ends in stage kto"
        lost = Tally(sum(found.lost.values()), [found.place(row)])
        yield from _said(found, lost, "error", message, "Fill the answer in, or leave the rows out.")
    for name, tally in found.rules.items():
        severity, message, hint = _SAYS[name]
        if name == "empty answer" and stage == "ppo":
            continue
        if name in ("images", "videos", "audios") and not found.one.columns.get(name):
            severity = "warning"  # a template for texts alone leaves the mark as it stands
        yield from _said(found, tally, severity, message, hint)
    yield from _said(found, found.tools, "error", "have tools that are no JSON", "Write tools as JSON in a text.")
    for reason, tally in found.refused.items():
        effect = "upstream ends there" if reason.fails else "upstream drops them without a total"
        yield from _said(found, tally, "error", f"are not trained on: {reason}; {effect}", _REFUSED[reason])


def _said(found: Survey, tally: Tally, severity: Severity, message: str, hint: str) -> Iterator[Finding]:
    if tally.count:
        where = f"{tally.places[0][0]}:{tally.places[0][1]}"
        yield Finding(NAME, severity, f"{tally.count} of {found.rows} rows {message}{_more(tally)}", hint, where)


def _more(tally: Tally) -> str:
    """The places after the first, which stands before the message."""
    places = [_place(path, number, tally.places[0][0]) for path, number in tally.places[1:]]
    dots = " …" if tally.count > len(tally.places) else ""
    return f" (also {', '.join(places)}{dots})" if places else ""


def _place(path: Path, number: int, before: Path) -> str:
    return f":{number}" if path == before else f"{path.name}:{number}"


def _doubles(found: Survey) -> Iterator[Finding]:
    tally = _tally(found, list(survey.doubles(found)))
    yield from _said(found, tally, "info", "are the same as an earlier row", "Convert again; duplicates are left out.")


def _leaks(test: Survey, train: Survey) -> Iterator[Finding]:
    tally = _tally(test, list(survey.leaks(test, train)))
    message = f"ask a question that {train.dataset.name} trains on, so that their results say little"
    yield from _said(test, tally, "warning", message, "Split again: llf-kit convert --test 0.1.")


def _tally(found: Survey, rows: list[int]) -> Tally:
    return Tally(len(rows), [found.place(row) for row in rows[:3]])
