"""``llf-kit compare``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _asking, _options, _progress
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.evaluation.comparison import Comparison, Difference

_WORSE = 5  # rows that are named
_OVERRIDE = re.compile("[A-Za-z_]+=")
_OUTCOME = {"better": "green", "worse": "red"}


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="RUN RUN... [KEY=VALUE]...")
@click.option("--dataset", metavar="NAME", help="What to ask those who have not answered yet; the test set of the "
              "first run when not given.")  # fmt: skip
@click.option("--metric", metavar="NAME", help="The metric that the verdict is about; exact values come first.")
@click.option("--general", is_flag=True, help="The questions are general ones: has the tuned model forgotten any?")
@click.option("--allow-overlap", "allowed", multiple=True, metavar="NAME", help="Compare on this dataset although "
              "training has seen rows of it.")  # fmt: skip
@click.option("--unmasked", metavar="NAME", help="Send this dataset to an endpoint elsewhere although its identifiers "
              "were not masked at conversion.")  # fmt: skip
@_options.lang
@_options.as_json
def command(
    words: tuple[str, ...],
    dataset: str | None,
    metric: str | None,
    general: bool,
    allowed: tuple[str, ...],
    unmasked: str | None,
    lang: str,
    as_json: bool,
) -> None:
    """Compare models on the same rows of a dataset.

    The first is compared with each of the others. A RUN is the output_dir of a training, `base` (its base model), a
    model, http://host/v1#MODEL, a file of predictions, or the JSON of `llf-kit evaluate --output`. Runs of one method
    that differ in their seed are joined by commas: seed1,seed2. A KEY=VALUE holds for all that are asked:
    max_new_tokens=64.
    """
    from llf_kit.evaluation.comparing import compare
    from llf_kit.evaluation.entrants import evaluated
    from llf_kit.evaluation.predict import Watch

    overrides = tuple(word for word in words if _OVERRIDE.match(word))
    runs = tuple(word for word in words if word not in overrides)
    if len(runs) < 2:
        raise click.UsageError("Name two or more: llf-kit compare base saves/lora_sft --dataset lab_qa_test")
    with _progress.shown() as progress:
        found = evaluated(
            Path.cwd(), runs, dataset, overrides=overrides, allowed=allowed,
            leaving=lambda candidate, name: _asking.check_leaving(candidate, name, unmasked),
            watch=Watch(progress.status, progress.report),
        )  # fmt: skip
    made = [compare(found[0], other, main=metric, forgetting=general) for other in found[1:]]
    for one in made:
        _show(one, lang)
    if as_json:
        _options.print_json([one.to_dict() for one in made])


def _show(made: Comparison, lang: str) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from llf_kit.evaluation.wording import chance, number, signed

    title = f"{made.other} − {made.base}: {made.rows} rows (w/t/l: won, tied, lost)"
    table = Table(title=escape(title), title_justify="left", box=SIMPLE)
    table.add_column("metric", no_wrap=True)
    for name in (_short(made.base), _short(made.other), "change", "95 %", "p", "w/t/l"):
        table.add_column(escape(name), justify="right")

    def row(label: str, one: Difference) -> None:
        p = one.p if one.holm is None else one.holm
        table.add_row(
            escape(label if one.rows == made.rows else f"{label}, {one.rows} rows"),
            number(one.base),
            number(one.other),
            signed(one.difference),
            "" if one.low is None else f"{signed(one.low)}…{signed(one.high)}",
            "" if p is None else chance(p).removeprefix("= "),
            f"{one.wins}/{one.ties}/{one.losses}",
            style=_OUTCOME.get(one.outcome),
        )

    for name, one in made.differences.items():
        if one.rows:
            row(name, one)
    for label, found in made.scenarios.items():
        if made.main in found:
            row(f"  {made.main}, {label}", found[made.main])
    Console(stderr=True).print(table)
    say(made.sentences[lang])
    for note in made.notes[lang]:
        say(f"  note  {note}")
    worse = [one for one in made.changes if one.place and _lost(made, one.base, one.other)]
    for change in worse[:_WORSE]:
        say(f"  worse {change.place}  {made.main} {number(change.base)} → {number(change.other)}")
    if len(worse) > _WORSE:
        say(f"        and {len(worse) - _WORSE} more; --json lists them")


def _short(name: str) -> str:
    """A run by its folder: the title has the whole name."""
    return name.rstrip("/").rpartition("/")[2] or name


def _lost(made: Comparison, base: float, other: float) -> bool:
    from llf_kit.evaluation.paired import LOWER_IS_BETTER

    return other > base if made.main in LOWER_IS_BETTER else other < base
