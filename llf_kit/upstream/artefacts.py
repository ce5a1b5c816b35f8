"""Three files by which bare ``llamafactory-cli webui``, started in the project, is nearly ready too."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from llf_kit.errors import ConfigError
from llf_kit.project import DATASET_INFO, read_yaml, write_text
from llf_kit.upstream.presets import CUSTOM, Preset

__all__ = ["DATA", "SAVED", "USER", "write"]

# webui/common.py: DEFAULT_DATA_DIR, DEFAULT_CACHE_DIR and DEFAULT_CONFIG_DIR
DATA = Path("data")
USER = Path("llamaboard_cache") / "user_config.yaml"
SAVED = Path("llamaboard_config")
_FILES = ("file_name", "script_url")  # keys of an entry that name a file as seen from the folder of dataset_info.json


def write(project: Path, preset: Preset, dataset_dir: Path, *, lang: str, hub: str | None) -> tuple[str, ...]:
    """Write them into ``project``; ``hub`` is where models come from.

    Returns the names that ``data/dataset_info.json`` already gives to other files, which it keeps.

    Raises:
        ConfigError: one of them cannot be written.
    """
    try:
        kept = _data(project, project / dataset_dir)
        _user(project / USER, preset, lang, hub)
        write_text(project / SAVED / f"{preset.name}.yaml", _yaml(preset.saved()))
    except OSError as error:
        raise ConfigError(
            f"{error.filename}: cannot be written ({error.strerror}). Make the folder writable."
        ) from None
    return kept


def _data(project: Path, dataset_dir: Path) -> tuple[str, ...]:
    """The board looks in ``data`` first: an entry there for every dataset, with its file as seen from there."""
    home = project / DATA
    if not (dataset_dir / DATASET_INFO).is_file() or home.resolve() == dataset_dir.resolve() or home.is_symlink():
        return ()  # what a link leads to is not this project's
    entries, there = _entries(dataset_dir), _entries(home)
    ours = {name: _moved(entry, dataset_dir, home) for name, entry in entries.items()}
    kept = tuple(name for name, entry in ours.items() if name in there and not _same(there[name], entry, home))
    merged = {**there, **{name: entry for name, entry in ours.items() if name not in kept}}
    write_text(home / DATASET_INFO, json.dumps(merged, ensure_ascii=True, indent=2) + "\n")
    return kept


def _entries(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / DATASET_INFO
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        raise ConfigError(f"{path}: is not readable JSON. Mend it; it was left as it is.") from None
    if not isinstance(data, dict) or not all(isinstance(entry, dict) for entry in data.values()):
        raise ConfigError(f"{path}: is not an object of entries. Mend it; it was left as it is.")
    return data


def _moved(entry: dict[str, Any], source: Path, home: Path) -> dict[str, Any]:
    """``entry`` with its files as seen from ``home``."""
    moved = {
        key: Path(os.path.relpath((source / str(entry[key])).resolve(), home.resolve())).as_posix()
        for key in _FILES
        if key in entry and not Path(str(entry[key])).is_absolute()
    }
    return {**entry, **moved}


def _same(one: dict[str, Any], other: dict[str, Any], home: Path) -> bool:
    """Whether two entries name the same files."""
    return _places(one, home) == _places(other, home)


def _places(entry: dict[str, Any], home: Path) -> list[Path | None]:
    return [(home / str(entry[key])).resolve() if key in entry else None for key in _FILES]


def _user(path: Path, preset: Preset, lang: str, hub: str | None) -> None:
    """The board's memory: language, hub, last model and where it lies; what else it remembers stays."""
    try:
        memory = read_yaml(path) if path.is_file() else {}
    except ConfigError:
        memory = {}  # the board overwrites what it cannot read, too
    memory = {"hub_name": None, "last_model": None, "cache_dir": None, **memory, "lang": lang}
    if hub:
        memory["hub_name"] = hub
    places = memory.get("path_dict") if isinstance(memory.get("path_dict"), dict) else {}
    if preset.path:
        memory["last_model"] = preset.label if preset.listed else CUSTOM
        places = {**(places or {}), preset.label: preset.path, memory["last_model"]: preset.path}
    write_text(path, _yaml({**memory, "path_dict": places}))


def _yaml(data: dict[str, Any]) -> str:
    return str(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
