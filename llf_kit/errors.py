"""Every exception that llf-kit raises on purpose.

::

    LlfKitError              the root; exit status 1
    ├── UsageError           the call itself is wrong: an unknown name, option or value; exit status 2
    ├── DataError            a raw file cannot be read, or nothing in it can be used
    ├── ConfigError          llf-kit.yaml, a YAML or dataset_info.json is not what it should be
    ├── NotInstalledError    llamafactory or another optional package is missing
    ├── ModelError           a base model cannot be brought onto this machine
    ├── EndpointError        a model behind an endpoint refuses, or does not answer
    │   └── JudgeError       that model was to judge rows
    └── RunError             llamafactory-cli was started and failed
        ├── StoppedError     somebody ended it: nothing is to follow
        └── PrunedError      it was ended on purpose, for it had no chance

A message reads ``where: what. What to do.`` and never carries text out of a user's data. One exception may carry
several problems, so that all of them are said at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LlfKitError(Exception):
    """The root of the tree; ``str()`` is one line a problem."""

    exit_status = 1

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class UsageError(LlfKitError):
    """The call itself is wrong: an unknown name, option or value."""

    exit_status = 2


class DataError(LlfKitError):
    """A raw file cannot be read, or nothing in it can be used."""


class ConfigError(LlfKitError):
    """A project file, a YAML or dataset_info.json is not what it should be."""


class NotInstalledError(LlfKitError):
    """An optional package is missing; the message says what to install."""


class ModelError(LlfKitError):
    """A base model cannot be brought onto this machine."""


class EndpointError(LlfKitError):
    """A model behind an endpoint refuses, or does not answer."""


class JudgeError(EndpointError):
    """A model that judges rows refuses, or does not answer."""


class RunError(LlfKitError):
    """llamafactory-cli was started and failed."""


class StoppedError(RunError):
    """Somebody ended the run (Ctrl-C, SIGTERM, a lost terminal), and wants nothing else to follow."""


class PrunedError(RunError):
    """A run was ended on purpose, for it had no chance; whoever watches its progress raises it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name, or all of them when none is near."""
    names = sorted(known)
    if near := nearest(name, names):
        return f"Did you mean {near!r}?"
    return f"Known: {', '.join(names)}." if names else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like ``name``; None when none is near."""
    names = {one.casefold(): one for one in sorted(known, reverse=True)}
    near = get_close_matches(name.casefold(), sorted(names), n=1, cutoff=0.6)
    return names[near[0]] if near else None
