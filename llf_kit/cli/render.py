"""``llf-kit render``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say


@click.command()
@click.argument("template", required=False)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", callback=_options.pairs,
              help="A parameter of the template; `llf-kit templates show TEMPLATE` lists them.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; stdout when not given.")
def command(template: str | None, settings: dict[str, str], output: Path | None) -> None:
    """Make a YAML for LLaMA-Factory from a shipped template.

    `llf-kit templates list` names them, `llf-kit templates show train/lora_sft` explains one; without a name it is
    the one of llf-kit.yaml (`train:`), whose parameters there hold where --set says nothing else.
    """
    from llf_kit.project import load_settings
    from llf_kit.render import load, render, render_to
    from llf_kit.upstream import editor

    project = load_settings(Path.cwd())
    known = {"model": project.model, "dataset": project.name}
    chosen = load(template or project.train.template)
    values = {key: value for key, value in known.items() if value and key in chosen.parameters}
    if chosen.name == project.train.template:
        values |= project.train.parameters
    values |= settings
    if output is None:
        click.echo(render(chosen.name, values), nl=False)
        return
    render_to(output, chosen.name, values, editor.install(Path.cwd()))
    say(f"  written   {output}")
    say(f"next: {chosen.launch} {output}")
