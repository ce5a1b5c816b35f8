"""A candidate is asked, and all that can only be measured while somebody answers is measured with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from llf_kit import dataset_info, registered, upstream
from llf_kit.errors import UsageError
from llf_kit.evaluation import candidates, efficiency, generating, overlap, perplexity, stability
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.given import Given
from llf_kit.evaluation.predict import Predicted, Watch, messages, predict
from llf_kit.evaluation.questions import Asked, read
from llf_kit.evaluation.results import Evaluation, Row
from llf_kit.project import private_directory
from llf_kit.registered import Registered
from llf_kit.upstream import tuned as tuning
from llf_kit.upstream.client import Client
from llf_kit.upstream.dataset_entries import names
from llf_kit.upstream.likelihood import Likelihood
from llf_kit.upstream.tuned import Tuned

_TEST = "_test"


@dataclass(frozen=True)
class Extras:
    """What is measured beside the answers: what they cost, and how steady they are when asked ``times`` times."""

    efficiency: bool = False
    times: int = 0


@dataclass(frozen=True)
class Measured:
    """The answers, and what is known of them besides; ``likelihood`` is empty where nobody can tell."""

    given: Given
    likelihood: list[Likelihood | None] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def completed(self, evaluation: Evaluation) -> Evaluation:
        """The evaluation of the answers with loss, perplexity, cost and steadiness."""
        details = {**evaluation.details, **self.details}
        metrics, rows = dict(evaluation.metrics), evaluation.rows
        if any(self.likelihood):
            found = perplexity.metrics(self.likelihood)
            metrics["perplexity"] = found["perplexity"]
            details["loss"] = asdict(found["loss"])
            rows = tuple(
                Row(row.prediction, {**row.scores, "perplexity": perplexity.of_row(one)}, row.notes)
                for row, one in zip(rows, self.likelihood, strict=True)
            )
        return replace(evaluation, metrics=metrics, rows=rows, details=details)


def training(candidate: Candidate) -> tuple[str, ...]:
    """The datasets that the run of the candidate was trained on."""
    run = candidate.tuned.training if candidate.tuned else None
    return tuple(names(run.config.get("dataset"))) if run else ()


def default_dataset(candidate: Candidate, directory: Path) -> str:
    """The test set that was put aside from the training data of the candidate's run: ``NAME_test``.

    Raises:
        UsageError: there is none, or there are several.
        ConfigError: dataset_info.json is not JSON.
    """
    entries = dataset_info.load(directory)
    found = [name + _TEST for name in training(candidate) if name + _TEST in entries]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{candidate.name}: which test set? Give --dataset, one of: {', '.join(found)}.")
    raise UsageError(f"{candidate.name}: what is to be asked? Give --dataset NAME; convert --test 0.1 puts one aside.")


def ask(
    candidate: Candidate,
    name: str,
    directory: Path,
    *,
    trained_on: Sequence[str] = (),
    allowed: Collection[str] = (),
    extras: Extras | None = None,
    surprise: bool = True,
    watch: Watch | None = None,
) -> Measured:
    """Have ``candidate`` answer the dataset ``name`` of ``directory``.

    A dataset that overlaps with what the run was trained on, or with ``trained_on``, is refused before anything is
    asked, unless ``allowed`` names it. ``surprise`` measures how likely it finds the wanted answers, too, for which a
    model has to be loaded once more.

    Raises:
        UsageError: the dataset is not registered, or what is to be measured needs a model of this machine.
        DataError: the dataset overlaps with the training, or asks nothing.
        ConfigError, NotInstalledError, RunError, EndpointError: as :func:`.predict.predict`.
    """
    watch, extras = watch or Watch(), extras or Extras()
    tuned = candidate.tuned
    if extras.efficiency and tuned is None:
        raise UsageError(f"{candidate.name}: --efficiency needs a model that llf-kit can serve here. Give a run.")
    if extras.times and candidate.file is not None:
        raise UsageError(f"{candidate.name}: --stability needs somebody to ask. Give a run or an endpoint.")
    dataset = registered.find(directory, name)
    entries = dataset_info.load(directory)
    known = tuple(dict.fromkeys([*trained_on, *(one for one in training(candidate) if one in entries)]))
    notes = [f"{one}: was trained on and is not registered here; whether {name} overlaps with it was not looked at."
             for one in training(candidate) if one not in entries]  # fmt: skip
    if known and (seen := overlap.refuse(directory, name, known, allowed)):
        notes.append(f"{name}: {seen} of its rows stand in the training data, as --allow-overlap permits.")
    predicted = predict(candidate, dataset, directory, watch)
    likelihood: list[Likelihood | None] = []
    if tuned is not None:
        notes += tuned.notes
    if tuned is not None and surprise:
        likelihood = perplexity.measure(tuned, dataset, predicted, watch)
        predicted = replace(predicted, rows=perplexity.with_options(predicted.rows, likelihood))
    details = _extras(candidate, dataset, predicted, directory, extras, watch)
    given = Given(predicted.rows, candidate.name, name, notes, predicted.partial, known)
    return Measured(given, likelihood, details)


def _extras(
    candidate: Candidate, dataset: Registered, predicted: Predicted, directory: Path, extras: Extras, watch: Watch
) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if not (extras.efficiency or extras.times):
        return details
    asked = stability.some(read(dataset))
    assert predicted.folder is not None  # noqa: S101 - nobody asks a file
    kept = predicted.folder / "stability.jsonl"
    settings: dict[str, Any] = {}
    if candidate.endpoint is not None:
        settings = generating.of_api(candidate.settings)
        told = watch.counted(f"{candidate.name}: questions again", stability.answers(asked, extras.times))
        found = stability.measure(candidate.endpoint, asked, extras.times, kept, settings, told)
        return {"stability": found.to_dict()}
    tuned = candidate.tuned
    assert tuned is not None  # noqa: S101 - the caller looked
    log = private_directory(directory) / "serve.log"
    watch.status(f"{candidate.name}: serving")
    with upstream.served(tuned, log=log) as client:
        if extras.efficiency:
            details["efficiency"] = {candidate.name: _cost(client, tuned, asked, watch, candidate.name)}
        if extras.times:
            endpoint = candidates.of_client(client)
            settings = {"max_tokens": tuned.config.values.get("max_new_tokens", generating.LONGEST)}
            told = watch.counted(f"{candidate.name}: questions again", stability.answers(asked, extras.times))
            details["stability"] = stability.measure(endpoint, asked, extras.times, kept, settings, told).to_dict()
    if extras.efficiency and (tuned.adapters or tuned.training) and not candidate.name.startswith(candidates.BASE):
        base = tuning.base(tuned)
        watch.status(f"base of {candidate.name}: serving")
        with upstream.served(base, log=log) as client:
            details["efficiency"]["base"] = _cost(client, base, asked, watch, f"base of {candidate.name}")
    return details


def _cost(client: Client, tuned: Tuned, asked: Sequence[Asked], watch: Watch, name: str) -> dict[str, Any]:
    questions = [messages(one) for one in asked]
    told = watch.counted(f"{name}: questions timed", len(questions))
    return efficiency.measure(client, tuned, questions, told).to_dict()
