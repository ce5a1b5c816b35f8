"""``llf-kit sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llf_kit.cli import _options, _progress
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.sweeping import Outcome


@click.command()
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", help="Language of the page and the verdict.")
@_options.as_json
def command(lang: Any, as_json: bool) -> int:
    """Try models, methods and settings; name the smallest.

    What is tried stands in llf-kit.yaml (sweep:). Each is trained in saves/NAME and asked what training never saw; the
    smallest that is within the tolerance of the best is named. What has ended is not run again, what failed is a row.
    Started again beside itself in the same folder, it shares the work.
    """
    from llf_kit import sweeping
    from llf_kit.project import write_text
    from llf_kit.sweeping import page

    with _progress.shown() as progress:
        outcome = sweeping.sweep(Path(), sweeping.Watch(progress.status, progress.report))
    file = outcome.space.folder / "sweep.html"
    write_text(file, page.html(outcome, lang), mode=0o600)
    _show(outcome)
    say(page.sentence(outcome, lang))
    if as_json:
        _options.print_json(outcome.to_dict())
    say(f"  written   {file}")
    return int(outcome.chosen is None or any(one.problem and not one.stopped for one in outcome.rows))


def _show(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from llf_kit.sweeping import page

    metric = outcome.space.sweep.metric
    measured = ("parameters", "trained", "on disk", "training", "peak memory")
    planned = ("planned memory", "time", "cost", "GPU")
    shown = Table("run", metric, *measured, *planned, box=None, pad_edge=False)
    for one in outcome.rows:
        mark = " ← take this" if one is outcome.chosen else ""
        found = " ".join(filter(None, (page.value(one.metric(metric)), page.spread(one, metric, "en"))))
        shown.add_row(escape(one.choice.name) + mark, found, *page.figures(one).values())
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.width = max(console.width, 240)  # names are long, and a row is a line
    console.print(shown)
    for one in outcome.rows:
        if one.problem:
            say(f"  {one.choice.name} {'was stopped early' if one.stopped else 'failed'}: {one.problem}")
    for note in page.notes(outcome):
        say(f"  note: {note}")
