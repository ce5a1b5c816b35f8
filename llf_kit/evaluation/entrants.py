"""Who takes part in a comparison: what each of them answered, and what was measured of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llf_kit import registered
from llf_kit.errors import DataError, UsageError
from llf_kit.evaluation import candidates, given, predict, predictions, scoring
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation, Metric, Row


def evaluated(
    directory: Path, words: Sequence[str], dataset: str | None, watch: predict.Watch | None = None
) -> list[list[Evaluation]]:
    """The evaluations of each of ``words``; several runs of one, which differ in seed or fold alone, have commas.

    A word is what :mod:`llf_kit.evaluation.candidates` knows, a folder of a prediction, or the JSON that
    ``evaluate --output`` writes. ``base`` is the base of the first run among the others.

    Raises:
        UsageError: a word stands for nobody, or has to be asked and no ``dataset`` is given.
        LlfKitError: a file cannot be read, or a model cannot be asked.
    """
    runs = [word for one in words for word in one.split(",")]
    beside = next((word for word in runs if word != "base" and (Path(word) / "llf-kit-run.json").is_file()), None)
    return [[_evaluation(directory, word, dataset, beside, watch) for word in one.split(",")] for one in words]


def load(path: Path) -> Evaluation:
    """The evaluation that ``evaluate --output`` has written.

    Raises:
        DataError: it is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(Row(Prediction(**row["prediction"]), row["scores"], row["notes"]) for row in data["rows"])
        return Evaluation(
            data["name"],
            data["dataset"],
            rows,
            _metrics(data["metrics"]),
            {label: _metrics(found) for label, found in data["scenarios"].items()},
            data["details"],
            data["gate"],
            data["partial"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{path}: is no evaluation. Give what llf-kit evaluate --output has written.") from None


def _metrics(data: dict[str, Any]) -> dict[str, Metric]:
    return {name: Metric(**metric) for name, metric in data.items()}


def _evaluation(
    directory: Path, word: str, dataset: str | None, beside: str | None, watch: predict.Watch | None
) -> Evaluation:
    place = Path(word)
    if place.suffix == ".json" and place.is_file():
        return load(place)
    if place.suffix == ".jsonl" or (place / predictions.FILE).is_file():
        found = given.from_file(directory, place, dataset)
        return scoring.evaluate(found.rows, name=word, dataset=found.dataset, lacking=found.lacking)
    if dataset is None:
        raise UsageError(f"{word}: has to be asked. Say what: --dataset NAME.")
    candidate = candidates.find(word, beside=beside)
    answered = predict.predict(candidate, registered.find(directory, dataset), directory, watch)
    return scoring.evaluate(answered.rows, name=word, dataset=dataset, lacking=answered.partial)
