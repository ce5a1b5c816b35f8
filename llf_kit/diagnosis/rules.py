"""The rules as a table: symptoms, what suggests them, what is asked, causes, means, and the words for all of it.

It is data (``templates/diagnosis/rules.yaml``, whose head explains it), so that a laboratory can read and change it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from llf_kit.errors import ConfigError
from llf_kit.project import read_yaml_as, shipped
from llf_kit.schema import SIMPLIFIED, Language

MEASURES = (
    *("relevance", "chrf", "rouge-l", "values", "units", "specificity", "terms", "language", "taken_up"),
    *("format", "stability", "stable_values"),
)
GOOD, UNKNOWN, NONE = "good", "unknown", "none"  # what a case counts as that has no known symptom
UNCLEAR = "unclear"  # the cause of those

# The traditional characters of the symptoms, beside those of headings
_SIMPLIFIED = SIMPLIFIED | str.maketrans("關夠針邏輯錯誤語氣適穩無離", "关够针逻辑错误语气适稳无离")


@dataclass(frozen=True)
class Suggests:
    """A rule: ``measure`` is below ``below``, and no measure in ``unless`` is at least as high as said there."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    measure: str
    below: float
    zh: str
    en: str
    unless: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Against:
    """What speaks against a symptom that was given: ``measure`` is ``at_least`` so high."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    measure: str
    at_least: float


@dataclass(frozen=True)
class Leads:
    """A cause of a symptom, where the question ``if_so`` was answered yes, or ``if_not`` no; else in any case."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    cause: str
    if_so: str | None = None
    if_not: str | None = None

    def holds(self, told: dict[str, bool]) -> bool:
        """Whether it is the cause, by what was answered."""
        return (self.if_so is None or told.get(self.if_so) is True) and (
            self.if_not is None or told.get(self.if_not) is False
        )


@dataclass(frozen=True)
class Symptom:
    """A symptom: its names, other words for it, what suggests it, what speaks against it, where it leads."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    zh: str
    en: str
    also: list[str]
    suggest: list[Suggests]
    against: list[Against]
    causes: list[Leads]


@dataclass(frozen=True)
class Question:
    """What only a person can say; ``if_no`` is the cause that comes before all others where the answer is no."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    zh: str
    en: str
    short_zh: str
    short_en: str
    if_no: str | None = None


@dataclass(frozen=True)
class Cause:
    """A cause, and the means that help against it; ``then`` is for where they did not."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    group: Literal["input", "model", "none"]
    zh: str
    en: str
    means: list[str]
    then: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Mean:
    """A means: what it does, what it needs, the commands for it; ``tuning`` where it trains a model."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    zh: str
    en: str
    does_zh: str
    does_en: str
    needs_zh: str
    needs_en: str
    commands: list[str]
    tuning: bool = False


@dataclass(frozen=True)
class Rules:
    """All of the table; the means stand in the order of their cost."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    ignored: dict[Language, str]
    columns: dict[str, list[str]]
    said_yes: list[str]
    said_no: list[str]
    good: list[str]
    symptoms: dict[str, Symptom]
    questions: dict[str, Question]
    causes: dict[str, Cause]
    groups: dict[Language, dict[str, str]]
    means: dict[str, Mean]
    words: dict[Language, dict[str, Any]]

    def symptom(self, word: str) -> str | None:
        """The symptom that a word names, or ``good``; None where it is none of them."""
        return self._words().get(plain(word))

    def known(self) -> list[str]:
        """Every word for a symptom, for a hint."""
        names = [(one.zh, one.en, *one.also) for one in self.symptoms.values()]
        return [word for group in (*names, self.good) for word in group]

    def yes(self, word: str) -> bool | None:
        """What an answer to a question means; None where it is neither yes nor no."""
        said = plain(word)
        return True if said in map(plain, self.said_yes) else False if said in map(plain, self.said_no) else None

    def say(self, name: str, language: Language) -> str:
        """What a symptom, a cause, a means, or a count of cases without a symptom is called."""
        for table in (self.symptoms, self.causes, self.means):
            if name in table:
                return str(getattr(table[name], language))
        return str(self.words[language][name])

    def _words(self) -> dict[str, str]:
        known = {plain(word): GOOD for word in self.good}
        for name, one in self.symptoms.items():
            known |= {plain(word): name for word in (name, one.zh, one.en, *one.also)}
        return known

    def problems(self) -> Iterator[str]:
        """What refers to something that is not there."""
        for name, one in self.symptoms.items():
            measures = [other for rule in one.suggest for other in (rule.measure, *rule.unless)]
            measures += [rule.measure for rule in one.against]
            yield from (f"{name}: there is no measure {other!r}" for other in measures if other not in MEASURES)
            asked = [other for lead in one.causes for other in (lead.if_so, lead.if_not) if other]
            yield from (f"{name}: there is no question {other!r}" for other in asked if other not in self.questions)
            led = [lead.cause for lead in one.causes]
            yield from (f"{name}: there is no cause {other!r}" for other in led if other not in self.causes)
            if not any(lead.holds({}) for lead in one.causes):
                yield f"{name}: leads nowhere where nothing was answered"
        for name, question in self.questions.items():
            if question.if_no is not None and question.if_no not in self.causes:
                yield f"{name}: there is no cause {question.if_no!r}"
        for name, cause in self.causes.items():
            yield from (
                f"{name}: there is no means {other!r}" for other in (*cause.means, *cause.then)
                if other not in self.means
            )  # fmt: skip


def plain(word: str) -> str:
    """A word without what varies between spellings: width, case, old characters, blanks and hyphens."""
    return re.sub(r"[\s_\-·、。.]+", "", unicodedata.normalize("NFKC", word)).casefold().translate(_SIMPLIFIED)


@cache
def load(path: Path | None = None) -> Rules:
    """The rules in ``path``, or the shipped ones.

    Raises:
        ConfigError: they are not what the shipped ones are: all that is wrong, at once.
    """
    path = path or shipped("templates") / "diagnosis" / "rules.yaml"
    rules = read_yaml_as(path, Rules, "rules")
    if problems := list(rules.problems()):
        raise ConfigError(*(f"{path}: {problem}. Correct the rules." for problem in problems))
    return rules
