"""``llf-kit schema``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli._options import say


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; stdout when not given.")
def command(output: Path | None) -> None:
    """Write the JSON Schema of LLaMA-Factory's YAML for editors.

    It holds every key that the installed LLaMA-Factory takes, with type, choices, default and help. `llf-kit render -o`
    writes it by itself; a YAML names it in the line `# yaml-language-server: $schema=FILE`.
    """
    from llf_kit.project import write_text
    from llf_kit.upstream import arguments, editor

    known = arguments.schema()
    if output is None:
        click.echo(editor.text(known), nl=False)
        return
    write_text(output, editor.text(known))
    say(f"  written   {output}: {len(known.arguments)} keys of {known.label} ({known.source})")
