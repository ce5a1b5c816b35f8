"""``llf-kit export``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say


@click.command()
@_options.config
@_options.overrides
def command(config: Path, overrides: tuple[str, ...]) -> None:
    """Merge an adapter or quantise a model, by llamafactory-cli."""
    from llf_kit.upstream import run

    record = run("export", config, overrides)
    say(f"done in {record.seconds:.0f} s: {record.output}")
