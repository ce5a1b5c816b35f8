"""Reading what LLaMA-Factory's own prediction wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from llf_kit.errors import DataError
from llf_kit.project import text_lines

FILE = "generated_predictions.jsonl"


@dataclass(frozen=True)
class Prediction:
    """One row: the whole prompt as the model saw it, its answer, and the answer that was wanted."""

    prompt: str
    predict: str
    label: str


def read(path: Path) -> list[Prediction]:
    """The rows of ``generated_predictions.jsonl``, in the order of the dataset.

    Raises:
        DataError: the file is missing, or a line is not one of upstream's rows; every such line at once.
    """
    try:
        lines = text_lines(path)
    except OSError:
        raise DataError(f"{path}: there are no predictions. Run a predict/ template first.") from None
    rows: list[Prediction] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            rows.append(Prediction(data["prompt"], data["predict"].strip(), data["label"].strip()))
        except (ValueError, KeyError, TypeError, AttributeError):
            problems.append(f"{path}:{number}: is not {{prompt, predict, label}}. Predict again.")
    if problems:
        raise DataError(*problems)
    return rows
