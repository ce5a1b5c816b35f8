"""Diagnosis: from failing cases to their symptoms, from symptoms to causes, from causes to means.

Fine-tuning is one of the means, and neither the first nor always the right one: most of what is wrong with answers is
mended cheaper. What can be measured without a model is measured; the rest a person says. The rules are data
(:mod:`.rules`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from llf_kit.diagnosis.advising import Advice, Source, advise
from llf_kit.diagnosis.case_measures import measure
from llf_kit.diagnosis.cases import Examined, Read
from llf_kit.diagnosis.examining import examine
from llf_kit.diagnosis.rules import GOOD, MEASURES, NONE, UNCLEAR, UNKNOWN, Rules
from llf_kit.errors import DataError
from llf_kit.schema import Language, mostly

__all__ = ["Diagnosis", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """What came of the cases. ``rows`` are all of them, ``means`` stand in the order of their cost."""

    rows: list[Examined]
    means: list[Advice]
    next: str
    language: Language
    rules: Rules
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def failing(self) -> list[Examined]:
        """The cases in which something is wrong, or may be."""
        return [row for row in self.rows if not row.case.good]

    @property
    def symptoms(self) -> dict[str, int]:
        """Cases by symptom, the most frequent first; a case may have several."""
        counts = Counter(symptom for row in self.failing for symptom in row.symptoms)
        counts[GOOD] += len(self.rows) - len(self.failing)
        last = (GOOD, UNKNOWN, NONE)
        known = [(name, number) for name, number in counts.most_common() if name not in last]
        return dict([*known, *((name, counts[name]) for name in last if counts[name])])

    @property
    def suggested(self) -> dict[str, int]:
        """Of these, the cases whose symptom was suggested by a measure."""
        return dict(Counter(row.suggested for row in self.failing if row.suggested).most_common())

    @property
    def causes(self) -> dict[str, int]:
        """Cases by cause, the most frequent first."""
        return dict(Counter(cause for row in self.failing for cause in row.causes).most_common())

    @property
    def summary(self) -> str:
        """How many cases there are, in words."""
        good = len(self.rows) - len(self.failing)
        not_known = sum(row.symptoms[0] in (UNKNOWN, NONE) for row in self.failing)
        said = self.rules.words[self.language]["summary"]
        failing = len(self.failing) - not_known
        return str(said).format(cases=len(self.rows), failing=failing, good=good, open=not_known)

    @property
    def no_cases(self) -> list[str]:
        """What was left out, in words."""
        said = self.rules.words[self.language]
        return [
            str(said["rows_out"]).format(number=number, why=said["left_out"].get(why, why))
            for why, number in self.left_out.items()
        ]

    @property
    def to_tune(self) -> int:
        """Cases for which fine-tuning is a means that is named at once."""
        return len({place for one in self.means if one.tuning and not one.later for place in one.cases})

    @property
    def undecided(self) -> bool:
        """Whether no case has a symptom."""
        return not self.means

    @property
    def verdict(self) -> str:
        """In one sentence, whether fine-tuning is the answer."""
        said = self.rules.words[self.language]
        if self.undecided:
            return str(said["undecided"])
        if not self.to_tune:
            return str(said["no_tuning"])
        of = sum(row.causes != (UNCLEAR,) for row in self.failing)
        return str(said["some_tuning"]).format(of=of, cases=self.to_tune, others=of - self.to_tune)

    def measured(self) -> dict[str, dict[str, Any]]:
        """The median of each measure over failing and over good cases, and how many it was measured of."""
        made = {}
        for name in MEASURES:
            sides: dict[str, Any] = {}
            for side, good in (("failing", False), ("good", True)):
                found = [value for row in self.rows if row.case.good is good
                         and (value := row.measures[name]) is not None]  # fmt: skip
                sides[side] = {"median": round(median(found), 1) if found else None, "cases": len(found)}
            if any(one["cases"] for one in sides.values()):
                made[name] = sides
        return made

    def to_dict(self) -> dict[str, Any]:
        """What ``diagnose --json`` prints: no text of any case but its place."""
        return {
            "cases": len(self.rows),
            "columns": self.columns,
            "symptoms": self.symptoms,
            "suggested": self.suggested,
            "causes": self.causes,
            "means": [
                {
                    "name": one.name,
                    "reason": one.reason,
                    "cases": len(one.cases),
                    "places": list(one.cases),
                    "later": one.later,
                    "tuning": one.tuning,
                    "needs": getattr(self.rules.means[one.name], f"needs_{self.language}"),
                    "commands": list(one.commands),
                }
                for one in self.means
            ],
            "next": self.next,
            "verdict": self.verdict,
            "measures": self.measured(),
            "rows": [
                {
                    "place": row.case.place,
                    "symptoms": list(row.symptoms) or [GOOD],
                    "suggested": row.why or None,
                    "causes": list(row.causes),
                    "measures": row.measures,
                    "notes": list(row.notes),
                }
                for row in self.rows
            ],
            "notes": self.notes,
            "left_out": self.left_out,
        }


def language_of(read: Read) -> Language:
    """The language of most questions."""
    return mostly(case.question for case in read.cases)


def diagnose(
    read: Read, rules: Rules, file: str, language: Language, wanted_format: str | None = None, asked: str = ""
) -> Diagnosis:
    """Measure the cases and find their symptoms, causes and means; ``asked`` is what followed --ask.

    Raises:
        DataError: nothing is wrong with any of the cases.
        UsageError: the format cannot be used.
        NotInstalledError: a package of the extra ``eval`` is missing.
    """
    if all(case.good for case in read.cases):
        raise DataError(f"{file}: every case is marked as good ({len(read.cases)}), so there is nothing to diagnose. "
                        "Add cases in which the answer is wrong.")  # fmt: skip
    rows = examine(read.cases, measure(read.cases, rules, wanted_format), rules, language)
    source = Source(file, asked, read.columns)
    means = advise(rows, rules, source, language)
    return Diagnosis(rows, means, _next(means, source), language, rules, read.notes, read.left_out, read.columns)


def _next(means: Sequence[Advice], source: Source) -> str:
    """The first command of the cheapest means; without any, how to say what is wrong."""
    import shlex

    if means:
        return means[0].commands[0]
    asked = f" --ask {source.asked}" if source.asked else ""
    return f"llf-kit diagnose {shlex.quote(source.file)}{asked} --excel TO_FILL_IN.xlsx"
