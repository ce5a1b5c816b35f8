"""``llf-kit diagnose``: asking a model and asking a person, and how a diagnosis looks on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _progress
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.diagnosis import Diagnosis
    from llf_kit.diagnosis.cases import Case, Read
    from llf_kit.diagnosis.rules import Rules
    from llf_kit.schema import Language

_MOST = 20  # cases that a person is asked about on a terminal; a sheet is better for more
_WIDTH = 300  # characters of a text that are shown
_NOTES = 20


def ask(read: Read, who: str, overrides: Sequence[str], runs: int) -> Read:
    """The cases with the answers of ``who``."""
    from llf_kit.diagnosis import live_answers
    from llf_kit.evaluation.predict import Watch

    with _progress.shown() as progress:
        return live_answers.ask(Path.cwd(), read, who, overrides, runs, Watch(progress.status, progress.report))


def fill_in(read: Read, rules: Rules, language: Language) -> Read:
    """The cases with what a person says of those without a symptom; as they are where nobody sits at a terminal."""
    open_cases = [case for case in read.cases if not case.symptoms and not case.good]
    if not open_cases or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return read
    number = min(len(open_cases), _MOST)
    question = f"Cases without a symptom: {len(open_cases)}. Answer questions about {number} of them now?"
    if not click.confirm(question, default=True, err=True):
        return read
    filled = {id(case): _filled(case, rules, language) for case in open_cases[:_MOST]}
    return replace(read, cases=[filled.get(id(case), case) for case in read.cases])


def _filled(case: Case, rules: Rules, language: Language) -> Case:
    said = rules.words[language]
    say(f"\n{case.place}")
    shown = case.masked
    for name, text in (("question", shown.question), *(("answer", one) for one in shown.answers)):
        say(f"  {said[name]}: {text[:_WIDTH]}")
    symptoms = list(rules.symptoms)
    for number, name in enumerate(symptoms, start=1):
        say(f"  {number}  {rules.say(name, language)}")
    say(f"  0  {said['good']}")
    chosen = click.prompt(said["symptom"], default="", value_proc=_number(len(symptoms)), err=True, show_default=False)
    if chosen is None:
        return case
    if chosen == 0:
        return replace(case, good=True)
    told = dict(case.told)
    for name, question in rules.questions.items():
        answer = click.prompt(
            f"  {getattr(question, language)} (y/n, Enter: ?)", default="", show_default=False, err=True
        )
        meant = rules.yes(answer) if answer else None
        if meant is not None:
            told[name] = meant
    return replace(case, symptoms=(symptoms[chosen - 1],), told=told)


def _number(most: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        if not text.strip():
            return None
        if text.strip().isdecimal() and int(text) <= most:
            return int(text)
        raise click.UsageError(f"0 to {most}, or nothing.")

    return read


def show(found: Diagnosis) -> None:
    """The report for people, on stderr."""
    rules, language = found.rules, found.language
    said = rules.words[language]
    say(found.summary)
    say(f"  {said['read_as']}: {', '.join(f'{role}={name}' for role, name in found.columns.items())}")
    for line in found.no_cases:
        say(f"  ! {line}")
    notes = [
        *found.notes,
        *(f"{row.case.place}: {note}" for row in found.rows for note in (row.why, *row.notes) if note),
    ]
    for note in notes[:_NOTES]:
        say(f"  ! {note}")
    if len(notes) > _NOTES:
        say(f"  ! … {len(notes) - _NOTES}")
    say(said["symptoms"])
    for name, number in found.symptoms.items():
        of_these = f"  ({said['of_these']} {found.suggested[name]})" if name in found.suggested else ""
        say(f"  {number:>4}  {rules.say(name, language)}{of_these}")
    say(said["causes"])
    for name, number in found.causes.items():
        group = rules.groups[language][rules.causes[name].group]
        say(f"  {number:>4}  {group}{rules.say(name, language)}")
    if found.means:
        say(said["means"])
    for number, one in enumerate(found.means, start=1):
        mean = rules.means[one.name]
        later = f"  ({said['then']})" if one.later else ""
        say(f"  {number}. {rules.say(one.name, language)}{later}")
        say(f"     {getattr(mean, f'does_{language}')}")
        say(f"     {said['reason']}: {one.reason}")
        say(f"     {said['needs']}: {getattr(mean, f'needs_{language}')}")
        for command in one.commands:
            say(f"     $ {command}")
    say(found.verdict)
