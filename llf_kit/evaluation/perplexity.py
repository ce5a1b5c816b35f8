"""How surprised a model is by the wanted answers: its loss and perplexity, and how sure it is of the letters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from llf_kit import upstream
from llf_kit.endpoints import Kept
from llf_kit.evaluation import answers, generating, intervals
from llf_kit.evaluation.predict import Predicted, Watch
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.questions import read
from llf_kit.evaluation.results import Metric
from llf_kit.registered import Registered
from llf_kit.upstream.likelihood import Likelihood, likelihoods
from llf_kit.upstream.tuned import Tuned

_FILE = "likelihood.jsonl"
_LARGEST = 700.0  # e to its power is a number yet
METHOD = {"do_predict": False, "predict_with_generate": False, "do_eval": True}


def measure(
    tuned: Tuned, dataset: Registered, predicted: Predicted, watch: Watch | None = None
) -> list[Likelihood | None]:
    """The likelihood of the wanted answer of each row, kept beside what was ``predicted``; None where none is wanted.

    Raises:
        ConfigError, NotInstalledError: the model cannot be asked.
        RunError: LLaMA-Factory failed.
    """
    watch = watch or Watch()
    rows = read(dataset)
    assert predicted.folder is not None  # noqa: S101 - a model that is asked has one
    kept = Kept(predicted.folder / _FILE, "likelihood", _checked)
    waiting = {one.key: one for one in rows if one.label and one.key not in kept.known}
    if waiting:
        upstream.verify(tuned)
        letters = ["".join(answers.options(one.question)) for one in waiting.values()]
        told = watch.counted(f"{tuned.config.path}: likelihood of wanted answers", len(waiting))
        with TemporaryDirectory(prefix="llf-kit-") as work, kept.noting() as note:
            asked = [one.row for one in waiting.values()]
            config = generating.prepared(tuned, dataset, asked, Path(work), Path(work), **METHOD)
            for key, found in zip(waiting, likelihoods(config, letters, told), strict=True):
                if found is not None:
                    note(key, asdict(found))
    return [Likelihood(**kept.known[one.key]) if one.key in kept.known else None for one in rows]


def with_options(rows: Sequence[Prediction], found: Sequence[Likelihood | None]) -> list[Prediction]:
    """The predictions with the probabilities of their letters."""
    return [
        replace(row, options=one.options) if one and one.options else row for row, one in zip(rows, found, strict=True)
    ]


def of_row(one: Likelihood | None) -> float | None:
    """The perplexity of one row."""
    return _raised(one.loss / one.tokens) if one else None


def metrics(found: Sequence[Likelihood | None]) -> dict[str, Metric]:
    """``loss`` (nats a token) and ``perplexity`` over all tokens of the answers, with intervals over the rows."""
    table = np.array([[one.loss, one.tokens] for one in found if one], dtype=float).reshape(-1, 2)
    if not len(table):
        return {name: Metric(None, None, None, 0) for name in ("loss", "perplexity")}

    def loss(drawn: np.ndarray) -> float:
        total, tokens = table[drawn].sum(axis=0)
        return float(total / tokens)

    value = loss(np.arange(len(table)))
    low, high = intervals.interval(len(table), loss)
    return {
        "loss": Metric(value, low, high, len(table)),
        "perplexity": Metric(_raised(value), _raised(low), _raised(high), len(table)),
    }


def _raised(loss: float | None) -> float | None:
    """Perplexity; None where it is too large for a number."""
    return None if loss is None or loss > _LARGEST else math.exp(loss)


def _checked(found: Any) -> dict[str, Any]:
    Likelihood(**found)
    return dict(found)
