"""Predictions for tests."""

from __future__ import annotations

from typing import Any

from llf_kit.evaluation import scoring
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation


def row(predict: str | None, label: str, prompt: str = "?", **more: Any) -> Prediction:
    return Prediction(prompt, predict, label, **more)


def evaluated(*rows: Prediction, **more: Any) -> Evaluation:
    return scoring.evaluate(rows, name="model", dataset="set", **more)


def value(evaluation: Evaluation, name: str) -> float:
    found = evaluation.metrics[name].value
    assert found is not None
    return found
