"""The whole line from ``llf-kit.yaml``: raw files in, a measured and merged model out; only what changed is done again.

convert → quality → render → check → train → evaluate → report → export. What each step is made of stands in
:mod:`.steps`. A step is done again where that changed, or what came out of it is no longer there as it was. What
people edit by hand (the dataset, the YAML) is kept and used: the steps after it are done again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError, UsageError, did_you_mean
from llf_kit.line import kept
from llf_kit.line.kept import Kept
from llf_kit.line.steps import Line, Step, Watch
from llf_kit.project import load_settings

__all__ = ["STEPS", "Done", "Watch", "run"]

STEPS = ("convert", "quality", "render", "check", "train", "evaluate", "report", "export")


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
        ConfigError: llf-kit.yaml does not say enough; the check found errors; the gate failed; or a file that was
            edited by hand would be lost.
        LlfKitError: as the functions of the steps.
    """
    if until not in STEPS:
        raise UsageError(f"--until {until}: there is no such step. {did_you_mean(until, STEPS)}")
    watch = watch or Watch()
    memory = Kept(directory)
    line = Line(directory, load_settings(directory), memory, watch)
    found = []
    for name in STEPS[: STEPS.index(until) + 1]:
        done = _step(line.step(name), memory, directory, watch)
        watch.status(done.text)
        found.append(done)
    return found


def _step(step: Step, memory: Kept, directory: Path, watch: Watch) -> Done:
    if step.left_out:
        memory.forget(step.name)
        return Done(step.name, False, f"left out, {step.left_out}")
    now, before = step.inputs(), memory.inputs(step.name)
    came = memory.outputs(step.name)
    there = {name: kept.of_path(directory / name) for name in came}
    moved = None if before is None else kept.difference(before, now)
    edited = kept.difference(came, there)
    if step.editable and edited and all(there.values()):
        if moved:
            raise ConfigError(
                f"{edited}: by hand, and what it is made of changed, too: {moved}. Doing {step.name} again would lose "
                "the edits. Keep a copy, and remove it here."
            )
        return Done(step.name, False, f"skipped, {edited} by hand, which is kept", list(came))
    why = moved or edited
    if before is not None and why is None:
        return Done(step.name, False, "skipped, nothing changed", list(came))
    said = "for the first time" if before is None else f"again, because {why}"
    watch.status(f"{step.name} …")
    memory.forget(step.name)
    outputs = step.work()
    memory.keep(step.name, now, {name: kept.of_path(directory / name) for name in outputs})
    return Done(step.name, True, said, outputs)
