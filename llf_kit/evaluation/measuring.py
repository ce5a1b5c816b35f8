"""The door to an evaluation in a project: as llf-kit.yaml says, and by the project's probes where these are asked.

``answer_format:`` is what every answer has to look like. Where ``metrics:`` names what counts and none of it needs to
know how likely the wanted answers are, that is not measured: it takes loading a model once more.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from llf_kit.evaluation import asking, probes, scoring
from llf_kit.evaluation.asking import Extras
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.given import Given
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.results import Evaluation
from llf_kit.evaluation.scoring import Wanted
from llf_kit.project import PROBES, Settings, load_settings

_OF_LIKELIHOOD = {"perplexity", "auc"}


def measure(
    directory: Path,
    candidate: Candidate,
    name: str,
    *,
    allowed: Collection[str] = (),
    wanted: Wanted | None = None,
    extras: Extras | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """The evaluation of ``candidate`` on the dataset ``name`` of ``directory``.

    Raises:
        LlfKitError: as :func:`.asking.ask` and :func:`of`.
    """
    surprise = with_likelihood(load_settings(directory))
    found = asking.ask(candidate, name, directory, allowed=allowed, extras=extras, surprise=surprise, watch=watch)
    return found.completed(of(directory, found.given, wanted))


def of(directory: Path, given: Given, wanted: Wanted | None = None) -> Evaluation:
    """The evaluation of what was answered.

    Answers to questions none of which is a probe are measured by their own wanted answers alone.

    Raises:
        LlfKitError: as :func:`.probes.load` and :func:`.scoring.evaluate`.
    """
    file = directory / PROBES
    probing = probes.load(file) if file.is_file() else []
    if not scoring.probed(given.rows, probing):
        probing = []
    wanted = wanted or Wanted(answer_format=load_settings(directory).answer_format)
    return scoring.evaluate(
        given.rows, name=given.name, dataset=given.dataset, probing=probing, wanted=wanted, lacking=given.lacking
    )


def with_likelihood(settings: Settings) -> bool:
    """Whether anything that counts is about how likely the wanted answers are; where nothing is named, all counts."""
    counted = {*settings.metrics, *settings.gate, *([settings.sweep.metric] if settings.sweep else [])}
    return not settings.metrics or bool(counted & _OF_LIKELIHOOD)
