"""``llf-kit curve``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llf_kit.cli import _options, _runs


def _numbers(_ctx: click.Context, option: click.Parameter, value: str) -> list[float]:
    try:
        return [float(part) for part in value.split(",") if part.strip()]
    except ValueError:
        raise click.BadParameter(f"{value!r} is no comma list of numbers.", param=option) from None


@click.command()
@_options.config
@_options.overrides
@click.option("--sizes", default="0.25,0.5,1", show_default=True, callback=_numbers, metavar="SHARES",
              help="Shares of the training rows, one run each; the small ones lie within the big.")  # fmt: skip
@click.option("--seeds", default="", callback=_numbers, metavar="NUMBERS", help="Train every size with each of these "
              "seeds, to see what is chance; that of the YAML when not given.")  # fmt: skip
@_runs.options
def command(config: Path, overrides: tuple[str, ...], sizes: list[float], seeds: list[float], **how: Any) -> int:
    """Train on parts of the data: would more of it help?

    Each size is an ordinary run in OUTPUT_DIR_curve, validated on the same rows; a finished one is not run again.
    """
    from llf_kit.evaluation import curves
    from llf_kit.upstream import configs

    planned = curves.plan_curve(configs.load(config, overrides), sizes, [int(seed) for seed in seeds])
    return _runs.perform(planned, curves.curve, **how)
