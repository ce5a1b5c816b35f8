"""``llf-kit templates``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli._options import say


@click.group()
def command() -> None:
    """The shipped templates and their parameters."""


@command.command("list")
def list_() -> None:
    """Every template and what it is for."""
    from llf_kit.render import load, templates

    for name in templates():
        click.echo(f"{name:<20} {load(name).title}")


@command.command()
@click.argument("template")
def show(template: str) -> None:
    """What a template is for, and its parameters."""
    from llf_kit.render import load

    shown = load(template)
    click.echo(f"{shown.name}: {shown.title}")
    for line in shown.about:
        click.echo(f"  {line}")
    click.echo("\nparameters (--set KEY=VALUE):")
    for parameter in shown.parameters.values():
        kind = parameter.type if isinstance(parameter.type, str) else "|".join(map(str, parameter.type))
        default = "" if parameter.default is None else f" = {parameter.default}"
        click.echo(f"  {parameter.name}: {kind}{default}")
        click.echo(f"      {parameter.help}")


@command.command()
@click.argument("template")
@click.argument("target", type=click.Path(path_type=Path))
def copy(template: str, target: Path) -> None:
    """Copy a template to a file of your own."""
    from llf_kit.errors import UsageError
    from llf_kit.project import write_text
    from llf_kit.render import load

    if target.exists():
        raise UsageError(f"{target}: is already there. Give another name.")
    write_text(target, load(template).path.read_text(encoding="utf-8"))
    say(f"  written   {target}")
