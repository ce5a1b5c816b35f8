"""What is to be measured: the predictions that somebody gives, and what is known of them.

:class:`Given` is all that :func:`.scoring.evaluate` and the command line need to know, wherever the predictions come
from: a file of LLaMA-Factory's (:func:`from_file`), or a run that is asked first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from llf_kit import registered
from llf_kit.errors import DataError
from llf_kit.evaluation import alignment, predictions
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.probes import Probe
from llf_kit.evaluation.scoring import probed

_SHOWN = 5


@dataclass(frozen=True)
class Given:
    """Predictions; ``name`` says who answered, ``dataset`` what was asked.

    ``notes`` are for people, ``lacking`` says which rows are missing (None for none), ``training`` names the datasets
    that the model was trained on, as far as they are known.
    """

    rows: list[Prediction]
    name: str
    dataset: str
    notes: list[str] = field(default_factory=list)
    lacking: str | None = None
    training: tuple[str, ...] = ()


def from_file(directory: Path, path: Path, dataset: str | None = None, training: Sequence[str] = ()) -> Given:
    """The predictions of a file, or of a folder with LLaMA-Factory's file; with ``dataset``, aligned to its rows.

    Raises:
        DataError: the file cannot be read, holds no row, or not those of the dataset.
        UsageError, ConfigError: ``dataset`` is not registered in ``directory``.
    """
    file = path / predictions.FILE if path.is_dir() else path
    rows = predictions.read(file)
    if not rows:
        raise DataError(f"{file}: there is no prediction in it. Predict again.")
    notes = _empty(rows, file)
    name = file.parent.name if file.name == predictions.FILE else file.stem
    if dataset is None:
        return Given(rows, name, str(file), notes, training=tuple(training))
    aligned = alignment.align(rows, registered.find(directory, dataset), file)
    return Given(aligned.rows, name, dataset, [*notes, *aligned.notes], aligned.lacking, tuple(training))


def with_probes(given: Given, probes: Sequence[Probe], path: Path) -> Given:
    """The rows that are probes get their question, and the probe's label as scenario where they have none.

    Raises:
        DataError: none of the questions was asked.
    """
    found = probed(given.rows, probes)
    if not found:
        raise DataError(f"{path}: none of its questions stands in the predictions. Predict them first.")
    rows = list(given.rows)
    for place, probe in found.items():
        row = rows[place]
        rows[place] = replace(
            row, question=row.question or probe.question, scenario=row.scenario or probe.label or None
        )
    left = len(probes) - len({id(probe) for probe in found.values()})
    notes = [f"{path}: {left} of {len(probes)} probes were not asked. They are not counted."] if left else []
    return replace(given, rows=rows, notes=[*given.notes, *notes])


def _empty(rows: Sequence[Prediction], file: Path) -> list[str]:
    """What is known of answers that are not whole, with their lines."""
    found = {
        "answers are empty. They count as wrong": [row.predict == "" for row in rows],
        "answers are missing. They are not scored": [row.predict is None for row in rows],
        "answers were cut off. Allow more max_new_tokens": [row.finished is False for row in rows],
    }
    notes = []
    for what, marks in found.items():
        lines = [str(line) for line, mark in enumerate(marks, start=1) if mark]
        if lines:
            shown = ", ".join(lines[:_SHOWN]) + (" …" if len(lines) > _SHOWN else "")
            notes.append(f"{file}: {len(lines)} {what} (lines {shown}).")
    return notes
