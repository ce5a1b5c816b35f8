"""Nested subsets of the datasets of a YAML: a bigger one holds the smaller, and all are validated on the same rows.

LLaMA-Factory's own ``max_samples`` cannot do this: it cuts the validation rows, too, and takes the first rows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError
from llf_kit.project import DATASET_INFO, write_text
from llf_kit.upstream.configs import Config
from llf_kit.upstream.dataset_entries import entries, named
from llf_kit.upstream.loading import rows
from llf_kit.upstream.schedule import withheld

_HELD = "held_out"


def write(base: Config, folder: Path, sizes: Sequence[float], seed: int) -> tuple[dict[float, tuple[str, int]], str]:
    """Write them into ``folder`` with a dataset_info.json; by size the names for ``dataset`` and the number of rows,
    and the names for ``eval_dataset``.

    Rows are drawn by ``seed``. Where the YAML has ``val_size``, so many rows are held out of every size.

    Raises:
        ConfigError: a dataset is not in a file here, nothing is held out, or a size has no row.
    """
    directory = Path(str(base.values.get("dataset_dir", "data")))
    known = entries(directory)
    info: dict[str, Any] = {}
    drawn: dict[str, list[dict[str, Any]]] = {}
    for one in named(base.values, directory):
        if one.path is None:
            raise ConfigError(f"{base.path}: {one.name} is in no file here, so it has no sizes. Give a converted one.")
        if one.key == "eval_dataset":
            info[one.name] = {**one.entry, "file_name": str(one.path.resolve())}
            continue
        drawn[one.name] = [row for file in one.files for row in rows(file)]
        random.Random(seed).shuffle(drawn[one.name])  # noqa: S311 - no secret
        info[one.name] = known[one.name]
    validated = [one.name for one in named(base.values, directory) if one.key == "eval_dataset"]
    if not validated:
        validated = _hold_out(base, drawn, info, folder)
    made: dict[float, tuple[str, int]] = {}
    entry = {name: info.pop(name) for name in drawn}
    for size in sizes:
        names, count = [], 0
        for name, all_rows in drawn.items():
            part = all_rows[: round(size * len(all_rows))]
            if not part:
                raise ConfigError(f"{name}: {size:g} of its {len(all_rows)} rows is none. Give bigger --sizes.")
            subset = f"{name}_{size:g}".replace(".", "_")
            info[subset] = _written(folder, subset, entry[name], part)
            names.append(subset)
            count += len(part)
        made[size] = (",".join(names), count)
    write_text(folder / DATASET_INFO, json.dumps(info, ensure_ascii=True, indent=2) + "\n")
    return made, ",".join(validated)


def _hold_out(base: Config, drawn: dict[str, list[dict[str, Any]]], info: dict[str, Any], folder: Path) -> list[str]:
    share = base.values.get("val_size")
    if not isinstance(share, (int, float)) or share <= 0:
        raise ConfigError(f"{base.path}: nothing is held out for validation. Add val_size: 0.1 or eval_dataset: NAME.")
    names = []
    for name, all_rows in drawn.items():
        number = withheld(len(all_rows), share)
        held, drawn[name] = all_rows[:number], all_rows[number:]
        names.append(f"{name}_{_HELD}")
        info[names[-1]] = _written(folder, names[-1], info[name], held)
    return names


def _written(folder: Path, name: str, entry: dict[str, Any], part: list[dict[str, Any]]) -> dict[str, Any]:
    """Write the rows for their owner's eyes; the entry is that of the whole."""
    file = folder / f"{name}.jsonl"
    write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part), mode=0o600)
    return {**entry, "file_name": file.name}
