"""``llf-kit chat``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options


@click.command()
@_options.config
@_options.overrides
@_checking.no_check
def command(config: Path, overrides: tuple[str, ...], no_check: bool) -> None:
    """Talk to a model on this terminal, by llamafactory-cli."""
    from llf_kit.upstream import chat

    _checking.first(config, overrides, "infer", no_check)
    chat(config, overrides)
