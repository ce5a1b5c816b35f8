"""``llf-kit crossval``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options, _runs


@click.command()
@_options.config
@_options.overrides
@click.option("--metric", default="eval_loss", show_default=True, help="What to look at, by its name in "
              "all_results.json.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Write the YAML of each run; train nothing.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", help="Language of the verdict.")
@_checking.no_check
@_options.as_json
def command(
    config: Path,
    overrides: tuple[str, ...],
    metric: str,
    dry_run: bool,
    lang: str,
    no_check: bool,
    as_json: bool,
) -> int:
    """Train once for each fold that is held out.

    The folds are those of `llf-kit convert --folds K`. Each is an ordinary run in OUTPUT_DIR_crossval; a finished one
    is not run again.
    """
    from llf_kit.evaluation import curves
    from llf_kit.upstream import configs

    planned = curves.plan_folds(configs.load(config, overrides))
    return _runs.perform(planned, lambda ran: curves.crossval(ran, metric), dry_run=dry_run, no_check=no_check,
                         lang=lang, as_json=as_json)  # fmt: skip
