"""Asking for the columns of a table that is not understood for sure; only on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llf_kit.cli._options import at_terminal, say

if TYPE_CHECKING:
    from llf_kit.mapping import Ask, Mapping

_WIDTH = 50  # characters of a cell that are shown


def wizard() -> Ask | None:
    """A function that asks, the same table never twice; None where nobody sits at a terminal."""
    if not at_terminal():
        return None
    answers: dict[tuple[str, ...], dict[str, str] | None] = {}

    def ask(unsure: Mapping) -> dict[str, str] | None:
        columns = unsure.table.columns
        if columns not in answers:  # a folder of a hundred alike is asked once
            answers[columns] = _ask(unsure)
        return answers[columns]

    return ask


def _ask(unsure: Mapping) -> dict[str, str] | None:
    columns = unsure.table.columns
    say(f"{unsure.table.source}: its columns are not known by name. Their first values:")
    for number, name in enumerate(columns, start=1):
        shown = " | ".join(cell.replace("\n", " ")[:_WIDTH] for cell in unsure.examples(name))
        say(f"  {number}  {name}: {shown}")
    say("  0  none of them")
    chosen: dict[str, str] = {}
    for role in ("question", "answer"):
        guess = columns.index(unsure.columns[role]) + 1 if role in unsure.columns else None
        number = click.prompt(
            f"Which is the {role}?", type=click.IntRange(0, len(columns)), default=guess, err=True, show_choices=False
        )
        while number and columns[number - 1] in chosen.values():
            number = click.prompt(
                f"That is the question. Which is the {role}?", type=click.IntRange(0, len(columns)), err=True
            )
        if number == 0:
            say("  its rows are listed as rejected")
            return None
        chosen[role] = columns[number - 1]
    say("  next time: " + " ".join(f"--map {role}={name}" for role, name in chosen.items()))
    return chosen
