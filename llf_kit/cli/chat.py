"""``llf-kit chat``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _options


@click.command()
@_options.config
@_options.overrides
def command(config: Path, overrides: tuple[str, ...]) -> None:
    """Talk to a model on this terminal, by llamafactory-cli."""
    from llf_kit.upstream import chat

    chat(config, overrides)
