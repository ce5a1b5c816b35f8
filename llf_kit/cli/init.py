"""``llf-kit init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say
from llf_kit.errors import UsageError

if TYPE_CHECKING:
    from llf_kit.scenarios import Scenario

_SCENARIO, _LANGUAGE = "expert", "zh"


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--scenario", help=f"What the model is for: expert, extraction, generation, report or roleplay "
              f"(default {_SCENARIO}).")  # fmt: skip
@click.option("--lang", help=f"Language of the data, the prompts and the comments: zh or en (default {_LANGUAGE}).")
@click.option("--model", help="The base model; one that fits the scenario when not given.")
@click.option("--template", help="LLaMA-Factory's chat template of a model that llf-kit does not know.")
@click.option("--name", help="Name of the dataset: ASCII letters, digits, _ and -.")
@_options.as_json
def command(
    directory: Path,
    scenario: str | None,
    lang: str | None,
    model: str | None,
    template: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Start a project: settings, example data, next steps.

    Writes llf-kit.yaml with the reason of every setting, raw/ as a laboratory keeps its data, and
    datasets/probes.jsonl, questions with exact values that training never sees. Nothing is overwritten; where raw/ has
    files of yours, the example is left out.
    """
    from llf_kit import scenarios

    scenarios.check_new(directory)

    asks = _options.at_terminal() and not as_json
    if asks and scenario is None:
        for one in scenarios.names():
            say(f"  {one:<12}{scenarios.load(one, lang or 'en').title}")
        scenario = click.prompt("Scenario", default=_SCENARIO, type=click.Choice(scenarios.names()), err=True)
    if asks and lang is None:
        lang = click.prompt("Language", default=_LANGUAGE, type=click.Choice(scenarios.LANGUAGES), err=True)
    chosen = scenarios.load(scenario or _SCENARIO, lang or _LANGUAGE)
    if asks and model is None:
        model, template = _model(chosen, template)
    chosen = chosen.but(dataset=name, model=model, template=template)
    written = scenarios.start(chosen, directory)
    here = "" if directory.resolve() == Path.cwd() else f"cd {shlex.quote(str(directory))} && "
    if as_json:
        _options.print_json(
            {
                "scenario": chosen.name,
                "language": chosen.language,
                "files": [path.as_posix() for path in written],
                "next": f"{here}llf-kit convert",
            }
        )
        return
    say(f"  {chosen.title}")
    for path in written:
        say(f"  written   {path}")
    if directory / scenarios.RAW not in [path.parent for path in written]:
        say(f"  kept      {directory / scenarios.RAW}  your files alone; the example was left out")
    say(f"next: {here}llf-kit convert")


def _model(chosen: Scenario, template: str | None) -> tuple[str | None, str | None]:
    """The base model that is typed, with the template of one that is not known."""
    while True:
        answer = click.prompt("Base model (`llf-kit model list`)", default=chosen.model, err=True)
        if answer == chosen.model:
            return None, template
        try:
            chosen.but(model=answer, template=template)
        except UsageError as error:
            say(str(error))
            template = click.prompt("Its template; Enter for another model", default="", show_default=False, err=True)
        if template is None or template:
            return answer, template
        template = None
