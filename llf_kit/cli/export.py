"""``llf-kit export``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options
from llf_kit.cli._options import say


@click.command()
@_options.config
@_options.overrides
@_checking.no_check
def command(config: Path, overrides: tuple[str, ...], no_check: bool) -> None:
    """Merge an adapter or quantise a model, by llamafactory-cli."""
    from llf_kit.upstream import run

    _checking.first(config, overrides, "export", no_check)
    record = run("export", config, overrides)
    say(f"done in {record.seconds:.0f} s: {record.output}")
