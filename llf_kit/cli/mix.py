"""``llf-kit mix``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say


@click.command()
@click.argument("name")
@click.option("--resample", is_flag=True, help="Write one dataset NAME_mixed whose rows are repeated or left out, "
              "instead of one dataset a label for LLaMA-Factory to mix.")  # fmt: skip
@click.option("--seed", type=int, default=42, show_default=True, help="The same seed draws the same rows.")
@_options.as_json
def command(name: str, resample: bool, seed: int, as_json: bool) -> None:
    """Bring the labels of a dataset to the shares you want.

    The shares stand in llf-kit.yaml: `shares:` with a line `label: share` each. Prints the lines for the training YAML.
    """
    from llf_kit import mixing
    from llf_kit.project import load_settings

    here = Path.cwd()
    targets = load_settings(here).shares
    mixed = mixing.resample(here, name, targets, seed) if resample else mixing.by_label(here, name, targets)
    if as_json:
        _options.print_json(mixed.to_dict())
        return
    for part in mixed.parts:
        say(f"  {part.name}  {part.label}: {part.before} rows → share {part.share:g}" + (
            f", {part.rows} rows" if resample else ""))  # fmt: skip
    say(f"{'' if resample else 'about '}{mixed.rows} rows an epoch: {mixed.repeated} are repetitions; "
        f"{mixed.left_out} rows of the dataset are left out")  # fmt: skip
    for key, value in mixed.yaml.items():
        click.echo(f"{key}: {value}")
    settings = " ".join(f"--set {key}={value}" for key, value in mixed.yaml.items())
    say(f"next: llf-kit render train/lora_sft {settings} -o lora_sft.yaml")
