"""``llf-kit run``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from llf_kit.cli import _options, _progress
from llf_kit.cli._options import say

_SHOWN = 4  # files of a step; of more, their folder


@click.command()
@click.option("--until", default="export", show_default=True, help="The last step: convert, quality, render, check, "
              "train, evaluate, report or export.")  # fmt: skip
@_options.as_json
def command(until: str, as_json: bool) -> None:
    """Walk the whole line of llf-kit.yaml; do what changed.

    convert, quality, render, check, train, evaluate, report and export, each with the reason why it is done, or not. It
    stops at errors of the check, and before the export of a model that failed the gate, and goes on from there the next
    time. A training that was stopped goes on from its last checkpoint.
    """
    from llf_kit import line

    with _progress.shown() as progress:
        done = line.run(Path(), until, line.Watch(progress.status, progress.report))
    if as_json:
        _options.print_json([one.to_dict() for one in done])
        return
    for one in done:
        for place in one.where if len(one.where) <= _SHOWN else [f"{os.path.commonpath(one.where)}/"]:
            say(f"  {one.step:<9} {place}")
