"""What a training will take, before a GPU is paid for: parameters, tokens, memory by part, time and cost.

Nothing here needs torch or a GPU. What is exact: parameters, and tokens where the model's tokenizer is here. What is an
estimate: memory (:mod:`~llf_kit.planning.memory` says with what error) and, more roughly, time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from llf_kit.checks import counting, launch
from llf_kit.checks.subject import Subject
from llf_kit.errors import ConfigError
from llf_kit.planning import advice, architecture, gpus, memory, settings, trainable, work
from llf_kit.planning.advice import Step
from llf_kit.planning.gpus import Fit
from llf_kit.upstream import arguments
from llf_kit.upstream.configs import Config

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """A plan; memory in GiB on one GPU, time in hours, cost in the table's currency for all GPUs."""

    parameters: int
    trainable_parameters: int
    tokens_per_epoch: int
    steps: int
    memory_gib: dict[str, float]
    gpus: list[Fit]
    advice: list[Step]
    serving_gib: dict[str, float]
    longest_row: int
    devices: int
    exact_tokens: bool
    prices: dict[str, Any]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: memory, time and money to four digits."""
        made = asdict(self)
        made["memory_gib"] = _rounded(self.memory_gib)
        made["serving_gib"] = _rounded(self.serving_gib)
        made["gpus"] = [_rounded(one) for one in made["gpus"]]
        made["advice"] = [_rounded(one) for one in made["advice"]]
        made["prices"] = {key: str(value) if key == "date" else value for key, value in self.prices.items()}
        return made


def plan(config: Config, *, names: Sequence[str] = (), devices: int | None = None, table: Path | None = None) -> Plan:
    """Plan the training of a YAML on each GPU of the table (or on those ``names`` alone), ``devices`` of them.

    ``devices`` is what the environment would start (``NPROC_PER_NODE`` and ``NNODES``) unless it is given.

    Raises:
        ConfigError: the YAML holds no training, or one that is not planned.
        DataError: its rows cannot be read, or there is none.
        ModelError: the model's config.json is not here, or of a kind that is not known.
        UsageError: a GPU is not in the table.
    """
    chosen = gpus.read(table, names)
    subject = Subject(config, arguments.schema())
    if not subject.trains:
        raise ConfigError(f"{config.path}: holds no training. Give the YAML of one; its plan tells of serving too.")
    name = config.required("model_name_or_path")
    model = architecture.read(architecture.config_of(name, subject.model_config), name)
    trained = trainable.read(subject, model)
    count = devices or launch.processes()
    done = work.read(subject, count)
    setting = settings.read(subject, model, done.length, count)
    lora = replace(config, values={**config.values, "finetuning_type": "lora", "lora_rank": 8, "lora_target": "all"})
    fits = gpus.fit(model, trained, setting, done.epoch, chosen)
    steps = []
    if not any(one.fits for one in fits):
        steps = advice.steps(model, trained, setting, trainable.read(replace(subject, config=lora), model), chosen)
    return Plan(
        parameters=model.parameters,
        trainable_parameters=trained.parameters,
        tokens_per_epoch=done.epoch.tokens,
        steps=done.epoch.total,
        memory_gib=memory.parts(model, trained, setting),
        gpus=fits,
        advice=steps,
        serving_gib=memory.serving(model, done.length),
        longest_row=done.length,
        devices=count,
        exact_tokens=done.exact,
        prices=chosen.prices,
        notes=list(_notes(subject, model, done, setting)),
    )


def _notes(subject: Subject, model: architecture.Model, done: work.Work, setting: settings.Setting) -> list[str]:
    """What keeps the plan from being right."""
    found = []
    if not done.exact:
        found.append(
            "tokens are guessed from characters: the model's tokenizer is not here. llf-kit model fetch brings it"
        )
    cutoff = counting.unpacked_cutoff(subject)
    if model.positions and cutoff > model.positions and not subject.model_config:  # of a folder, check says it
        found.append(
            f"cutoff_len: {cutoff} is beyond the {model.positions} positions that the model was made for: what stands "
            f"later is not understood. Set cutoff_len: {model.positions} or less"
        )
    if done.uncounted:
        found.append(f"{done.uncounted} rows with tools or pictures were not counted")
    if subject.get("resize_vocab") is True:
        found.append("resize_vocab: tokens that are added make the vocabulary larger than planned")
    if subject.get("use_unsloth") is True:
        found.append("use_unsloth: its kernels take less memory and time than planned")
    if setting.precision == "fp32":
        found.append("neither bf16 nor fp16 is set: it computes in 32 bits, at a fraction of the speed planned")
    return found


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, tuple):
            return [one(part) for part in value]
        return round(value, 4) if isinstance(value, float) else value

    return {key: one(value) for key, value in values.items()}
