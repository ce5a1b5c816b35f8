"""Everything that a report of a run needs: what was answered before is read, what was not is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llf_kit import dataset_info, registered
from llf_kit.errors import DataError, LlfKitError, UsageError
from llf_kit.evaluation import candidates, comparing, fit_judging, measuring, overlap, scoring
from llf_kit.evaluation.asking import Extras
from llf_kit.evaluation.fit_verdict import Verdict
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.report import Asked, Report, language_of
from llf_kit.evaluation.report import general as general_questions
from llf_kit.evaluation.results import Evaluation
from llf_kit.project import sha256
from llf_kit.registered.converted import made_by
from llf_kit.schema import Language
from llf_kit.upstream import record
from llf_kit.upstream.record import Record

_BASE = "base"


def gather(
    directory: Path,
    run: Path,
    datasets: Sequence[str],
    *,
    overrides: Sequence[str] = (),
    general: bool = False,
    base: str = _BASE,
    gate: Mapping[str, float] | None = None,
    language: Language | None = None,
    extras: Extras | None = None,
    watch: Watch | None = None,
) -> Report:
    """The report of ``run``, a training's output_dir, on ``datasets``; of none, on the test sets of its training data.

    ``base`` is with whom it is compared (:mod:`llf_kit.evaluation.candidates`); ``overrides`` (``key=value``) hold for
    both. ``general`` asks the general questions, too, which are registered as :data:`.general.NAME`. ``gate`` are
    thresholds for the first dataset, and ``extras`` what is measured of it beside the answers.

    Raises:
        ConfigError: ``run`` has no record.
        UsageError: nothing was said to ask, or a dataset is not registered.
        LlfKitError: a model could not be asked.
    """
    trained = record.load(run)
    names = list(dict.fromkeys(datasets)) or _test_sets(directory, trained)
    if not names:
        raise UsageError(f"{run}: its training data have no test set. Say what to ask: --dataset NAME.")
    tuned, before = candidates.find(str(run), overrides), candidates.find(base, overrides, beside=str(run))
    asked = []
    for name in dict.fromkeys([*names, general_questions.NAME] if general else names):
        first = name == names[0]
        # Rows that training has seen are counted and said on the page, where they make the verdict doubtful
        base_said = measuring.measure(directory, before, name, allowed=[name], watch=watch)
        tuned_said = measuring.measure(
            directory, tuned, name, allowed=[name], extras=extras if first else None, watch=watch
        )
        if gate and first:
            tuned_said, _ = scoring.judged(tuned_said, gate)
        asked.append(against(directory, base_said, tuned_said, trained, general=name == general_questions.NAME))
    return made(directory, run, asked, language)


def made(directory: Path, run: Path, asked: Sequence[Asked], language: Language | None = None) -> Report:
    """The report of ``run`` of what was ``asked``: with its record, its data and the verdict on its training.

    Raises:
        ConfigError: ``run`` has no record.
    """
    trained = record.load(run)
    return Report(
        name=run.name,
        asked=tuple(asked),
        language=language or language_of([one.tuned for one in asked]),
        fit=_fit(run),
        config=trained.config,
        data={name: {**facts, "sum": _sum(directory, name)} for name, facts in trained.data.items()},
        versions=trained.versions,
        device=trained.device,
        started=trained.started,
        seconds=trained.seconds,
    )


def against(directory: Path, base: Evaluation, tuned: Evaluation, training: Record, *, general: bool = False) -> Asked:
    """Both evaluations of a dataset compared, and how many of its questions the training has seen.

    Raises:
        UsageError: they cannot be compared.
    """
    main = general_questions.RIGHT if general else None
    if general:
        base, tuned = general_questions.with_right(base), general_questions.with_right(tuned)
    compared = comparing.compare([base], [tuned], main=main, forgetting=general)
    return Asked(tuned, base, compared, general=general, seen=_seen(directory, tuned.dataset, training))


def _test_sets(directory: Path, training: Record) -> list[str]:
    """The registered test sets that were split off from what was trained on."""
    known = dataset_info.load(directory)
    return [f"{name}_test" for name in training.data if f"{name}_test" in known]


def _seen(directory: Path, name: str, training: Record) -> int | None:
    """How many rows of the dataset the training data ask too; None where these are gone or were changed since."""
    try:
        for trained, facts in training.data.items():
            files = registered.find(directory, trained).files
            if len(files) == 1 and sha256(files[0]) != facts.get("sha256"):
                return None
        return len(overlap.overlap(directory, name, list(training.data))) if training.data else None
    except LlfKitError:
        return None


def _fit(run: Path) -> Verdict | None:
    try:
        return fit_judging.judge(run)
    except DataError:  # a run that left no log
        return None


def _sum(directory: Path, name: str) -> dict[str, Any] | None:
    found = made_by(directory, name)
    sums = ("read", "written", "duplicates", "rejected")
    return {one: found[one] for one in sums} if found and all(one in found for one in sums) else None
