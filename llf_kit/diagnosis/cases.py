"""What is diagnosed: cases, what was measured of them, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from llf_kit.cleaning import identifiers

Measures = dict[str, float | None]


@dataclass(frozen=True)
class Case:
    """A question and the answers that were given to it; ``expected`` is the wanted one, empty where nobody said.

    ``symptoms`` are those a person named, ``unknown`` the words that name none; ``good`` where a person found nothing
    wrong. ``told`` has the answers to the questions that only a person can answer.
    """

    place: str
    question: str
    answers: tuple[str, ...] = ()
    expected: str = ""
    prompt: str = ""
    symptoms: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    good: bool = False
    told: dict[str, bool] = field(default_factory=dict)

    @property
    def masked(self) -> Case:
        """The same with a placeholder for every identifier in its texts: as it is shown."""
        return replace(
            self,
            question=identifiers.mask(self.question),
            answers=tuple(map(identifiers.mask, self.answers)),
            expected=identifiers.mask(self.expected),
            prompt=identifiers.mask(self.prompt),
        )


@dataclass(frozen=True)
class Read:
    """The cases of a file; ``notes`` are for people, ``left_out`` counts rows that are no case, by reason.

    ``columns`` are the headings by role, for a command that reads the same file.
    """

    cases: list[Case]
    notes: list[str]
    left_out: dict[str, int]
    columns: dict[str, str]


@dataclass(frozen=True)
class Examined:
    """A case, its measures, the symptom that they suggest, and notes on where symptom and measures disagree.

    ``causes`` is one a symptom, or those of a poor input. ``why`` is the suggestion in words.
    """

    case: Case
    measures: Measures
    symptoms: tuple[str, ...]
    causes: tuple[str, ...]
    suggested: str | None = None
    why: str = ""
    notes: tuple[str, ...] = ()
