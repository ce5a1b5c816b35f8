"""Options and arguments that several verbs share, and the one way to print JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

config = click.argument("config", type=click.Path(path_type=Path))
place = click.argument("place", metavar="CONFIG.yaml|RUN", type=click.Path(path_type=Path))
backend = click.option(
    "--backend",
    type=click.Choice(["huggingface", "vllm", "sglang"]),
    help="The engine; where its package is installed.",
)
overrides = click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
lang = click.option("--lang", type=click.Choice(["zh", "en"]), default="en", help="Language of the verdict.")
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else there."
)


def pairs(_ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """A callback that turns ``key=value`` texts into a dictionary."""
    found: dict[str, str] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE.", param=option)
        found[key.strip()] = text
    return found


def print_json(data: Any) -> None:
    """One object on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def say(text: str) -> None:
    """A line for people, on stderr."""
    click.echo(text, err=True)


def at_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
