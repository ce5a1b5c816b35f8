"""Which parameters a YAML trains, exactly: model/adapter.py of LLaMA-Factory 0.9.5 and peft under it, mirrored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from llf_kit.checks.counting import number
from llf_kit.checks.subject import Subject
from llf_kit.errors import ConfigError, did_you_mean
from llf_kit.planning.architecture import Model, Weight
from llf_kit.upstream.dataset_entries import names

__all__ = ["Trained", "read", "targets"]


@dataclass(frozen=True)
class Trained:
    """What is trained: ``weights`` of the model itself, and the shapes that are ``added`` to it."""

    kind: str  # full, freeze or lora
    weights: tuple[Weight, ...]
    added: tuple[tuple[int, ...], ...] = ()
    adapted: tuple[Weight, ...] = ()  # the matrices with an adapter

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of everything that has a gradient."""
        return [*(one.shape for one in self.weights), *self.added]

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(prod(shape) for shape in self.shapes)


def read(subject: Subject, model: Model) -> Trained:
    """What the YAML of ``subject`` trains of ``model``.

    Raises:
        ConfigError: a method or stage that is not planned, or names that the model does not have.
    """
    kind = str(subject.get("finetuning_type", "lora"))
    if kind not in ("full", "freeze", "lora"):
        raise ConfigError(f"{subject.where('finetuning_type')}: {kind} is not planned. Plan full, freeze or lora.")
    trained = {"full": _full, "freeze": _freeze, "lora": _lora}[kind](subject, model)
    if subject.stage == "rm":  # the value head: a number for every hidden state
        trained = Trained(kind, trained.weights, (*trained.added, (1, model.hidden), (1,)), trained.adapted)
    return trained


def _full(_: Subject, model: Model) -> Trained:
    return Trained("full", model.weights)


def _freeze(subject: Subject, model: Model) -> Trained:
    """``_setup_freeze_tuning``: layers by their number, modules by a part of their names."""
    count = int(number(subject, "freeze_trainable_layers", 2))
    if subject.get("use_llama_pro") is True:
        layers: Iterable[int] = _expanded(subject, model, count)
    else:
        layers = range(max(0, model.layers - count), model.layers) if count > 0 else range(min(-count, model.layers))
    inner = {one.name.split(".0.")[1].split(".")[0] for one in model.weights if ".0." in one.name}
    outer = {one.name.split(".")[-2] for one in model.weights if not re.search(r"\.\d+\.", one.name)}
    modules = _known(subject, "freeze_trainable_modules", inner | {"all"}, "all")
    marks = [f".{layer}.{'' if module == 'all' else module}" for module in modules for layer in layers]
    marks += _known(subject, "freeze_extra_modules", outer)
    return Trained("freeze", tuple(one for one in model.weights if any(mark in one.name for mark in marks)))


def _lora(subject: Subject, model: Model) -> Trained:
    """``_setup_lora_tuning``: A and B (and DoRA's magnitudes) on each target, and whole copies of additional ones."""
    rank, dora = int(number(subject, "lora_rank", 8)), subject.get("use_dora") is True
    head = Weight(f"{model.output}.weight", (model.vocabulary, model.hidden), linear=True)
    weights = (*model.weights, head) if model.tied else model.weights
    tables = {f"{model.embedding}.weight", head.name}
    matrices = [one for one in weights if one.linear or one.name in tables]
    wanted = names(subject.get("lora_target", "all"))
    if wanted == ["all"]:
        wanted = targets(model)
    else:
        _known(subject, "lora_target", {one.module.rpartition(".")[2] for one in matrices})
    adapted = [one for one in matrices if any(_fits(one.module, name) for name in wanted)]
    if subject.get("use_llama_pro") is True:
        layers = _expanded(subject, model, int(number(subject, "freeze_trainable_layers", 2)))
        adapted = [one for one in adapted if any(f".{layer}." in one.name for layer in layers)]
    extra = names(subject.config.values.get("additional_target"))
    if subject.get("resize_vocab") is True and not extra:
        extra = [name.rpartition(".")[2] for name in (model.embedding, model.output)]
    saved = tuple(one for one in weights if any(one.module.endswith(name) for name in extra))
    added: list[tuple[int, ...]] = []
    for one in adapted:
        if one in saved:
            continue
        out, into = one.shape if one.linear else one.shape[::-1]
        added += [(rank, into), (out, rank), *([(out,)] if dora else [])]
    return Trained("lora", saved, tuple(added), tuple(one for one in adapted if one not in saved))


def targets(model: Model) -> list[str]:
    """The names that ``all`` stands for: ``find_all_linear_modules``, in which the head is left out."""
    last = {one.module.rpartition(".")[2] for one in model.weights if one.linear and one.module != model.output}
    return sorted(last)


def _fits(module: str, name: str) -> bool:
    return module == name or module.endswith(f".{name}")


def _expanded(subject: Subject, model: Model, count: int) -> Sequence[int]:
    """The layers that LLaMA Pro has added, of which ``count`` are trained."""
    if count <= 0 or model.layers % count:
        where = subject.where("freeze_trainable_layers")
        raise ConfigError(f"{where}: {model.layers} layers cannot be divided by {count}. Give a divisor.")
    stride = model.layers // count
    return range(stride - 1, model.layers + stride - 1, stride)


def _known(subject: Subject, key: str, known: set[str], default: str | None = None) -> list[str]:
    """The names under ``key``, all of which the model has.

    Raises:
        ConfigError: it does not.
    """
    wanted = names(subject.get(key, default))
    lasts = {name: name.rpartition(".")[2] for name in wanted}
    problems = [
        f"{subject.where(key)}: {key}: the model has no {name}. {did_you_mean(last, known)}"
        for name, last in lasts.items()
        if last not in known
    ]
    if problems:
        raise ConfigError(*problems)
    return wanted
