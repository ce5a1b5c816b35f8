"""The report of a run: whether it is better than its base, by how much, and what that is known from.

:class:`Report` holds what was measured; :mod:`.figures` makes of it what a reader is shown, :mod:`.page` the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from llf_kit.evaluation.comparison import Comparison
from llf_kit.evaluation.fit_verdict import Verdict
from llf_kit.evaluation.results import Evaluation
from llf_kit.schema import Language, mostly

__all__ = ["Asked", "Report", "language_of"]


@dataclass(frozen=True)
class Asked:
    """One dataset and what was answered: by the tuned model, by its base where that was asked, by others.

    ``general`` says that it asks what any model should know, to see what was forgotten. ``seen`` counts the questions
    that the training data ask too, None where that could not be looked up.
    """

    tuned: Evaluation
    base: Evaluation | None = None
    comparison: Comparison | None = None
    others: tuple[Evaluation, ...] = ()
    general: bool = False
    seen: int | None = None


@dataclass(frozen=True)
class Report:
    """All that the page of a run shows; the first of ``asked`` is what the verdict is about.

    ``config``, ``data``, ``versions``, ``device`` and ``started`` are those of the run record, empty without one.
    """

    name: str
    asked: tuple[Asked, ...]
    language: Language
    fit: Verdict | None = None
    config: dict[str, Any] = field(default_factory=dict)
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    device: str = ""
    started: str = ""
    seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON: everything but the texts of rows."""
        return {
            "name": self.name,
            "language": self.language,
            "asked": [
                {
                    "dataset": one.tuned.dataset,
                    "general": one.general,
                    "seen_in_training": one.seen,
                    "base": one.base.to_dict() if one.base else None,
                    "tuned": one.tuned.to_dict(),
                    "others": [other.to_dict() for other in one.others],
                    "comparison": one.comparison.to_dict() if one.comparison else None,
                }
                for one in self.asked
            ],
            "fit": self.fit.to_dict() if self.fit else None,
            "config": self.config,
            "data": self.data,
            "versions": self.versions,
            "device": self.device,
            "started": self.started,
            "seconds": self.seconds,
        }


def language_of(evaluations: Sequence[Evaluation]) -> Language:
    """The language of most of what was asked."""
    return mostly(row.prediction.question or row.prediction.label for one in evaluations for row in one.rows)
