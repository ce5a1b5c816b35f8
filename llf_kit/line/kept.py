"""What the line remembers of each step: what it was made of, and what came out, by their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llf_kit.project import json_object, private_directory, sha256, write_text

FILE = "line.json"
_SHOWN = 3  # of the things that have changed

Hashes = dict[str, str]


class Kept:
    """``.llf-kit/line.json``, for its owner alone: names of raw files may say whose they are."""

    def __init__(self, directory: Path) -> None:
        self._path = private_directory(directory) / FILE
        self._steps: dict[str, Any] = json_object(self._path)

    def inputs(self, step: str) -> Hashes | None:
        """What the step was made of when it last ended well; None where it never has."""
        return self._of(step, "inputs")

    def outputs(self, step: str) -> Hashes:
        """What came out of it then."""
        return self._of(step, "outputs") or {}

    def begun(self, step: str) -> bool:
        """Whether it was begun and did not end well."""
        return step in self._steps and self.inputs(step) is None

    def keep(self, step: str, inputs: Hashes, outputs: Hashes) -> None:
        """The step has ended well."""
        self._steps[step] = {"inputs": inputs, "outputs": outputs}
        self._write()

    def begin(self, step: str) -> None:
        """The step is about to be done; until it has ended well, it has to be done again."""
        self._steps[step] = {}
        self._write()

    def forget(self, step: str) -> None:
        """There is no such step any more."""
        if self._steps.pop(step, None) is not None:
            self._write()

    def _write(self) -> None:
        write_text(self._path, json.dumps(self._steps, ensure_ascii=False, indent=1) + "\n", mode=0o600)

    def _of(self, step: str, side: str) -> Hashes | None:
        found = self._steps.get(step)
        held = found.get(side) if isinstance(found, dict) else None
        return held if isinstance(held, dict) else None


def of_path(path: Path) -> str:
    """The hash of a file, or of all files under a folder with their names; empty where there is neither."""
    if path.is_file():
        return sha256(path)
    made = hashlib.sha256()
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else []
    for file in files:
        made.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\0".encode())
    return made.hexdigest() if files else ""


def of_value(value: Any) -> str:
    """The hash of a setting."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """What has changed, for people: ``raw/a.csv changed, raw/b.csv is new``; None where nothing has."""
    said = [
        f"{name} changed" if name in before and now[name] else f"{name} is new" if now[name] else f"{name} is gone"
        for name in now
        if before.get(name, "") != now[name]
    ]
    said += [f"{name} is gone" for name in before if name not in now]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return ", ".join(said[:_SHOWN]) + more if said else None
