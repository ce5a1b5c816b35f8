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
    """Hand a YAML to `llamafactory-cli export`: merge an adapter into its base model, or quantise a model."""
    from llf_kit.upstream import run

    record = run("export", config, overrides)
    say(f"done in {record.seconds:.0f} s: {record.output}")
