"""A LLaMA-Factory YAML with its overrides, as upstream will see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llf_kit.errors import ConfigError, UsageError
from llf_kit.project import parse_yaml, read_yaml, yaml_keys


@dataclass(frozen=True)
class Config:
    """A YAML file and ``key=value`` overrides; ``values`` is both together.

    ``keys`` are those of the file in their order, a repeated one each time, with their lines.
    """

    path: Path
    overrides: tuple[str, ...]
    values: dict[str, Any]
    keys: tuple[tuple[str, int], ...]

    def required(self, key: str) -> str:
        """The value of ``key`` as text.

        Raises:
            ConfigError: it is missing.
        """
        value = self.values.get(key)
        if not value:
            raise ConfigError(f"{self.path}: {key} is missing. Add it, or give {key}=… on the command line.")
        return str(value)


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read ``path`` and apply ``overrides``.

    Raises:
        ConfigError: the file is missing, is no YAML, or has an ending that upstream does not read as YAML.
        UsageError: an override is not ``key=value``.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(f"{path}: LLaMA-Factory reads .yaml and .yml only. Rename or render it.")
    values = read_yaml(path)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise UsageError(f"{override!r}: is not key=value. Write for example learning_rate=1.0e-4.")
        try:
            values[key] = parse_yaml(text)
        except yaml.YAMLError:
            raise UsageError(f"{override!r}: its value is no YAML. Quote it.") from None
    return Config(path, tuple(overrides), values, tuple(yaml_keys(path)))
