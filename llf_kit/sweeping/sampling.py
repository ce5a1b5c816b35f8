"""Which combination comes next, as Optuna thinks from what it has seen."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from llf_kit.errors import NotInstalledError
from llf_kit.evaluation.paired import LOWER_IS_BETTER
from llf_kit.sweeping.choosing import Tried
from llf_kit.sweeping.claims import Claims
from llf_kit.sweeping.space import Choice, Space

Try = Callable[[Choice], Tried]
FILE = "optuna.log"
_SEED = 42
_CHOICE, _WORKER = "choice", "worker"  # what a trial says of itself


def by_optuna(space: Space, claims: Claims, tried: Try) -> list[Choice]:
    """Try as many combinations as the sweep allows; what each reached steers the next. Those that were tried.

    The study is kept beside the runs, so that a sweep that was stopped goes on, and several processes share it. A
    combination that comes a second time costs nothing: its run is there.

    Raises:
        NotInstalledError: Optuna is missing.
    """
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    except ImportError:
        raise NotInstalledError("sweep.sampler: optuna is not installed. pip install 'llf-kit[sweep]'.") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    names = [one.name for one in space.choices]
    study = optuna.create_study(
        study_name=",".join([space.sweep.metric, space.asked, *names]),  # another space is another study
        storage=JournalStorage(JournalFileBackend(str(space.folder / FILE))),
        direction="minimize" if space.sweep.metric in LOWER_IS_BETTER else "maximize",
        load_if_exists=True,
    )
    worker = f"worker-{uuid.uuid4().hex}"
    with claims.held(worker):
        while True:
            with claims.turn():
                others = _others(study, claims, worker)
                trial = _next(study, space, worker)
            if trial is not None:
                _run(study, trial, space, claims, tried)
            elif others:
                with claims.held(others[0]):  # until it has ended; where it was killed, its trial is ours
                    pass
            else:
                break
    known = {one.name: one for one in space.choices}
    ended = [one.user_attrs[_CHOICE] for one in study.get_trials(deepcopy=False) if _CHOICE in one.user_attrs]
    return [known[name] for name in dict.fromkeys(ended)]


def _others(study: Any, claims: Claims, worker: str) -> list[str]:
    """Who else is at a trial; one whose process was killed is put into the queue again."""
    from optuna.trial import TrialState

    alive = []
    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        whose = one.user_attrs.get(_WORKER, worker)
        if whose != worker and not claims.free(whose):
            alive.append(whose)
        else:
            study.tell(one.number, state=TrialState.FAIL)
            study.enqueue_trial(one.params)
    return alive


def _next(study: Any, space: Space, worker: str) -> Any:
    """The next trial, with its parameters; None where there are enough."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False)
    if sum(_CHOICE in one.user_attrs or one.state == TrialState.RUNNING for one in trials) >= space.sweep.trials:
        return None
    trial = study.ask()
    # By the number of the trial, so that who goes on, or works beside, does not draw the same again; and what others
    # are at counts as tried
    study.sampler = TPESampler(seed=_SEED + trial.number, constant_liar=True)
    trial.set_user_attr(_WORKER, worker)
    _suggested(trial, space)
    return trial


def _run(study: Any, trial: Any, space: Space, claims: Claims, tried: Try) -> None:
    from optuna.trial import TrialState

    choice = next(one for one in space.choices if _parts(one) == trial.params)
    with claims.held(choice.name):
        row = tried(choice)
    found = row.metric(space.sweep.metric)
    trial.set_user_attr(_CHOICE, choice.name)
    if found is None:
        study.tell(trial, state=TrialState.PRUNED if row.stopped else TrialState.FAIL)
    else:
        study.tell(trial, found.value)


def _parts(choice: Choice) -> dict[str, Any]:
    return {"model": choice.model, "template": choice.template, **choice.settings}


def _suggested(trial: Any, space: Space) -> None:
    """A model, a template, and a value of each setting that this template takes."""
    trial.suggest_categorical("model", sorted({one.model for one in space.choices}))
    template = trial.suggest_categorical("template", sorted({one.template for one in space.choices}))
    taken = next(one for one in space.choices if one.template == template)
    for name in taken.settings:
        trial.suggest_categorical(name, space.sweep.settings[name])
