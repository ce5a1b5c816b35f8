"""What is checked: one YAML, and the dataset_info, rows, model and tokenizer that it leads to, each read once."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from llf_kit.checks.edits import edited
from llf_kit.project import json_object
from llf_kit.schema import Finding, Fix
from llf_kit.upstream import dataset_entries, models
from llf_kit.upstream.arguments import Schema
from llf_kit.upstream.configs import Config
from llf_kit.upstream.dataset_entries import Dataset
from llf_kit.upstream.renamed import renamed

Severity = Literal["error", "warning", "info"]
Verb = Literal["train", "export", "infer"]


@dataclass(frozen=True)
class Subject:
    """A YAML and what it leads to; paths in it are relative to the current directory, as upstream's.

    ``started`` says for what it is about to be handed over on this machine; without it, it may be meant for one with a
    GPU, and what it is for shows in its keys.
    """

    config: Config
    schema: Schema
    started: Verb | None = None

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key as the YAML or an override has it, else upstream's own default, else ``default``."""
        if key in self.config.values:
            return self.config.values[key]
        for old in (one for one in renamed().values() if one.new == key and one.same):
            if old.old in self.config.values:  # said by another check; what it means is clear
                return self.config.values[old.old]
        argument = self.schema.arguments.get(key)
        return default if argument is None or argument.default is None else argument.default

    def has(self, key: str) -> bool:
        """Whether the YAML or an override says something of ``key``."""
        return self.config.values.get(key) is not None

    @property
    def verb(self) -> Verb:
        """What this YAML is for: what is started with it, else by what it holds."""
        if self.started:
            return self.started
        if self.has("export_dir"):
            return "export"
        return "train" if self.has("dataset") or self.has("eval_dataset") or self.of_training else "infer"

    @property
    def of_training(self) -> list[str]:
        """The keys that upstream takes in training and prediction, and refuses in chat, api and export."""
        arguments = self.schema.arguments
        return [key for key in self.config.values if key in arguments and arguments[key].group == "training"]

    @property
    def stage(self) -> str:
        """``sft``, ``pt``, ``rm``, ``ppo``, ``dpo`` or ``kto``."""
        return str(self.get("stage", "sft"))

    @property
    def trains(self) -> bool:
        """Whether weights are trained."""
        return self.verb == "train" and self.get("do_train") is True

    @cached_property
    def elsewhere(self) -> bool:
        """Whether what needs a GPU is for another machine: this one has none, and nothing is started here."""
        return self.started is None and not has_gpu()

    def where(self, key: str | None = None) -> str:
        """``train.yaml:12``, or where else ``key`` comes from."""
        lines = [line for name, line in self.config.keys if name == key]
        if any(override.partition("=")[0] == key for override in self.config.overrides):
            return f"{key}=…"
        return f"{self.config.path}:{lines[-1]}" if lines else str(self.config.path)

    def finding(
        self,
        check: str,
        severity: Severity,
        key: str | None,
        message: str,
        hint: str,
        *,
        name: str | None = None,
        value: str | None = None,
    ) -> Finding:
        """A finding about ``key``; ``name`` and ``value`` are what stands there once it is mended without judgement."""
        lines = [number for known, number in self.config.keys if known == key]
        fix = None
        if key and (name or value) and len(lines) == 1 and self.where(key).endswith(f":{lines[0]}"):
            fix = Fix(self.config.path, partial(edited, key, name or key, value))
        return Finding(check, severity, message, hint, self.where(key), fix)

    @cached_property
    def dataset_dir(self) -> Path:
        """The folder that holds dataset_info.json."""
        return Path(str(self.get("dataset_dir", "data")))

    @cached_property
    def dataset_info(self) -> dict[str, Any]:
        """The entries of dataset_info.json.

        Raises:
            ConfigError: it is missing or no JSON object.
        """
        return dataset_entries.entries(self.dataset_dir)

    @cached_property
    def datasets(self) -> list[Dataset]:
        """The datasets that are named and known; none where dataset_info.json cannot be read."""
        return list(dataset_entries.named(self.config.values, self.dataset_dir))

    @cached_property
    def model(self) -> Path | None:
        """The folder of the base model where it is on this machine."""
        value = self.config.values.get("model_name_or_path")
        path = Path(str(value)).expanduser() if value else None
        return path if path is not None and (path / "config.json").is_file() else None

    @property
    def on_hub(self) -> bool:
        """Whether the base model is to be fetched."""
        value = self.config.values.get("model_name_or_path")
        return isinstance(value, str) and bool(value) and models.place(value) == "hub"

    @cached_property
    def model_config(self) -> dict[str, Any]:
        """The model's config.json; empty where it is not on this machine or cannot be read."""
        return json_object(self.model / "config.json") if self.model else {}


def has_gpu() -> bool:
    """Whether an accelerator's driver is here and not hidden from the process; looked for without torch."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    drivers = ("/proc/driver/nvidia/version", "/dev/davinci_manager", "/dev/kfd")
    return any(Path(driver).exists() for driver in drivers) or shutil.which("nvidia-smi") is not None
