"""dataset_info.json: our entries are rendered from a template and merged in; those of others stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError, UsageError
from llf_kit.project import DATASET_INFO, write_text
from llf_kit.schema import DatasetEntry
from llf_kit.templating import render_text


def load(directory: Path) -> dict[str, Any]:
    """The entries of ``dataset_info.json`` in ``directory``; none where there is no file.

    Raises:
        ConfigError: it is there and is not a JSON object.
    """
    path = directory / DATASET_INFO
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: is not readable JSON ({error}). Mend it; it was left as it is.") from None
    if not isinstance(data, dict) or not all(isinstance(entry, dict) for entry in data.values()):
        raise ConfigError(f"{path}: is not a JSON object of entries. Mend it; it was left as it is.")
    return data


def check_ours(directory: Path, files: Mapping[str, str], ours: Callable[[str], Iterable[str]]) -> None:
    """Refuse to replace what llf-kit did not write; ``files`` has the file of each dataset that is about to be.

    ``ours`` gives the places where llf-kit may have put a dataset before.

    Raises:
        UsageError: an entry is another's, or a file is there that no entry names; all of them at once.
        ConfigError: dataset_info.json is not JSON.
    """
    entries = load(directory)
    problems = []
    for name, file in files.items():
        old = entries.get(name, {}).get("file_name")
        if name in entries and old not in ours(name):
            problems.append(f"--name {name}: {DATASET_INFO} has an entry {name!r} of another's. Choose another.")
        if file != old and (directory / file).exists():
            problems.append(f"--name {name}: {file} is there and not registered. Move it, or choose another.")
    if problems:
        raise UsageError(*problems)


def register(directory: Path, entries: Iterable[DatasetEntry], forget: Iterable[str] = ()) -> None:
    """Merge ``entries`` into ``dataset_info.json``, atomically; names in ``forget`` leave it.

    The file is ASCII, because LLaMA-Factory opens it in the encoding of the locale.
    """
    merged = load(directory)
    for name in forget:
        merged.pop(name, None)
    for entry in entries:
        merged |= json.loads(render_text("dataset_info.json.j2", {"name": entry.name, **entry.to_dict()}))
    write_text(directory / DATASET_INFO, json.dumps(merged, ensure_ascii=True, indent=2) + "\n")
