"""What is tried: base models × templates × settings, from ``sweep:`` in llf-kit.yaml."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llf_kit import base_models, dataset_info, registered
from llf_kit.errors import ConfigError, LlfKitError, did_you_mean
from llf_kit.evaluation.metrics import NAMES
from llf_kit.planning import gpus
from llf_kit.project import PROJECT_FILE, Settings, Sweep
from llf_kit.render import Template, load, render
from llf_kit.upstream import models

_WHERE = f"{PROJECT_FILE}: sweep"


@dataclass(frozen=True)
class Choice:
    """One thing to try, by a ``name`` that says what it is; ``runs`` are its trainings, one or one a seed: the
    parameters of its template by the name of the run."""

    name: str
    model: str
    template: str
    settings: dict[str, Any]
    runs: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Space:
    """All that may be tried, ``asked`` of which dataset, trained on how many ``rows``."""

    sweep: Sweep
    choices: tuple[Choice, ...]
    asked: str
    rows: int
    folder: Path


def read(directory: Path, settings: Settings) -> Space:
    """The space of the project in ``directory``, every combination rendered once.

    Raises:
        ConfigError: there is no such section, or what it names is not known or not there; all of it at once.
        UsageError, DataError: the dataset is not prepared.
    """
    sweep = settings.sweep
    if sweep is None:
        raise ConfigError(
            f"{_WHERE}: is missing. Say what to try, such as `sweep: {{settings: {{lora_rank: [4, 8]}}}}`."
        )
    problems: list[str] = []
    if not re.fullmatch(r"[A-Za-z0-9_-]+", sweep.name):
        problems.append(f"{_WHERE}.name: {sweep.name!r} is no name of a folder. Use letters, digits, _ and -.")
    if sweep.metric not in NAMES or not NAMES[sweep.metric].meaning:
        problems.append(f"{_WHERE}.metric: there is no metric {sweep.metric!r}. {did_you_mean(sweep.metric, NAMES)}")
    percent = sweep.metric in NAMES and NAMES[sweep.metric].percent
    if not math.isfinite(sweep.tolerance) or (percent and sweep.tolerance > 100):
        problems.append(
            f"{_WHERE}.tolerance: {sweep.tolerance:g} is no difference of two values. Give points of the metric."
        )
    if len(set(sweep.seeds)) < len(sweep.seeds) or (sweep.seeds and "seed" in sweep.settings):
        problems.append(f"{_WHERE}.seeds: a seed is there twice, or in `settings` too. Give each once, here alone.")
    table = gpus.read().gpus
    if sweep.gpu is not None and sweep.gpu.casefold() not in {one.casefold() for one in table}:
        problems.append(f"{_WHERE}.gpu: {sweep.gpu!r} is not in the table. {did_you_mean(sweep.gpu, table)}")
    templates = list(_templates(sweep.templates or [settings.train.template], problems))
    known = sorted({name for one in templates for name in one.parameters})
    for name, values in sweep.settings.items():
        if templates and name not in known:
            problems.append(f"{_WHERE}.settings.{name}: no template here takes it. {did_you_mean(name, known)}")
        if not values:
            problems.append(f"{_WHERE}.settings.{name}: has no value. Give a list of values.")
    named = list(_models(sweep.models or ([settings.model] if settings.model else []), problems))
    if not (sweep.models or settings.model):
        problems.append(f"{_WHERE}.models: there is none. Name base models, or `model` above.")
    if not settings.name:
        problems.append(f"{PROJECT_FILE}: name: is missing. Name the dataset to train on.")
    if problems:
        raise ConfigError(*problems)
    found = registered.find(directory, str(settings.name))
    entries = dataset_info.load(directory)
    asked = sweep.dataset or next((one for one in (f"{found.name}_test", f"{found.name}_probes") if one in entries), "")
    if not asked:
        raise ConfigError(
            f"{_WHERE}.dataset: nothing is put aside to ask. Convert with `test: 0.1`, or name a dataset."
        )
    registered.find(directory, asked)
    held = {"dataset": found.name} | ({"eval_dataset": f"{found.name}_val"} if f"{found.name}_val" in entries else {})
    folder = directory / "saves" / sweep.name
    choices: dict[str, Choice] = {}
    for (model, chat), template in itertools.product(named, templates):
        own = {name: values for name, values in sweep.settings.items() if name in template.parameters}
        for combination in itertools.product(*own.values()):
            one = _choice(model, chat, template, dict(zip(own, combination, strict=True)), held, settings)
            try:
                for run in one.runs.values():
                    render(template.name, run)
            except LlfKitError as error:
                problems += [f"{_WHERE}: {one.name}: {text}" for text in error.problems]
            if choices.setdefault(one.name, one) != one:
                problems.append(
                    f"{_WHERE}: two combinations are called {one.name}. Give the folders of the models other names."
                )
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    rows = sum(1 for file in found.files for _ in registered.rows(file))
    return Space(sweep, tuple(choices.values()), asked, rows, folder)


def _templates(names: list[str], problems: list[str]) -> Iterator[Template]:
    for name in names:
        try:
            found = load(name)
        except LlfKitError as error:
            problems += [f"{_WHERE}.templates: {text}" for text in error.problems]
            continue
        if not found.name.startswith("train/"):
            problems.append(f"{_WHERE}.templates: {name} trains nothing. Name templates of train/.")
            continue
        yield found


def _models(given: list[Any], problems: list[str]) -> Iterator[tuple[str, str | None]]:
    """Each model as LLaMA-Factory finds it, with its chat template where that was given."""
    for one in given:
        for name, chat in one.items() if isinstance(one, dict) else [(one, None)]:
            folder = Path(name).expanduser()
            if folder.is_dir():
                if not (folder / "config.json").is_file():
                    problems.append(f"{_WHERE}.models: {name} holds no model. Give the folder of a base model.")
                yield str(folder), chat
                continue
            known = base_models.find(name)
            if known is None and (models.place(name) == "missing" or "/" not in name):
                hint = did_you_mean(name, base_models.known())
                problems.append(f"{_WHERE}.models: {name} is no folder here and no known model. {hint}")
            yield base_models.place(known) if known else name, chat


def _choice(
    model: str,
    chat: str | None,
    template: Template,
    chosen: dict[str, Any],
    held: dict[str, str],
    settings: Settings,
) -> Choice:
    parts = [Path(model).name, template.name.rpartition("/")[2], *(f"{name}-{value}" for name, value in chosen.items())]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join(parts))
    values = {
        **held,
        **{key: value for key, value in settings.train.parameters.items() if key in template.parameters},
        **({"template": chat} if chat else {}),
        **{key: str(value) for key, value in chosen.items()},
        "model": model,
    }
    seeds = settings.sweep.seeds if settings.sweep else []
    runs = {f"{name}_seed-{seed}": {**values, "seed": str(seed)} for seed in seeds} or {name: values}
    return Choice(name, Path(model).name, template.name, chosen, runs)
