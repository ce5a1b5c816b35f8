"""Which base model, method and settings to take: each is trained, asked what training never saw, and compared.

Every trial is an ordinary run, rendered, checked and recorded, in ``saves/NAME``. One that has ended is not run again,
so a sweep that was stopped goes on; one that failed is a row of the table.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from llf_kit import checks
from llf_kit.errors import ConfigError, LlfKitError
from llf_kit.evaluation import candidates, measuring, predict, runs
from llf_kit.evaluation.runs import Planned
from llf_kit.evaluation.scoring import Wanted
from llf_kit.project import PROJECT_FILE, load_settings
from llf_kit.render import render_to
from llf_kit.sweeping import sampling, space
from llf_kit.sweeping.choosing import Outcome, Tried, choose
from llf_kit.sweeping.space import Choice, Space
from llf_kit.upstream import configs, counted, memory, record

__all__ = ["Outcome", "Tried", "Watch", "sweep"]

Watch = predict.Watch
_LOCK = ".lock"


def sweep(directory: Path, watch: Watch | None = None) -> Outcome:
    """Try what ``sweep:`` in llf-kit.yaml says; ``directory`` is the current one, as LLaMA-Factory needs it.

    Raises:
        ConfigError: the section is wrong, the check of a run finds errors, or the folder holds something else; all of
            it at once, before any run.
        NotInstalledError: llamafactory-cli, or Optuna where it is to choose, is missing.
        RunError: the sweep was stopped.
    """
    watch = watch or Watch()
    settings = load_settings(directory)
    found = space.read(directory, settings)
    with _alone(found.folder):
        planned = {one.name: _planned(one, found) for one in found.choices}
        ended = runs.ended(list(planned.values()))
        _check([one for name, one in planned.items() if ended[name] is None])
        asking = [f"max_new_tokens={settings.max_new_tokens}"]
        rows: dict[str, Tried] = {}

        def score(choice: Choice) -> float | None:
            if choice.name not in rows:
                rows[choice.name] = _tried(directory, choice, planned[choice.name], found, asking, answer_format, watch)
            reached = rows[choice.name].metric(found.sweep.metric)
            return reached.value if reached else None

        answer_format = settings.answer_format
        chosen = sampling.by_optuna(found, score) if found.sweep.sampler == "optuna" else found.choices
        for choice in chosen:
            score(choice)
    return choose(found, [rows[choice.name] for choice in chosen])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No two sweeps in one folder at the same time: each would take the other's runs for its own that were stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{folder}: another sweep is running here. Wait for it, or give this one another "
                              f"`name` in {PROJECT_FILE}: sweep.") from None  # fmt: skip
        yield


def _planned(choice: Choice, found: Space) -> Planned:
    file = render_to(found.folder / f"{choice.name}.yaml", choice.template, choice.values)
    return Planned(choice.name, choice.name, found.rows, configs.load(file))


def _check(planned: list[Planned]) -> None:
    """What is known to fail is told at once; tokens are counted once a model, for they are the same."""
    problems: list[str] = []
    counted_of: set[str] = set()
    for one in planned:
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


def _tried(
    directory: Path,
    choice: Choice,
    planned: Planned,
    found: Space,
    asking: list[str],
    answer_format: str | None,
    watch: Watch,
) -> Tried:
    ran = runs.run_all([planned], runs.Watch(watch.status, watch.progress))[0]
    made = Tried(choice, str(planned.output), problem=ran.problem)
    if ran.problem:
        return made
    sizes = counted.parameters(planned.output)
    made = replace(
        made,
        parameters=sizes and sizes[0],
        trainable=sizes and sizes[1],
        disk=memory.weighs(planned.output),
        seconds=record.load(planned.output).seconds,
    )
    try:
        evaluation = measuring.measure(
            directory, candidates.find(str(planned.output), asking), found.asked,
            wanted=Wanted(answer_format=answer_format), watch=watch,
        )  # fmt: skip
    except LlfKitError as error:
        return replace(made, problem=str(error))
    made = replace(made, evaluation=evaluation)
    if made.metric(found.sweep.metric) is None:
        made = replace(made, problem=f"{found.sweep.metric} was not scored in any row of {found.asked}")
    return made
