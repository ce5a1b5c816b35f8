"""From causes to means, the cheapest first, each with its reason and its next command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llf_kit.diagnosis.cases import Examined
from llf_kit.diagnosis.rules import Rules
from llf_kit.schema import Language

_PLACES = 5  # of cases that are named in a reason


@dataclass(frozen=True)
class Advice:
    """A means: the cases it is for, why, and what to do. ``later`` where it is for what cheaper ones have left."""

    name: str
    cases: tuple[str, ...]
    reason: str
    commands: tuple[str, ...]
    tuning: bool
    later: bool


@dataclass(frozen=True)
class Source:
    """Where the cases come from, for commands: the file, what followed --ask, and the headings of its columns."""

    file: str
    asked: str
    columns: Mapping[str, str]


def advise(rows: Sequence[Examined], rules: Rules, source: Source, language: Language) -> list[Advice]:
    """The means against the causes of ``rows``, in the order of their cost."""
    said = rules.words[language]
    pairs = [row.case for row in rows if row.case.answers and row.case.expected and not row.case.good]
    pairs = [case for case in pairs if case.answers[0] != case.expected]
    made = []
    for name, mean in rules.means.items():
        by_cause = {
            cause: [row.case.place for row in rows if cause in row.causes]
            for cause, one in rules.causes.items()
            if name in (*one.means, *one.then)
        }
        by_cause = {cause: places for cause, places in by_cause.items() if places}
        if not by_cause:
            continue
        reasons = [
            said["reason_of"].format(
                cause=rules.say(cause, language), cases=len(places), places=_listed(places, said["more_places"])
            )
            for cause, places in by_cause.items()
        ]
        paired = name == "preference" and pairs and {"answer", "expected"} <= set(source.columns)
        if paired:
            reasons.append(said["also_pairs"].format(cases=len(pairs)))
        made.append(
            Advice(
                name,
                tuple(dict.fromkeys(place for places in by_cause.values() for place in places)),
                "; ".join(reasons),
                tuple(_command(one, source) for one in mean.commands),
                mean.tuning,
                all(name not in rules.causes[cause].means for cause in by_cause),
            )
        )
    return made


def _listed(places: Sequence[str], more: str) -> str:
    return ", ".join(places[:_PLACES]) + (more if len(places) > _PLACES else "")


def _command(command: str, source: Source) -> str:
    columns = source.columns
    given = {"chosen": columns.get("expected", "COLUMN"), "rejected": columns.get("answer", "COLUMN"),
             "question": columns.get("question", "COLUMN")}  # fmt: skip
    pairs = " ".join(f"--map {shlex.quote(f'{role}={name}')}" for role, name in given.items())
    return command.format(cases=shlex.quote(source.file), who=source.asked or "MODEL", pairs=pairs)
