"""``llf-kit demo``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _options, _progress
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.demo import Outcome


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path("llf-kit-demo"))
@_options.as_json
def command(directory: Path, as_json: bool) -> None:
    """Convert, train, measure and export on shipped data and a small model: about six minutes, no GPU."""
    from llf_kit.demo import Watch, run

    with _progress.shown("demo") as report:
        outcome = run(directory, Watch(status=say, progress=report))
    if as_json:
        _options.print_json(asdict(outcome))
    else:
        _show(outcome)


def _show(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title="30 seconds to read: what the demo did", title_justify="left", show_header=False)
    rows = [
        ("converted", "read {read} = written {written} + duplicates {duplicates} + rejected {rejected}".format(**outcome.sum)),
        ("exact values right, base model", f"{outcome.right_before} of {outcome.probes}"),
        ("exact values right, tuned model", f"{outcome.right_after} of {outcome.probes}"),
        ("training loss", f"{outcome.first_loss:.2f} → {outcome.last_loss:.2f}"),
        ("asked the merged model", outcome.question),
        ("  it said", outcome.answer),
        ("  right is", outcome.wanted),
        ("seconds", ", ".join(f"{name} {value:.0f}" for name, value in outcome.seconds.items())),
        *outcome.files.items(),
    ]
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for wrong in outcome.wrong:
        console.print(f"  still wrong: {wrong}", highlight=False)
    console.print(
        "\nThe probes ask for values that training taught, in words that it never saw. A 135M model is a demonstration,\n"
        "not an expert. With your own data, on a GPU:\n\n"
        "  llf-kit convert YOUR_FILES --name lab_qa --test 0.1\n"
        "  llf-kit render train/lora_sft --set model=qwen2-1.5b-instruct --set dataset=lab_qa -o lora_sft.yaml\n"
        "  llf-kit train lora_sft.yaml\n",
        highlight=False,
    )
