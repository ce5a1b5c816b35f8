"""Many runs of one YAML that differ in a few settings: rendered, run once each, and read back as a table.

Each is an ordinary run in a folder of its own with a record, so it can be looked at, continued and compared like any
other. One that has ended well with the same work is not run again; one that fails is a row of the table.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llf_kit import upstream
from llf_kit.errors import ConfigError, LlfKitError, PrunedError, StoppedError
from llf_kit.evaluation.comparison import Spread
from llf_kit.evaluation.predict import Watch
from llf_kit.upstream import configs, process, record
from llf_kit.upstream.configs import Config
from llf_kit.upstream.record import Record
from llf_kit.upstream.runs import LOG

LOSS = "eval_loss"


@dataclass(frozen=True)
class Planned:
    """A run to be: ``group`` says which runs differ by chance alone (a seed, a fold); ``rows`` are trained on."""

    name: str
    group: str
    rows: int
    config: Config

    @property
    def output(self) -> Path:
        """Its own folder."""
        return Path(self.config.required("output_dir"))


@dataclass(frozen=True)
class Ran:
    """How a run ended: its ``result`` as LLaMA-Factory measured it, or the ``problem`` that it failed with.

    ``pruned``: it was ended on purpose by who watched it.
    """

    name: str
    group: str
    rows: int
    output: str
    result: dict[str, Any]
    problem: str | None = None
    again: bool = True
    pruned: bool = False


@dataclass(frozen=True)
class Table:
    """Groups of runs with the spread of ``metric`` (None where no run of the group has it), and what they say."""

    metric: str
    groups: dict[str, Spread | None]
    rows: dict[str, int]
    runs: tuple[Ran, ...]
    sentences: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """What ``curve --json`` and ``crossval --json`` print of it."""
        return asdict(self)


def plan(base: Config, folder: Path, name: str, group: str, rows: int, settings: dict[str, Any]) -> Planned:
    """Render ``base`` with other ``settings`` into ``folder/name.yaml``, whose run will lie in ``folder/name``.

    A setting of None takes the key away.

    Raises:
        ConfigError: ``base`` trains nothing.
    """
    if base.values.get("do_train") is not True:
        raise ConfigError(f"{base.path}: trains nothing (do_train). Give the YAML of a training.")
    values = {**base.values, **settings, "output_dir": str(folder / name)}
    values = {key: value for key, value in values.items() if value is not None}
    file = folder / f"{name}.yaml"
    configs.written(Config(base.path, (), values), file)
    return Planned(name, group, rows, configs.load(file))


def folder_of(base: Config, kind: str) -> Path:
    """Where the runs of a table lie: beside the output folder of the YAML itself."""
    output = Path(base.required("output_dir"))
    return output.with_name(f"{output.name}_{kind}")


def run_all(
    planned: Sequence[Planned], watch: Watch | None = None, settled: Callable[[Record], bool] = lambda _: False
) -> tuple[Ran, ...]:
    """Run what has not been run, one after another; ``settled`` says which run that failed or was pruned stays so.

    Raises:
        ConfigError: an output folder holds a run that ended well with other settings or data; all of them at once.
        NotInstalledError: llamafactory-cli is missing.
    """
    watch = watch or Watch()
    before = ended(planned, settled)
    return tuple(_run(one, before[one.name], number, len(planned), watch) for number, one in enumerate(planned, 1))


def ended(planned: Sequence[Planned], settled: Callable[[Record], bool] = lambda _: False) -> dict[str, Record | None]:
    """By name, the record of the run where the very same work has ended well, or is ``settled``.

    Raises:
        ConfigError: an output folder holds a run that ended well with other settings or data; all of them at once.
    """
    found = {one.name: upstream.before("train", one.config, one.output) for one in planned}
    before = {name: one if one and (one.status == "done" or settled(one)) else None for name, one in found.items()}
    others = [one for one in planned if before[one.name] is None and ended_well(one.output)]
    if others:
        raise ConfigError(*(f"{one.output}: holds a run of other settings or data. Move it away, or give another "
                            "output_dir." for one in others))  # fmt: skip
    return before


def _run(one: Planned, before: Record | None, number: int, of: int, watch: Watch) -> Ran:
    if before is not None:
        problem = None if before.status == "done" else before.reason
        pruned = before.status == "pruned"
        return Ran(one.name, one.group, one.rows, str(one.output), before.result, problem, again=False, pruned=pruned)
    watch.status(f"{one.name} ({number} of {of})")
    if (one.output / record.FILE).is_file():
        process.end_writers(one.output / LOG)
        shutil.rmtree(one.output)  # a run of ours that failed or was stopped
    try:
        done = upstream.run("train", one.config, on_progress=watch.progress)
    except StoppedError:
        raise
    except LlfKitError as error:
        if not (one.output / record.FILE).is_file():
            raise  # it never began
        pruned = isinstance(error, PrunedError)
        return Ran(one.name, one.group, one.rows, str(one.output), {}, str(error), pruned=pruned)
    return Ran(one.name, one.group, one.rows, str(one.output), done.result)


def ended_well(output: Path) -> bool:
    """Whether the folder holds a run that ended well."""
    return (output / record.FILE).is_file() and record.load(output).status == "done"


def spreads(runs: Sequence[Ran], metric: str) -> dict[str, Spread | None]:
    """``metric`` by group, over the runs of it that have it."""
    found: dict[str, list[float]] = {}
    for one in runs:
        value = one.result.get(metric)
        held = found.setdefault(one.group, [])
        if isinstance(value, (int, float)) and math.isfinite(value):
            held.append(float(value))
    return {group: Spread.of(values) for group, values in found.items()}
