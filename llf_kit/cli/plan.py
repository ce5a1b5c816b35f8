"""``llf-kit plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _checking, _options, _prepared
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.planning import Plan


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
@_options.overrides
@click.option("--gpu", "names", multiple=True, metavar="NAME", help="Plan for this GPU alone; may be repeated.")
@click.option("--devices", type=click.IntRange(1), metavar="N", help="GPUs in all; by default NPROC_PER_NODE × NNODES.")
@click.option("--table", type=click.Path(path_type=Path), help="Your own GPUs, prices and assumptions (see README).")
@_options.as_json
def command(
    config: Path | None,
    overrides: tuple[str, ...],
    names: tuple[str, ...],
    devices: int | None,
    table: Path | None,
    as_json: bool,
) -> None:
    """Memory, time and cost of a training, without a GPU.

    Without CONFIG: the prepared dataset and the model of llf-kit.yaml. Parameters are exact, and tokens where the model
    is on this machine; memory is an estimate, and time and cost are rough ones.
    """
    from llf_kit.checks import check_config
    from llf_kit.errors import ConfigError
    from llf_kit.planning import plan
    from llf_kit.upstream import configs

    if config is not None and "=" in str(config) and not config.exists():
        config, overrides = None, (str(config), *overrides)
    path = config or _prepared.config(Path.cwd())[0]
    loaded = configs.load(path, overrides)
    # A plan writes nothing, so that the run may be there already; and it needs no weights.
    found = [
        one
        for one in check_config(loaded, tokens=False)
        if one.severity != "info" and one.check != "output" and not one.message.endswith("has no weights")
    ]
    if found:
        _checking.show(found, [str(path)])
    if any(one.severity == "error" for one in found):
        raise ConfigError(f"{path}: was not planned. Mend the errors first.")
    made = plan(loaded, names=names, devices=devices, table=table)
    if as_json:
        _options.print_json(made.to_dict())
    else:
        _show(made, path)


def _show(made: Plan, path: Path) -> None:
    share = made.trainable_parameters / made.parameters
    about = "" if made.exact_tokens else "about "
    say(f"{path}: {made.parameters:,} parameters, of which {made.trainable_parameters:,} are trained ({share:.2%})")
    say(
        f"an epoch has {about}{made.tokens_per_epoch:,} tokens, the longest row {made.longest_row:,}; "
        f"{made.steps:,} steps on {made.devices} GPU{'s' * (made.devices > 1)}"
    )
    parts = ", ".join(
        f"{name} {gib:.1f}"
        for name, gib in sorted(made.memory_gib.items(), key=lambda part: -part[1])
        if name not in ("total", "host") and abs(gib) >= 0.05
    )
    host = f", and {made.memory_gib['host']:.1f} of the host's" if "host" in made.memory_gib else ""
    say(f"memory: {made.memory_gib['total']:.1f} GiB a GPU ({parts}){host}")
    say(f"served in 16 bits afterwards: {made.serving_gib['total']:.1f} GiB for one request at a time")
    say("")
    say(f"{'GPU':<14}{'GiB':>6}  {'fits':<5}{'batch':>6}{'× steps':>8}{'time':>14}{'cost':>14}")
    for one in made.gpus:
        line = f"{one.name:<14}{one.memory:>6g}  {'yes' if one.fits else 'no':<5}"
        if one.batch is not None and one.hours_range is not None:
            low, high = (hours * one.price * made.devices for hours in one.hours_range)
            line += f"{one.batch:>6}{one.accumulation:>8}{_time(*one.hours_range):>14}{_cost(low, high):>14}"
        notes = [one.note, "speed not verified" if one.unverified else None]
        say(f"{line}  {'; '.join(note for note in notes if note)}".rstrip())
    fitting = [one for one in made.gpus if one.batch is not None]
    if fitting:
        first = fitting[0]
        say(
            "batch × steps: the largest batch that fits, with the same product. On the first line's GPU train with "
            f"per_device_train_batch_size={first.batch} gradient_accumulation_steps={first.accumulation}"
        )
        prices = "EXAMPLE prices, not looked up: put yours into --table" if made.prices.get("example") else "prices"
        say(f"time, cost: half to twice what is likely; {made.prices['currency']} of {made.prices['date']}, {prices}")
    if made.advice:
        say("it fits none of them; one after the other:")
    for step in made.advice:
        say(f"  {step.change}: {step.gib:.1f} GiB" + (f", fits {_names(step.fits)}" if step.fits else ""))
    for note in made.notes:
        say(f"note: {note}")


def _names(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _time(low: float, high: float) -> str:
    if high >= 2:
        return f"{low:.1f}–{high:.1f} h"
    least, most = (f"{max(hours * 60, 1):.0f}" for hours in (low, high))
    return f"{least}–{most} min" if least != most else f"{most} min"


def _cost(low: float, high: float) -> str:
    return f"{low:.0f}–{high:.0f}" if low >= 10 else f"{low:.2f}–{high:.2f}"
