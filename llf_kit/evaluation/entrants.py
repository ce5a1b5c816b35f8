"""Who takes part in a comparison: what each of them answered, and what was measured of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.evaluation import asking, candidates, given, predictions, scoring
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.project import write_text


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

    A word is what :mod:`llf_kit.evaluation.candidates` knows, a folder of a prediction, or the JSON that
    ``evaluate --output`` writes. ``base`` is the base of the first run among the others. Without ``dataset``, those who
    have to be asked are asked the test set of the first run; ``overrides`` (``key=value``) hold for all of them.
    ``allowed`` is as in :func:`.asking.ask`; ``leaving`` is called before a candidate is asked, and may refuse.

    Raises:
        UsageError: a word stands for nobody, or has to be asked and nobody says what.
        LlfKitError: a file cannot be read, or a model cannot be asked.
    """
    runs = [word for one in words for word in one.split(",")]
    beside = next((word for word in runs if word != "base" and (Path(word) / "llf-kit-run.json").is_file()), None)
    found: dict[str, Evaluation] = {}
    for word in dict.fromkeys(runs):
        place = Path(word)
        if place.suffix == ".json" and place.is_file():
            found[word] = load(place)
        elif predictions.answered(place):
            read = given.from_file(directory, place, dataset)
            found[word] = scoring.evaluate(read.rows, name=word, dataset=read.dataset, lacking=read.lacking)
        else:
            candidate = candidates.find(word, overrides, beside=beside)
            dataset = dataset or asking.default_dataset(candidates.find(beside) if beside else candidate, directory)
            leaving(candidate, dataset)
            measured = asking.ask(candidate, dataset, directory, allowed=allowed, watch=watch)
            rows, lacking = measured.given.rows, measured.given.lacking
            found[word] = measured.completed(scoring.evaluate(rows, name=word, dataset=dataset, lacking=lacking))
    return [[found[word] for word in one.split(",")] for one in words]


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
