"""Which GPUs hold a training, with the largest batch that fits, and how long it takes and costs on each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from llf_kit.checks.epoch import Epoch
from llf_kit.errors import ConfigError, UsageError, did_you_mean
from llf_kit.planning import memory
from llf_kit.planning.architecture import Model
from llf_kit.planning.settings import Setting
from llf_kit.planning.trainable import Trained
from llf_kit.project import read_yaml, shipped

__all__ = ["Fit", "Table", "batches", "fit", "hours", "read", "room"]

_USABLE = 0.95  # of the memory: the driver, a screen, and a row that is a little longer


@dataclass(frozen=True)
class Gpu:
    """One line of the table."""

    name: str
    memory: float
    tflops: float
    bf16: bool
    price: float
    source: str = ""
    checked: date | str | None = None
    unverified: bool = False
    utilisation: float | None = None


@dataclass(frozen=True)
class Table:
    """The GPUs by name, what is assumed, and of when the prices are."""

    gpus: dict[str, Gpu]
    assumed: dict[str, float]
    prices: dict[str, Any]


@dataclass(frozen=True)
class Fit:
    """A training on one kind of GPU.

    ``fits``: as the YAML stands. ``batch`` and ``accumulation``: the largest batch that fits with the same product;
    None where none does. ``hours`` and ``cost`` (of all GPUs) go with that batch, ``hours_range`` is from the least to
    the most that it may take. ``note``: what else has to change. ``unverified``: its speed was not looked up.
    """

    name: str
    fits: bool
    memory: float
    batch: int | None
    accumulation: int | None
    hours: float | None
    hours_range: tuple[float, float] | None
    price: float
    cost: float | None
    bf16: bool
    unverified: bool
    note: str | None


def read(path: Path | None = None, names: Sequence[str] = ()) -> Table:
    """The shipped table, with the one in ``path`` laid over it, of the GPUs ``names`` alone.

    Raises:
        ConfigError: a table has an unknown key, or a line that is not complete.
        UsageError: a name is in neither.
    """
    own = shipped("templates") / "planning" / "gpus.yaml"
    table = read_yaml(own)
    for file in [path] if path else []:
        given = read_yaml(file)
        for section, lines in given.items():
            if section not in table or not isinstance(lines, dict):
                raise ConfigError(f"{file}: {section}: unknown. {did_you_mean(str(section), table)}")
            for name, line in lines.items():
                old = table[section].get(name)
                if section != "gpus" and old is None:
                    raise ConfigError(f"{file}: {section}: {name}: unknown. {did_you_mean(str(name), table[section])}")
                if section == "assumed" and not (isinstance(line, int | float) and line > 0):
                    raise ConfigError(f"{file}: {section}: {name}: is no number above 0. Correct it.")
                table[section][name] = {**old, **line} if isinstance(old, dict) and isinstance(line, dict) else line
        table["prices"]["example"] &= "prices" not in given
    gpus = {str(name): _gpu(str(name), line, path or own) for name, line in table["gpus"].items()}
    folded = {name.casefold(): name for name in gpus}
    for name in names:
        if name.casefold() not in folded:
            raise UsageError(f"--gpu {name!r}: is not in the table. {did_you_mean(name, gpus)}")
    wanted = [folded[name.casefold()] for name in names] or list(gpus)
    return Table({name: gpus[name] for name in wanted}, table["assumed"], table["prices"])


def _gpu(name: str, line: Any, path: Path) -> Gpu:
    try:
        made = Gpu(name=name, **line)
        numbers = (made.memory, made.tflops, 1 if made.utilisation is None else made.utilisation)
        if not all(isinstance(one, int | float) and one > 0 for one in numbers) or not made.price >= 0:
            raise TypeError
    except TypeError:
        keys = "memory, tflops, bf16, price and source"
        raise ConfigError(f"{path}: {name}: is not a line with {keys}. Correct it.") from None
    return made


def room(gpu: Gpu) -> float:
    """GiB that a training may take."""
    return gpu.memory * _USABLE


def batches(setting: Setting) -> list[tuple[int, int]]:
    """Batch and accumulation with the same product, the largest batch first."""
    product = setting.batch * setting.accumulation
    return [(size, product // size) for size in range(product, 0, -1) if product % size == 0]


def fit(model: Model, trained: Trained, setting: Setting, epoch: Epoch, table: Table) -> list[Fit]:
    """Every GPU of the table, in its order."""
    choices = [replace(setting, batch=batch, accumulation=steps) for batch, steps in batches(setting)]
    totals = [(choice, memory.parts(model, trained, choice)["total"]) for choice in choices]
    now = next(total for choice, total in totals if choice.batch == setting.batch)
    found = []
    for gpu in table.gpus.values():
        able = gpu.bf16 or setting.precision not in ("bf16", "pure_bf16")
        best = next((choice for choice, total in totals if total <= room(gpu)), None)
        time = hours(model, trained, best, epoch, gpu, table.assumed) if best else None
        found.append(
            Fit(
                name=gpu.name,
                fits=now <= room(gpu) and able,
                memory=gpu.memory,
                batch=best.batch if best else None,
                accumulation=best.accumulation if best else None,
                hours=time,
                hours_range=None if time is None else (time * table.assumed["least"], time * table.assumed["most"]),
                price=gpu.price,
                cost=None if time is None else time * gpu.price * setting.devices,
                bf16=gpu.bf16,
                unverified=gpu.unverified,
                note=None if able else "has no bf16: set fp16: true in its place",
            )
        )
    return found


def _passes(model: Model, trained: Trained, setting: Setting) -> float:
    """Forward passes that a step is worth: a backward pass is one for the activations and one for the weights.

    With checkpoints there is a forward pass more (Korthikanti et al. 2022), and with a reference model its own. Frozen
    weights need none of their own.
    """
    share = 1.0 if trained.kind == "lora" else trained.parameters / model.parameters
    own = 0.0 if trained.kind == "lora" else share
    return 1 + share + own + (share if setting.checkpointing else 0) + setting.compared


def hours(model: Model, trained: Trained, setting: Setting, epoch: Epoch, gpu: Gpu, assumed: dict[str, float]) -> float:
    """The time of a training on GPUs of one kind.

    Two operations a weight and token and pass (Kaplan et al. 2020, arXiv:2001.08361), and those of attention;
    what is ``assumed`` stands in the table, with the range that published trainings keep to.
    """
    micro = max(math.ceil(epoch.rows / (setting.batch * setting.devices)), 1)  # batches of an epoch on one GPU
    tokens = epoch.slots / setting.devices / micro
    attention = 2 * model.layers * model.heads * model.head * setting.length  # causal: half of the scores
    work = _passes(model, trained, setting) * tokens * (2 * model.matrices + attention)
    seconds = work / (gpu.tflops * 1e12 * (gpu.utilisation or assumed["utilisation"]))
    if setting.bits is not None:
        seconds *= assumed["quantized"]
    seconds = max(seconds, model.layers * assumed["milliseconds_a_layer"] / 1000)
    if setting.devices > 1:
        seconds /= assumed["several_sharded" if (setting.zero or 0) >= 3 else "several"]
    return seconds * micro * (epoch.total / epoch.steps) / 3600
