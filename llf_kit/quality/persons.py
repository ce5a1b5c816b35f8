"""Which rows need a person, and why: the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# Why, in the order of urgency.
LEAKED, CONTRADICTION, FLAG, REFUSED, NEAR, SCORE = "leaked", "contradiction", "flag", "refused", "near", "score"
_ORDER = (LEAKED, CONTRADICTION, FLAG, REFUSED, NEAR, SCORE)


@dataclass
class Person:
    """A row (its place in the table) and the reasons why it needs a person, each with what it is about."""

    row: int
    reasons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The most urgent of the reasons."""
        return min((kind for kind, _ in self.reasons), key=_ORDER.index)


def choose(reasons: Iterable[tuple[int, str, str]]) -> list[Person]:
    """The rows of ``reasons`` (row, kind, detail): by urgency, then in the order of the dataset."""
    persons: dict[int, Person] = {}
    for row, kind, detail in reasons:
        said = persons.setdefault(row, Person(row)).reasons
        if (kind, detail) not in said:
            said.append((kind, detail))
    return sorted(persons.values(), key=lambda person: (_ORDER.index(person.kind), person.row))
