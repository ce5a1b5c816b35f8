"""What `curve` and `crossval` share: options, checking the first of many runs, running them, and their table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from llf_kit.cli import _checking, _options, _progress
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.evaluation.runs import Planned, Ran, Table


_metric = click.option("--metric", default="eval_loss", show_default=True, help="What to look at, by its name in "
                       "all_results.json.")  # fmt: skip
_dry_run = click.option("--dry-run", is_flag=True, help="Write what each run needs, its YAML too; train nothing.")


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of :func:`perform`, which the command hands on by their names."""
    for option in (_options.as_json, _checking.no_check, _options.lang, _dry_run, _metric):  # the last comes first
        command = option(command)
    return command


def perform(
    planned: Sequence[Planned],
    table: Callable[[Sequence[Ran], str], Table],
    *,
    metric: str,
    dry_run: bool,
    no_check: bool,
    lang: str,
    as_json: bool,
) -> int:
    """Run them all and show the table; the exit status is 1 where a run has failed."""
    from llf_kit import upstream
    from llf_kit.evaluation.predict import Watch
    from llf_kit.evaluation.runs import run_all

    for one in planned:
        say(f"  {one.name:<16} {one.rows} rows  {one.config.path}")
    if dry_run:
        if as_json:
            _options.print_json(
                [{"name": one.name, "rows": one.rows, "config": str(one.config.path)} for one in planned]
            )
        say("nothing was run (--dry-run)")
        return 0
    waiting = [one for one in planned if upstream.finished("train", one.config, one.output) is None]
    if waiting and not (waiting[0].output / "llf-kit-run.json").is_file():
        _checking.first(waiting[0].config, "train", no_check)
    with _progress.shown() as progress:
        ran = run_all(planned, Watch(progress.status, progress.report))
    made = table(ran, metric)
    _show(made, lang)
    if as_json:
        _options.print_json(made.to_dict())
    return int(any(one.problem for one in ran))


def _show(made: Table, lang: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Shown

    from llf_kit.evaluation.wording import number

    shown = Shown()
    for name in ("", "rows", made.metric, "deviation", "range", "runs"):
        shown.add_column(escape(name), justify="right" if name else "left")
    for group, one in made.groups.items():
        figures = ("–", "", "", "0") if one is None else (
            number(one.mean), number(one.deviation), f"{number(one.low)}–{number(one.high)}", str(one.runs),
        )  # fmt: skip
        shown.add_row(escape(group), str(made.rows[group]), *figures)
    Console(stderr=True).print(shown)
    for run in made.runs:
        if run.problem:
            say(f"  {run.name} failed: {run.problem}")
    say(made.sentences[lang])
