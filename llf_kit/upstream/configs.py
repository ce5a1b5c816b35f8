"""A LLaMA-Factory YAML with its overrides, as upstream will see it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from llf_kit.errors import ConfigError, UsageError
from llf_kit.project import parse_yaml, read_yaml, write_text, yaml_keys


@dataclass(frozen=True)
class Config:
    """A YAML file and ``key=value`` overrides; ``values`` is both together.

    ``keys`` are those of the file in their order, a repeated one each time, with their lines. ``path`` is what messages
    name: it may also be the folder of a run, whose values come from its record. Those are written into a ``file``
    before they are handed over. The texts of ``literal`` keys come out of data.
    """

    path: Path
    overrides: tuple[str, ...]
    values: dict[str, Any]
    keys: tuple[tuple[str, int], ...] = ()
    file: Path | None = None
    literal: tuple[str, ...] = ()

    @property
    def handed(self) -> tuple[Path, tuple[str, ...]]:
        """The file that upstream reads, and the overrides that it is given besides."""
        return (self.path, self.overrides) if self.file is None else (self.file, ())

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
    values = overridden(read_yaml(path), overrides)
    return Config(path, tuple(overrides), values, tuple(yaml_keys(path)))


def overridden(values: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """``values`` with ``overrides`` applied.

    Raises:
        UsageError: an override is not ``key=value``.
    """
    changed = dict(values)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise UsageError(f"{override!r}: is not key=value. Write for example learning_rate=1.0e-4.")
        try:
            changed[key] = parse_yaml(text)
        except yaml.YAMLError:
            raise UsageError(f"{override!r}: its value is no YAML. Quote it.") from None
    return changed


def written(config: Config, file: Path) -> Config:
    """``config`` with its values in ``file``, for its owner alone: they may hold a token of a hub.

    Each value is JSON, which is YAML that no reader takes for another type. In texts out of data, ``${…}`` is no name
    of another key, for which OmegaConf, by which upstream reads its YAML, would take it.
    """
    values = {
        key: value.replace("${", "\\${") if key in config.literal and isinstance(value, str) else value
        for key, value in config.values.items()
    }
    lines = (f"{key}: {json.dumps(value, ensure_ascii=False, default=str)}\n" for key, value in values.items())
    write_text(file, "".join(lines), mode=0o600)
    return replace(config, file=file)
