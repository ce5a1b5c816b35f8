"""The scoring standard as a table: parts with their weights, and the faults that take a share of a part away.

It is data (``templates/quality/standard.yaml``), so that a laboratory can read it and write its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import polars as pl
from annotated_types import Ge, Gt, Le

from llf_kit.errors import ConfigError
from llf_kit.project import read_yaml_as, shipped
from llf_kit.schema import Language


@dataclass(frozen=True)
class When:
    """The conditions of a fault, all of which must hold; the head of the YAML says what each means."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    question_has: str | None = None
    question_lacks: str | None = None
    answer_has: str | None = None
    answer_lacks: str | None = None
    text_has: str | None = None
    text_lacks: str | None = None
    question_below: int | None = None
    answer_below: int | None = None
    answer_above: int | None = None
    shared_below: float | None = None
    terms_below: int | None = None
    other_language: bool | None = None
    flagged: bool | None = None

    def given(self) -> dict[str, Any]:
        """The conditions that are there."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Fault:
    """Why a row loses ``loss`` (0 to 1) of a part."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    zh: str
    en: str
    loss: Annotated[float, Gt(0), Le(1)]
    when: When


@dataclass(frozen=True)
class Part:
    """A part of the score: what it is worth, what it means, and its faults by their names."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    weight: Annotated[float, Ge(0), Le(100)]
    zh: str
    en: str
    means_zh: str
    means_en: str
    faults: dict[str, Fault]


@dataclass(frozen=True)
class Standard:
    """The table; ``patterns`` may be named in the conditions as ``{name}``."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    version: int
    parts: dict[str, Part]
    patterns: dict[str, str] = field(default_factory=dict)
    terms: list[str] = field(default_factory=list)
    latin_terms: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, Fault]:
        """All faults by their names."""
        return {name: fault for part in self.parts.values() for name, fault in part.faults.items()}

    def pattern(self, text: str) -> str:
        r"""A condition's regular expression with the named patterns in it.

        ``\b`` becomes that of ASCII: the one of Unicode sees no boundary beside Chinese, and is far slower there.
        """
        for name, pattern in self.patterns.items():
            text = text.replace(f"{{{name}}}", f"(?:{pattern})")
        return text.replace(r"\b", r"(?-u:\b)")

    @property
    def term(self) -> str:
        """The regular expression of one laboratory term."""
        latin = f"(?i:(?-u:\\b)(?:{'|'.join(self.latin_terms)})(?-u:\\b))" if self.latin_terms else ""
        return "|".join(filter(None, (*self.terms, latin)))

    def say(self, fault: str, language: Language) -> str:
        """What a fault means, in Chinese or English."""
        one = self.faults[fault]
        return one.zh if language == "zh" else one.en


def load(path: Path | None = None) -> Standard:
    """The standard in ``path``, or the shipped one.

    Raises:
        ConfigError: it is not what the shipped one is: all that is wrong, at once.
    """
    path = path or shipped("templates") / "quality" / "standard.yaml"
    standard = read_yaml_as(path, Standard, "standard")
    if problems := list(_problems(standard)):
        raise ConfigError(*(f"{path}: {problem}" for problem in problems))
    return standard


def _problems(standard: Standard) -> list[str]:
    problems: list[str] = []
    total = sum(part.weight for part in standard.parts.values())
    if abs(total - 100) > 1e-6:
        problems.append(f"the weights sum to {total:g}, not to 100. Correct them.")
    names = [name for part in standard.parts.values() for name in part.faults]
    problems += [
        f"the fault {name!r} is there twice. Rename one." for name in sorted({n for n in names if names.count(n) > 1})
    ]
    patterns = {"terms": standard.term}
    for name, fault in standard.faults.items():
        given = fault.when.given()
        if not given:
            problems.append(f"{name}: has no condition. Give it one in `when`.")
        patterns |= {f"{name}.{key}": standard.pattern(text) for key, text in given.items() if isinstance(text, str)}
    for where, pattern in patterns.items():
        try:
            pl.Series(["."]).str.contains(pattern)
        except pl.exceptions.PolarsError:
            problems.append(f"{where}: is no regular expression (without look-around). Correct it.")
    return problems
