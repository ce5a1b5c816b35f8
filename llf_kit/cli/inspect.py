"""``llf-kit inspect``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.upstream.inspect import Row, Seen


@click.command()
@click.argument("name")
@click.option("--config", type=click.Path(path_type=Path), help="The YAML to look through; by default the only one "
              "here that names the dataset.")  # fmt: skip
@click.option("--dataset-dir", help="The folder of dataset_info.json: the YAML's, else this one.")
@click.option("--template", help="The chat template, instead of the YAML's.")
@click.option("--model", help="The folder or name of the model, instead of the YAML's.")
@click.option("--rows", type=click.IntRange(min=0), default=3, show_default=True, help="How many rows to show.")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write them to a page, too.")
@_options.as_json
def command(
    name: str,
    config: Path | None,
    dataset_dir: str | None,
    template: str | None,
    model: str | None,
    rows: int,
    page: Path | None,
    as_json: bool,
) -> None:
    """Show what LLaMA-Factory makes of a dataset, token by token.

    The first rows with what is trained on (green, or in ⟦ ⟧), and counts over all rows: kept, dropped, truncated.
    It shows texts of your data.
    """
    from llf_kit.project import write_text
    from llf_kit.upstream import inspect
    from llf_kit.upstream import page as pages

    seen = inspect.inspect(
        inspect.request(name, config=config, dataset_dir=dataset_dir, template=template, model=model), rows
    )
    if page:
        write_text(page, pages.html(seen), mode=0o600)
        say(f"  written   {page}")
    if as_json:
        _options.print_json(seen.to_dict())
        return
    for row in seen.rows:
        _show(row)
    _count(seen)


def _show(row: Row) -> None:
    said = f"{row.tokens} tokens, {row.trained} trained{', truncated' if row.cut else ''}" if row.kept else "dropped"
    click.secho(f"row {row.number}: {said}", bold=True)
    for view in row.views:
        if len(row.views) > 1 or view.name != "row":
            click.secho(f"{view.name}:", bold=True)
        click.echo("".join(_marked(_plain(text)) if trained else _plain(text) for text, trained in view.pieces))
    click.echo()


def _plain(text: str) -> str:
    """Without the control characters by which data could steer a terminal."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def _marked(text: str) -> str:
    return click.style(text, fg="green", bold=True) if sys.stdout.isatty() else f"⟦{text}⟧"


def _count(seen: Seen) -> None:
    dropped = seen.read - seen.kept
    click.echo(f"read {seen.read} = kept {seen.kept} + dropped {dropped}; truncated {seen.truncated}")
    if lengths := seen.statistics():
        spread = f"{lengths['min']} to {lengths['max']}, median {lengths['median']}, 95 % up to {lengths['p95']}"
        click.echo(
            f"tokens a row: {spread} (cutoff_len {seen.cutoff_len}); "
            f"{lengths['trained']} of {lengths['total']} are trained on"
        )
