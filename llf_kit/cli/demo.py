"""``llf-kit demo``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _options, _progress

if TYPE_CHECKING:
    from llf_kit.demo import Outcome


_NEXT = """
The questions ask for values that training taught, in words that it never saw; a model of 135M parameters is a
demonstration, not an expert. The same for your own data and Qwen2-1.5B, on a GPU:

  llf-kit convert YOUR_FILES --name lab_qa --test 0.1
  llf-kit render train/lora_sft --set model=qwen2-1.5b-instruct --set dataset=lab_qa -o lora_sft.yaml
  llf-kit train lora_sft.yaml
"""


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path("llf-kit-demo"))
@_options.as_json
def command(directory: Path, as_json: bool) -> None:
    """Convert, train, measure and export: six minutes, no GPU.

    On shipped data and a small real model. Run again, it repeats only what has changed.
    """
    from llf_kit.demo import run
    from llf_kit.evaluation.predict import Watch

    with _progress.shown() as progress:
        outcome = run(directory, Watch(status=progress.status, progress=progress.report))
    if as_json:
        _options.print_json(asdict(outcome))
    else:
        _show(outcome)


def _show(outcome: Outcome) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=box.SIMPLE, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    total = "read {read} = written {written} + duplicates {duplicates} + rejected {rejected}"
    rows = [
        ("shipped data", total.format(**outcome.sum)),
        ("exact values right, base model", f"{outcome.right_before} of {outcome.probes}"),
        ("exact values right, tuned model", f"{outcome.right_after} of {outcome.probes}"),
        ("verdict", outcome.verdict),
        ("training loss", f"{outcome.first_loss:.2f} → {outcome.last_loss:.2f}"),
        ("answers of the merged, served model", f"{outcome.served_alike} of {outcome.served} word for word the same"),
        ("asked of it", outcome.question),
        ("  it said", outcome.answer),
        ("  right is", outcome.wanted),
        ("seconds", ", ".join(f"{name} {value:.0f}" for name, value in outcome.seconds.items())),
        *outcome.files.items(),
    ]
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, 100)
    console.print(table)
    for wrong in outcome.wrong:
        console.print(f"  still wrong: {wrong}")
    console.print(_NEXT)
