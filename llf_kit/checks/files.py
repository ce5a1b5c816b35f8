"""Configurations beside the YAML that a key names; upstream opens them late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llf_kit.checks.subject import Subject
from llf_kit.errors import ConfigError
from llf_kit.project import read_yaml
from llf_kit.schema import Finding

NAME = "files"

_JSON = ("deepspeed", "fsdp_config", "accelerator_config")  # a file, JSON in a text, or a mapping: transformers


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about files that are missing or not what they should be."""
    for key in _JSON:
        value = subject.config.values.get(key)
        if isinstance(value, str) and value and not value.lstrip().startswith("{"):
            yield from _read(subject, key, value)
    if isinstance(value := subject.config.values.get("new_special_tokens_config"), str):
        yield from _read(subject, "new_special_tokens_config", value)


def _read(subject: Subject, key: str, value: str) -> Iterator[Finding]:
    try:
        read(Path(value))
    except FileNotFoundError:
        hint = f"Correct {key}; it is relative to the folder that LLaMA-Factory is started from."
        yield subject.finding(NAME, "error", key, f"{value}: there is no such file", hint)
    except (OSError, ValueError, ConfigError):
        kind = "JSON" if key in _JSON else "YAML"
        yield subject.finding(NAME, "error", key, f"{value} is not readable {kind}", "Mend it.")


def read(path: Path) -> Any:
    """What a configuration beside the YAML holds.

    Raises:
        OSError: it cannot be read.
        ValueError, ConfigError: it is not what its ending says.
    """
    if path.suffix in (".yaml", ".yml"):
        path.open("rb").close()  # a missing one is told apart
        return read_yaml(path)
    return json.loads(path.read_text(encoding="utf-8"))
