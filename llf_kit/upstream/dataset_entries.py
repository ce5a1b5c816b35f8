"""The datasets that a YAML names, as dataset_info.json has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError
from llf_kit.project import DATASET_INFO

__all__ = ["Dataset", "entries", "named", "names"]

_KEYS = ("dataset", "eval_dataset")


@dataclass(frozen=True)
class Dataset:
    """A dataset that the YAML names: its entry, and the file or folder of it (None where there is none)."""

    name: str
    key: str  # `dataset` or `eval_dataset`
    entry: dict[str, Any]
    path: Path | None

    @property
    def files(self) -> list[Path]:
        """What LLaMA-Factory would load: the file, or all that lies in the folder."""
        if self.path is None:
            return []
        return sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]


def names(value: Any) -> list[str]:
    """The names of a comma list, or of a list."""
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [str(item).strip() for item in items if str(item).strip()]


def entries(directory: Path) -> dict[str, Any]:
    """The entries of dataset_info.json in ``directory``.

    Raises:
        ConfigError: it is missing or no JSON object.
    """
    path = directory / DATASET_INFO
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file. Convert data first, or set dataset_dir to its folder."
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: is not readable JSON ({type(error).__name__}). Mend it.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: is not an object of entries. Mend it.")
    return data


def named(values: dict[str, Any], directory: Path) -> Iterator[Dataset]:
    """The datasets that ``values`` of a YAML name and ``directory`` knows; none where it has no dataset_info.json."""
    try:
        known = entries(directory)
    except ConfigError:
        return
    for key in _KEYS:
        for name in names(values.get(key)):
            entry = known.get(name)
            if isinstance(entry, dict):
                path = directory / str(entry.get("file_name", ""))
                yield Dataset(name, key, entry, path if "file_name" in entry and path.exists() else None)
