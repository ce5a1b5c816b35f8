"""``llf-kit train``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options, _progress
from llf_kit.cli._options import say


@click.command()
@_options.config
@_options.overrides
@_checking.no_check
@click.option("--resume", is_flag=True, help="Continue the run in output_dir from its last checkpoint.")
def command(config: Path, overrides: tuple[str, ...], no_check: bool, resume: bool) -> None:
    """Train (or predict) with a YAML, by llamafactory-cli.

    Shows progress; keeps the full log and a run record beside the output.
    """
    from llf_kit.upstream import checkpoint, configs, run

    work = configs.load(config, overrides)
    last = (f"resume_from_checkpoint={checkpoint(work)}",) if resume else ()  # as run() adds it
    _checking.first(configs.load(config, (*overrides, *last)), "train", no_check)
    with _progress.shown() as progress:
        progress.status(f"running {config}")
        record = run("train", work, resume=resume, on_progress=progress.report)
    say(f"done in {record.seconds:.0f} s: {record.output}")
    for name in ("train_loss", "eval_loss"):
        if name in record.result:
            say(f"  {name:<10} {record.result[name]:.4f}")
    say(f"  record     {record.path}")
