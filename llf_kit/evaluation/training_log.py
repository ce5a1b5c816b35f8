"""What LLaMA-Factory and the Trainer logged of a training: losses, gradients and rates, step by step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError, DataError
from llf_kit.evaluation.fit_verdict import Point
from llf_kit.project import json_object, text_lines
from llf_kit.upstream import record

_LOG, _STATE = "trainer_log.jsonl", "trainer_state.json"
_MODEL = ("adapter_config.json", "config.json")


@dataclass(frozen=True)
class TrainingLog:
    """The curves of one run, in the order of steps; ``gradients`` are norms, ``rates`` learning rates.

    ``config`` is what the run was given (empty where it left no record); ``checkpoints`` are the folders that exist, by
    step; ``whole`` says that the run's own folder holds a model.
    """

    folder: Path
    train: tuple[Point, ...]
    validation: tuple[Point, ...]
    gradients: tuple[Point, ...]
    rates: tuple[Point, ...]
    config: dict[str, Any]
    checkpoints: dict[int, Path]
    whole: bool

    @property
    def steps(self) -> int:
        """The last step that anything was logged of."""
        return max((point.step or 0 for point in (*self.train, *self.validation)), default=0)


def read(folder: Path) -> TrainingLog:
    """The log of the training in ``folder``.

    Both files are read: the log of LLaMA-Factory goes on where a run was killed, the state of the Trainer has gradients
    and, in the last checkpoint, outlives the run. A step that was run twice (resumed) counts as it was the last time.

    Raises:
        DataError: there is neither, or no line of them is one of a log.
    """
    checkpoints = {
        int(step): path
        for path in folder.glob("checkpoint-*")
        if (step := path.name.removeprefix("checkpoint-")).isdigit() and _holds_model(path)
    }
    latest = [checkpoints[max(checkpoints)]] if checkpoints else []
    states = [place / _STATE for place in (*latest, folder)]
    rows = [row for state in states for row in json_object(state).get("log_history", [])]
    lines = [*(_as_upstream(line) for line in _lines(folder / _LOG)), *rows]
    curves: dict[str, dict[int, Point]] = {}
    for row in lines:
        step = row.get("step")
        if not isinstance(step, int):
            continue
        for name in ("loss", "eval_loss", "grad_norm", "learning_rate"):
            if isinstance(value := row.get(name), (int, float)):
                curves.setdefault(name, {})[step] = Point(name, float(value), step, row.get("epoch"))
    if not {"loss", "eval_loss"} & curves.keys():
        raise DataError(f"{folder}: holds no log of a training ({_LOG}, {_STATE}). Give the output_dir of a training.")

    def curve(name: str) -> tuple[Point, ...]:
        found = curves.get(name, {})
        return tuple(found[step] for step in sorted(found))

    return TrainingLog(
        folder=folder,
        train=curve("loss"),
        validation=curve("eval_loss"),
        gradients=curve("grad_norm"),
        rates=curve("learning_rate"),
        config=_config(folder),
        checkpoints=dict(sorted(checkpoints.items())),
        whole=_holds_model(folder),
    )


def _holds_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _MODEL)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines that can be read: the last one of a killed run may be half a line."""
    found = []
    try:
        lines = text_lines(path)
    except (OSError, UnicodeDecodeError):
        return []
    for line in lines:
        try:
            data = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict):
            found.append(data)
    return found


def _as_upstream(row: dict[str, Any]) -> dict[str, Any]:
    """A line of LLaMA-Factory's log under the Trainer's names."""
    return {**row, "step": row.get("current_steps"), "learning_rate": row.get("lr")}


def _config(folder: Path) -> dict[str, Any]:
    try:
        return record.load(folder).config
    except ConfigError:
        return {}
