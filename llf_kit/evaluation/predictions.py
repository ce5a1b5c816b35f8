"""What a model answered, row by row: LLaMA-Factory's own file of predictions, or ours, which says more."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.project import text_lines, write_text

FILE = "generated_predictions.jsonl"


@dataclass(frozen=True)
class Prediction:
    """One row: the whole prompt as the model saw it, its answer, and the answer that was wanted.

    The three of LLaMA-Factory's file come first; a file of ours has the others too. ``predict`` is None where the model
    gave no answer at all (an endpoint that failed), which is not an empty one. ``place`` is ``dataset:row``,
    ``question`` the last turn of the user, ``scenario`` the sub-scenario label of the row. ``finished`` is False where
    the answer was cut off at the longest length, ``seconds`` is from question to answer, ``first_seconds`` to the first
    token; ``tokens`` counts the answer's. ``options`` has the letters of a multiple choice with their probabilities.
    """

    prompt: str
    predict: str | None
    label: str
    place: str = ""
    question: str = ""
    scenario: str | None = None
    finished: bool | None = None
    seconds: float | None = None
    first_seconds: float | None = None
    tokens: int | None = None
    options: dict[str, float] | None = None


def answered(place: Path) -> bool:
    """Whether ``place`` is a file of predictions, or a folder with predictions and without a model."""
    has_model = (place / "adapter_config.json").is_file() or (place / "config.json").is_file()
    return place.suffix == ".jsonl" or ((place / FILE).is_file() and not has_model)


def read(path: Path) -> list[Prediction]:
    """The rows of a file of predictions, in the order of the dataset.

    Raises:
        DataError: the file is missing, or a line is not such a row; every such line at once.
    """
    try:
        lines = text_lines(path)
    except OSError:
        raise DataError(f"{path}: there are no predictions. Run a predict/ template first.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text. Give a file of predictions.") from None
    rows: list[Prediction] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_row(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            problems.append(f"{path}:{number}: is not {{prompt, predict, label}}. Predict again.")
    if problems:
        raise DataError(*problems)
    return rows


def write(path: Path, rows: list[Prediction]) -> None:
    """Write them so that :func:`read` reads them, atomically; they hold texts of data, so for the owner's eyes only."""
    write_text(path, "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows), mode=0o600)


def _row(data: dict[str, Any]) -> Prediction:
    known = {field.name for field in fields(Prediction)}
    predict = data["predict"]
    given = {name: value for name, value in data.items() if name in known}
    return Prediction(
        **{**given, "predict": None if predict is None else predict.strip(), "label": data["label"].strip()}
    )
