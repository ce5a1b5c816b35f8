"""Which combination comes next, as Optuna thinks from what it has seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from llf_kit.errors import NotInstalledError
from llf_kit.evaluation.paired import LOWER_IS_BETTER
from llf_kit.sweeping.space import Choice, Space

Score = Callable[[Choice], float | None]
FILE = "optuna.log"
_SEED = 42


def by_optuna(space: Space, score: Score) -> list[Choice]:
    """Try as many combinations as the sweep allows; what each reached steers the next. Those that were tried.

    The study is kept beside the runs, so that a sweep that was stopped goes on. A combination that comes a second time
    costs nothing: its run is there.

    Raises:
        NotInstalledError: Optuna is missing.
    """
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
        from optuna.trial import TrialState
    except ImportError:
        raise NotInstalledError("sweep.sampler: optuna is not installed. pip install 'llf-kit[sweep]'.") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    Path(space.folder).mkdir(parents=True, exist_ok=True)
    names = [one.name for one in space.choices]
    known = {_key(_parts(one)): one for one in space.choices}
    study = optuna.create_study(
        study_name=",".join([space.sweep.metric, space.asked, *names]),  # another space is another study
        storage=JournalStorage(JournalFileBackend(str(space.folder / FILE))),
        sampler=optuna.samplers.TPESampler(seed=_SEED),
        direction="minimize" if space.sweep.metric in LOWER_IS_BETTER else "maximize",
        load_if_exists=True,
    )
    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):  # when the sweep was killed
        study.tell(one.number, state=TrialState.FAIL)
        study.enqueue_trial(one.params)
    tried: dict[str, Choice] = {}
    ended = [one for one in study.get_trials(deepcopy=False) if "choice" in one.user_attrs]
    for one in ended:
        tried[one.user_attrs["choice"]] = next(choice for choice in space.choices
                                               if choice.name == one.user_attrs["choice"])  # fmt: skip
    for _ in range(space.sweep.trials - len(ended)):
        trial = study.ask()
        choice = known[_key(_suggested(trial, space))]
        value = score(choice)
        trial.set_user_attr("choice", choice.name)
        tried[choice.name] = choice
        if value is None:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
    return list(tried.values())


def _parts(choice: Choice) -> dict[str, Any]:
    return {"model": choice.model, "template": choice.template, **choice.settings}


def _key(parts: dict[str, Any]) -> str:
    return repr(sorted(parts.items()))


def _suggested(trial: Any, space: Space) -> dict[str, Any]:
    """A model, a template, and a value of each setting that this template takes."""
    model = trial.suggest_categorical("model", sorted({one.model for one in space.choices}))
    template = trial.suggest_categorical("template", sorted({one.template for one in space.choices}))
    found = {"model": model, "template": template}
    taken = next(one for one in space.choices if one.template == template)
    for name in taken.settings:
        found[name] = trial.suggest_categorical(name, space.sweep.settings[name])
    return found
