"""``llf-kit crossval``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llf_kit.cli import _options, _runs


@click.command()
@_options.config
@_options.overrides
@_runs.options
def command(config: Path, overrides: tuple[str, ...], **how: Any) -> int:
    """Train once for each fold that is held out.

    The folds are those of `llf-kit convert --folds K`. Each is an ordinary run in OUTPUT_DIR_crossval; a finished one
    is not run again.
    """
    from llf_kit.evaluation import curves
    from llf_kit.upstream import configs

    planned = curves.plan_folds(configs.load(config, overrides))
    return _runs.perform(planned, curves.crossval, **how)
