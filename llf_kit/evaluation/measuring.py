"""A candidate is asked a dataset, and what it answered is measured: by the project's probes where these are asked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from llf_kit.evaluation import asking, probes, scoring
from llf_kit.evaluation.asking import Extras
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.results import Evaluation
from llf_kit.evaluation.scoring import Wanted
from llf_kit.project import PROBES


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

    A dataset none of whose questions is a probe is measured by its own wanted answers alone.

    Raises:
        LlfKitError: as :func:`.asking.ask`, :func:`.probes.load` and :func:`.scoring.evaluate`.
    """
    found = asking.ask(candidate, name, directory, allowed=allowed, extras=extras, watch=watch)
    given, file = found.given, directory / PROBES
    probing = probes.load(file) if file.is_file() else []
    if not scoring.probed(given.rows, probing):
        probing = []
    evaluation = scoring.evaluate(
        given.rows, name=given.name, dataset=name, probing=probing, wanted=wanted, lacking=given.lacking
    )
    return found.completed(evaluation)
