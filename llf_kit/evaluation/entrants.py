"""Who takes part in a comparison: what each of them answered, and what was measured of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.evaluation import asking, candidates, given, measuring, predictions
from llf_kit.evaluation.asking import Measured
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.project import load_settings, write_text


def evaluated(
    directory: Path,
    words: Sequence[str],
    dataset: str | None,
    *,
    overrides: Sequence[str] = (),
    allowed: Collection[str] = (),
    leaving: Callable[[Candidate, str], None] = lambda *_: None,
    watch: Watch | None = None,
) -> list[list[Evaluation]]:
    """The evaluations of each of ``words``; several runs of one, which differ in seed or fold alone, have commas.

    A word is what :func:`answers` takes, or the JSON that ``evaluate --output`` writes.

    Raises:
        LlfKitError: as :func:`answers` and :func:`.measuring.of`.
    """
    runs = [word for one in words for word in one.split(",")]
    found = {word: load(Path(word)) for word in runs if Path(word).suffix == ".json" and Path(word).is_file()}
    said = answers(
        directory, [word for word in runs if word not in found], dataset, overrides=overrides, allowed=allowed,
        leaving=leaving, surprise=measuring.with_likelihood(load_settings(directory)), watch=watch,
    )  # fmt: skip
    found |= {word: one.completed(measuring.of(directory, one.given)) for word, one in said.items()}
    return [[found[word] for word in one.split(",")] for one in words]


def answers(
    directory: Path,
    words: Sequence[str],
    dataset: str | None,
    *,
    overrides: Sequence[str] = (),
    allowed: Collection[str] = (),
    leaving: Callable[[Candidate, str], None] = lambda *_: None,
    surprise: bool = True,
    watch: Watch | None = None,
) -> dict[str, Measured]:
    """What each of ``words`` answered; a run, a base, a model or an endpoint is asked what it has not answered yet.

    A word is what :mod:`llf_kit.evaluation.candidates` knows, or a folder of a prediction. ``base`` is the base of the
    first run among the others. Without ``dataset``, those who have to be asked are asked the test set of the first run;
    ``overrides`` (``key=value``) hold for all of them. ``allowed`` and ``surprise`` are as in :func:`.asking.ask`;
    ``leaving`` is called before a candidate is asked, and may refuse.

    Raises:
        UsageError: a word stands for nobody, or has to be asked and nobody says what.
        LlfKitError: a file cannot be read, or a model cannot be asked.
    """
    beside = next((word for word in words if word != "base" and (Path(word) / "llf-kit-run.json").is_file()), None)
    found: dict[str, Measured] = {}
    for word in dict.fromkeys(words):
        if predictions.answered(Path(word)):
            found[word] = Measured(replace(given.from_file(directory, Path(word), dataset), name=word))
            continue
        candidate = candidates.find(word, overrides, beside=beside)
        dataset = dataset or asking.default_dataset(candidates.find(beside) if beside else candidate, directory)
        leaving(candidate, dataset)
        said = asking.ask(candidate, dataset, directory, allowed=allowed, surprise=surprise, watch=watch)
        found[word] = replace(said, given=replace(said.given, name=word))
    return found


def load(path: Path) -> Evaluation:
    """The evaluation that :func:`save` has written, as ``evaluate --output`` does.

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


def save(path: Path, evaluation: Evaluation) -> None:
    """Write ``evaluation`` with every row, for its owner alone: it holds texts of data."""
    whole = {**evaluation.to_dict(), "rows": [asdict(row) for row in evaluation.rows]}
    write_text(path, json.dumps(whole, ensure_ascii=False, indent=1) + "\n", mode=0o600)


def _metrics(data: dict[str, Any]) -> dict[str, Metric]:
    return {name: Metric(**metric) for name, metric in data.items()}
