"""The whole line from ``llf-kit.yaml``: raw files in, a measured and merged model out; only what changed is done again.

convert → quality → render → check → train → evaluate → report → export. What each step is made of stands in
:mod:`.steps`. A step is done again where that changed, or what came out of it is no longer there as it was. What people
edit by hand (the dataset, the YAML, the model card) is kept and used: the steps after it are done again. A model that
fails the release gate is reported on, and does not leave.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError, UsageError, did_you_mean
from llf_kit.line import kept
from llf_kit.line.kept import Kept
from llf_kit.line.steps import Line, Step, Watch
from llf_kit.project import load_settings, private_directory

__all__ = ["STEPS", "Done", "Watch", "run"]

STEPS = ("convert", "quality", "render", "check", "train", "evaluate", "report", "export")
_MEASURED, _LEAVES = ("evaluate", "report"), "export"
_LOCK = "line.lock"


@dataclass(frozen=True)
class Done:
    """What became of a step: whether it was ``done`` now, ``why`` (or why not), and what lies ``where``."""

    step: str
    done: bool
    why: str
    where: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As it is told: ``train: again, because datasets/lab.jsonl changed``."""
        return f"{self.step}: {self.why}"

    def to_dict(self) -> dict[str, Any]:
        """What ``run --json`` prints of it."""
        return asdict(self)


def run(directory: Path, until: str = STEPS[-1], watch: Watch | None = None) -> list[Done]:
    """Do what has to be done, up to the step ``until``; ``directory`` is the current one, as LLaMA-Factory needs it.

    Raises:
        UsageError: there is no such step.
        ConfigError: llf-kit.yaml does not say enough; the check found errors; the gate failed; a file that was edited
            by hand would be lost; or another run is at work here.
        LlfKitError: as the functions of the steps.
    """
    if until not in STEPS:
        raise UsageError(f"--until {until}: there is no such step. {did_you_mean(until, STEPS)}")
    watch = watch or Watch()
    settings = load_settings(directory)
    with _alone(directory):
        memory = Kept(directory)
        line = Line(directory, settings, memory, watch)
        found = []
        for name in STEPS[: STEPS.index(until) + 1]:
            if name == _LEAVES:
                line.check_gate()
            done = _step(line.step(name), memory, directory, watch)
            watch.status(done.text)
            found.append(done)
        if until in _MEASURED:
            line.check_gate()
    return found


def _step(step: Step, memory: Kept, directory: Path, watch: Watch) -> Done:
    if step.left_out:
        memory.forget(step.name)
        return Done(step.name, False, f"left out, {step.left_out}")
    now, before = step.inputs(), memory.inputs(step.name)
    came = memory.outputs(step.name)
    there = {name: kept.of_path(directory / name) for name in came}
    moved = None if before is None else kept.difference(before, now)
    gone = kept.difference({name: one for name, one in came.items() if not there[name]}, {})
    edited = kept.difference({name: one for name, one in came.items() if there[name]}, there)
    why = moved or gone
    if step.editable and edited:
        if why:
            raise ConfigError(
                f"{edited} by hand, and {step.name} has to be done again, because {why}. That would lose the edits: "
                "keep a copy of the file, and remove it here."
            )
        return Done(step.name, False, f"skipped, {edited} by hand, which is kept", list(came))
    why = why or edited
    if before is not None and why is None:
        return Done(step.name, False, "skipped, nothing changed", list(came))
    if memory.begun(step.name):
        why = "it did not end the last time"
    said = f"again, because {why}" if why else "for the first time"
    watch.status(f"{step.name} …")
    memory.begin(step.name)
    outputs = step.work()
    memory.keep(step.name, now, {name: kept.of_path(directory / name) for name in outputs})
    return Done(step.name, True, said, outputs)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """No two runs in one project at the same time: each would take what the other has begun for what was stopped."""
    with (private_directory(directory) / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{directory.resolve()}: another `llf-kit run` is at work here. Wait for it.") from None
        yield
