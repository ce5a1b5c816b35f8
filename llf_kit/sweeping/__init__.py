"""Which base model, method and settings to take: each is trained, asked what training never saw, and compared.

Every trial is an ordinary run, rendered, checked and recorded, in ``saves/NAME``. One that has ended is not run again,
so a sweep that was stopped goes on; one that failed is a row of the table, and so is one that was ended because it had
no chance. Several processes may work at one sweep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from llf_kit.evaluation import predict
from llf_kit.project import load_settings
from llf_kit.sweeping import sampling, space
from llf_kit.sweeping.choosing import Outcome, Tried, choose
from llf_kit.sweeping.claims import Claims
from llf_kit.sweeping.space import Choice
from llf_kit.sweeping.trying import Trials

__all__ = ["Outcome", "Tried", "Watch", "sweep"]

Watch = predict.Watch


def sweep(directory: Path, watch: Watch | None = None) -> Outcome:
    """Try what ``sweep:`` in llf-kit.yaml says; ``directory`` is the current one, as LLaMA-Factory needs it.

    Raises:
        ConfigError: the section is wrong, the check of a run finds errors, or the folder holds something else; all of
            it at once, before any run.
        NotInstalledError: llamafactory-cli, or Optuna where it is to choose, is missing.
        StoppedError: the sweep was stopped.
    """
    watch = watch or Watch()
    settings = load_settings(directory)
    found = space.read(directory, settings)
    claims = Claims(found.folder, watch.status)
    with claims.shared(hashlib.sha256(repr((found, settings.max_new_tokens)).encode()).hexdigest()):
        trials = Trials(directory, settings, found, watch)
        trials.check()
        chosen: Sequence[Choice] = found.choices
        if found.sweep.sampler == "optuna":
            chosen = sampling.by_optuna(found, claims, trials.tried)
        _try_all(chosen, claims, trials)
    return choose(found, [trials.rows[choice.name] for choice in chosen])


def _try_all(choices: Sequence[Choice], claims: Claims, trials: Trials) -> None:
    """Every choice is tried: first what nobody else works at, then, when they are done, a look at theirs."""
    for wait in (False, True):
        for choice in choices:
            if choice.name not in trials.rows:
                with claims.held(choice.name, wait=wait) as mine:
                    if mine:
                        trials.tried(choice)
