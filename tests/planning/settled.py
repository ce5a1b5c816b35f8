"""What a YAML settles of a published model, for tests of memory and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llf_kit.checks.subject import Subject
from llf_kit.planning import architecture, memory, settings, trainable
from llf_kit.planning.settings import Setting
from llf_kit.project import read_yaml
from llf_kit.upstream import arguments, configs

PUBLISHED = read_yaml(Path(__file__).parent / "published.yaml")
SCHEMA = arguments.schema()
QWEN = PUBLISHED["models"]["qwen2.5-7b"]


def subject(**values: Any) -> Subject:
    return Subject(configs.Config(Path("train.yaml"), (), {"do_train": True, **values}), SCHEMA)


def setting(config: dict[str, Any], devices: int = 1, **values: Any) -> Setting:
    given = subject(**values)
    return settings.read(given, architecture.read(config), int(values.get("cutoff_len", 1024)), devices)


def parts(config: dict[str, Any], devices: int = 1, **values: Any) -> dict[str, float]:
    model = architecture.read(config)
    trained = trainable.read(subject(**values), model)
    return memory.parts(model, trained, setting(config, devices, **values))
