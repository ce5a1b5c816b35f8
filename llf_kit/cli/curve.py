"""``llf-kit curve``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options, _runs


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
@click.option("--metric", default="eval_loss", show_default=True, help="What to look at, by its name in "
              "all_results.json.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Write the data and the YAML of each run; train nothing.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", help="Language of the verdict.")
@_checking.no_check
@_options.as_json
def command(
    config: Path,
    overrides: tuple[str, ...],
    sizes: list[float],
    seeds: list[float],
    metric: str,
    dry_run: bool,
    lang: str,
    no_check: bool,
    as_json: bool,
) -> int:
    """Train on parts of the data: would more of it help?

    Each size is an ordinary run in OUTPUT_DIR_curve, validated on the same rows; a finished one is not run again.
    """
    from llf_kit.evaluation import curves
    from llf_kit.upstream import configs

    planned = curves.plan_curve(configs.load(config, overrides), sizes, [int(seed) for seed in seeds])
    return _runs.perform(planned, lambda ran: curves.curve(ran, metric), dry_run=dry_run, no_check=no_check, lang=lang,
                         as_json=as_json)  # fmt: skip
