"""One thing of a sweep is tried: trained, asked what training never saw, and weighed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from llf_kit import checks, planning
from llf_kit.errors import ConfigError, LlfKitError, StoppedError
from llf_kit.evaluation import candidates, measuring, predict, runs
from llf_kit.evaluation.results import Evaluation
from llf_kit.evaluation.runs import Planned
from llf_kit.evaluation.scoring import Wanted
from llf_kit.project import Settings
from llf_kit.render import render_to
from llf_kit.sweeping import hopeless
from llf_kit.sweeping.choosing import Estimate, Took, Tried
from llf_kit.sweeping.space import Choice, Space
from llf_kit.upstream import Record, configs, counted, memory, record


@dataclass
class Trials:
    """The trials of ``space``, of the project in ``directory``; each ends in a row, also where it fails."""

    directory: Path
    settings: Settings
    space: Space
    watch: predict.Watch
    rows: dict[str, Tried] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._begun = time.time()
        self._planned = {one.name: tuple(_planned(one, self.space)) for one in self.space.choices}

    def check(self) -> None:
        """What is known to fail is told at once; tokens are counted once a model, for they are the same.

        Raises:
            ConfigError: the check of a run finds errors, or its folder holds something else; all of it at once.
        """
        planned = [run for runs_of in self._planned.values() for run in runs_of]
        ended = runs.ended(planned, self._settled)
        problems: list[str] = []
        counted_of: set[str] = set()
        for one in planned:
            if ended[one.name] is not None:
                continue
            # What was stopped or has failed lies in the folder, and is run again
            config = configs.load(one.config.path, ["resume_from_checkpoint=an earlier run"])
            model = str(config.values.get("model_name_or_path"))
            found = checks.check_config(config, tokens=model not in counted_of, started="train")
            counted_of.add(model)
            problems += [
                f"{one.where}: {one.message}. {one.hint} [{one.check}]" for one in found if one.severity == "error"
            ]
        if problems:
            raise ConfigError(*problems)

    def tried(self, choice: Choice) -> Tried:
        """The row of ``choice``; it is tried once."""
        if choice.name not in self.rows:
            self.rows[choice.name] = self._try(choice)
        return self.rows[choice.name]

    def _try(self, choice: Choice) -> Tried:
        planned = self._planned[choice.name]
        made = Tried(choice, tuple(str(one.output) for one in planned))
        made = replace(made, planned=_estimate(planned[0], self.space.sweep.gpu))
        for one in planned:
            ran = runs.run_all([one], self._watching(choice, one), self._settled)[0]
            if ran.problem:
                self.watch.status(ran.problem)
                return replace(made, problem=ran.problem, stopped=ran.pruned)
        made = replace(made, took=_took(one.output for one in planned))
        try:
            made = replace(made, evaluations=tuple(self._measured(one) for one in planned))
        except StoppedError:
            raise
        except LlfKitError as error:
            return replace(made, problem=str(error))
        metric = self.space.sweep.metric
        if made.metric(metric) is None:
            return replace(made, problem=f"{metric} was not scored in any row of {self.space.asked}")
        return made

    def _watching(self, choice: Choice, planned: Planned) -> predict.Watch:
        progress = self.watch.progress
        if self.space.sweep.pruner:
            others = [run for one in self.space.choices if one is not choice and _alike(one, choice)
                      for run in self._planned[one.name]]  # fmt: skip
            progress = hopeless.watch(planned, others, progress)
        return predict.Watch(self.watch.status, progress)

    def _settled(self, before: Record) -> bool:
        """What had no chance has none the next time; what failed is tried again, but not twice by those who share."""
        if before.status == "pruned":
            return self.space.sweep.pruner is not None
        return before.status == "failed" and before.path.stat().st_mtime >= self._begun

    def _measured(self, planned: Planned) -> Evaluation:
        asking = [f"max_new_tokens={self.settings.max_new_tokens}"]
        return measuring.measure(
            self.directory, candidates.find(str(planned.output), asking), self.space.asked,
            wanted=Wanted(answer_format=self.settings.answer_format), watch=self.watch,
        )  # fmt: skip


def _planned(choice: Choice, space: Space) -> Iterable[Planned]:
    for name, values in choice.runs.items():
        given = {**values, "output_dir": str(space.folder / name)}
        file = render_to(space.folder / f"{name}.yaml", choice.template, given)
        yield Planned(name, choice.name, space.rows, configs.load(file))


def _alike(one: Choice, other: Choice) -> bool:
    """Whether their losses can be compared: of the same words, by the same model."""
    first, second = (next(iter(choice.runs.values())) for choice in (one, other))
    return all(first.get(key) == second.get(key) for key in ("model", "template"))


def _took(outputs: Iterable[Path]) -> Took:
    found = [(output, record.load(output)) for output in outputs]
    sizes = counted.parameters(found[0][0])
    seconds = [one.seconds for _, one in found if one.seconds is not None]
    return Took(
        parameters=sizes and sizes[0],
        trainable_parameters=sizes and sizes[1],
        disk=memory.weighs(found[0][0]),
        seconds=statistics.fmean(seconds) if seconds else None,
        memory=max((one.memory for _, one in found if one.memory), default=None),
        gpu_memory=max((one.gpu_memory for _, one in found if one.gpu_memory), default=None),
        device=found[0][1].device,
    )


def _estimate(planned: Planned, gpu: str | None) -> Estimate:
    """For ``gpu``, or for the cheapest that fits."""
    try:
        made = planning.plan(planned.config, names=[gpu] if gpu else [])
    except LlfKitError as error:
        return Estimate(gpu, problem=str(error))
    total, notes = made.memory_gib["total"], tuple(made.notes)
    fits = [one for one in made.gpus if one.cost is not None and one.note is None]
    if not fits:
        where = f"{gpu} does not hold it" if gpu else "no GPU of the table holds it"
        why = f"{planned.name}: {where}. See llf-kit plan {planned.config.path}."
        return Estimate(gpu, total, problem=why, notes=notes)
    best = min(fits, key=lambda one: one.cost or 0.0)
    return Estimate(best.name, total, best.hours, best.cost, str(made.prices["currency"]), notes=notes)
