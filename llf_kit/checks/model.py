"""The base model and its adapters: whether they are there, fit each other, and fit what the YAML asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llf_kit.checks.counting import number
from llf_kit.checks.subject import Subject
from llf_kit.errors import did_you_mean
from llf_kit.project import json_object
from llf_kit.schema import Finding
from llf_kit.upstream import models, weights
from llf_kit.upstream.dataset_entries import names

NAME = "model"
_MAKE = "Correct it, or make it first: train, or export."


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the model's folder, the adapters, the context length, and the names of modules."""
    if not subject.has("model_name_or_path"):
        message = "model_name_or_path is missing: there is no base model"
        yield subject.finding(NAME, "error", None, message, "Add model_name_or_path.")
    bases, adapters = ["model_name_or_path"], ["adapter_name_or_path"]
    if subject.stage == "ppo":
        kind = subject.get("reward_model_type", "lora")
        bases += ["reward_model"] if kind == "full" else []
        adapters += ["reward_model"] if kind == "lora" else ["reward_model_adapters"]
    elif subject.stage in ("dpo", "kto"):
        bases, adapters = [*bases, "ref_model"], [*adapters, "ref_model_adapters"]
    for key in bases:
        value = subject.config.values.get(key)
        if isinstance(value, str) and value:
            yield from _model(subject, key, value)
    for key in adapters:
        for value in names(subject.config.values.get(key)):
            yield from _adapter(subject, key, value)
    if subject.verb == "train":
        yield from _context(subject)
    if subject.trains:
        yield from _modules(subject)


def _model(subject: Subject, key: str, value: str) -> Iterator[Finding]:
    place = models.place(value)
    if place == "hub":
        message = f"{value} is no folder here; upstream fetches it from a hub"
        yield subject.finding(NAME, "info", key, message, "Bring it here with llf-kit model fetch.")
    elif place == "missing" and value.startswith("~") and Path(value).expanduser().is_dir():
        message = f"{value}: upstream does not read ~ as your home"
        yield subject.finding(NAME, "error", key, message, f"Write {Path(value).expanduser()}.")
    elif place == "missing":
        yield subject.finding(NAME, "error", key, f"{value}: there is no such folder", _MAKE)
    elif not (Path(value) / "config.json").is_file():
        hint = "Name the base model, and this folder as adapter_name_or_path."
        has_adapter = (Path(value) / models.ADAPTER).is_file()
        message = f"{value} holds an adapter, not a model" if has_adapter else f"{value} has no config.json"
        yield subject.finding(NAME, "error", key, message, hint if has_adapter else "Name the folder of a model.")
    elif not any(file.suffix in weights.ENDINGS for file in Path(value).iterdir()):
        yield subject.finding(NAME, "error", key, f"{value} has no weights", "Fetch the model again.")


def _adapter(subject: Subject, key: str, value: str) -> Iterator[Finding]:
    place = models.place(value)
    if place == "hub":
        message = f"{value} is no folder here; upstream looks for it on a hub"
        yield subject.finding(NAME, "warning", key, message, "Name the output_dir of a training.")
        return
    if place == "missing":
        yield subject.finding(NAME, "error", key, f"{value}: there is no such folder", _MAKE)
        return
    config = Path(value) / models.ADAPTER
    if not config.is_file():
        hint = "Name the output_dir of a LoRA training, or one of its checkpoints."
        yield subject.finding(NAME, "error", key, f"{value} has no adapter_config.json", hint)
        return
    base = json_object(config).get("base_model_name_or_path")
    model = subject.config.values.get("model_name_or_path")
    if subject.model is not None and (why := models.misfit(Path(value), subject.model)):
        hint = f"Write model_name_or_path: {base}" if isinstance(base, str) and base else "Name its own base."
        yield subject.finding(NAME, "error", key, f"{value} was trained on another model: {why}", hint)
    elif isinstance(base, str) and isinstance(model, str) and base and not models.same(base, model):
        message = f"{value} was trained on {base}, not on {model}"
        yield subject.finding(NAME, "warning", key, message, f"Write model_name_or_path: {base}")


def _context(subject: Subject) -> Iterator[Finding]:
    """Whether rows may become longer than what the model was made for."""
    longest = models.context(subject.model_config)
    cutoff = int(number(subject, "cutoff_len", 2048))
    if longest is not None and cutoff > longest and not subject.has("rope_scaling"):
        message = f"cutoff_len: {cutoff} is more than the {longest} tokens that this model was made for"
        hint = f"Set cutoff_len: {longest}, or add rope_scaling: yarn."
        yield subject.finding(NAME, "warning", "cutoff_len", message, hint)


def _modules(subject: Subject) -> Iterator[Finding]:
    """Names of modules that the model does not have: of LoRA's, upstream trains the others without a word."""
    if subject.model is None:
        return
    kind = str(subject.get("finetuning_type", "lora"))
    if kind == "lora":
        silent = "passes over without a word where another name fits"
        yield from _named(subject, "lora_target", weights.modules(subject.model), silent)
        every = weights.modules(subject.model, matrices=False)
        yield from _named(subject, "additional_target", every, "passes over without a word")
    elif kind == "freeze":
        # adapter.py takes what stands behind the number of the first layer
        layer = {name.split(".0.")[-1].split(".")[0] for name in weights.parameters(subject.model) if ".0." in name}
        yield from _named(subject, "freeze_trainable_modules", layer, "refuses once the model is loaded")


def _named(subject: Subject, key: str, known: set[str], then: str) -> Iterator[Finding]:
    wanted = names(subject.config.values.get(key))
    if not known or wanted == ["all"]:
        return
    for name in wanted:
        if name == "all" and key == "lora_target":
            message = "lora_target: all among other names is taken for the name of a module"
            yield subject.finding(NAME, "error", key, message, "Write lora_target: all and nothing else.")
        elif name != "all" and not any(one == name or one.endswith(f".{name}") for one in known):
            message = f"{key}: this model has no {name}, which upstream {then}"
            choices = {last for one in known if not (last := one.rpartition(".")[2]).isdigit()}
            yield subject.finding(NAME, "error", key, message, did_you_mean(name, choices))
