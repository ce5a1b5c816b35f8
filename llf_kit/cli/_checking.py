"""Showing findings, and the check that runs before LLaMA-Factory is started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.checks.subject import Verb
    from llf_kit.schema import Finding
    from llf_kit.upstream import Tuned
    from llf_kit.upstream.configs import Config

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}

no_check = click.option("--no-check", is_flag=True, help="Do not check the YAML and its data first.")


def show(found: Sequence[Finding], files: Sequence[str]) -> None:
    """The findings on stderr, a line each, and their sum."""
    for one in found:
        severity = click.style(one.severity, fg=_COLOURS[one.severity])
        say(f"{one.where}: {severity}: {one.message}. {one.hint} [{one.check}]")
    counts = Counter[str](one.severity for one in found)
    words = [f"{counts[name]} {name}{'s' * (counts[name] > 1 and name != 'info')}" for name in _COLOURS if counts[name]]
    say(f"{', '.join(files)}: {', '.join(words) or 'nothing to say'}")


def first(config: Config, verb: Verb, skip: bool) -> None:
    """Check before a hand-off, and stop at errors; infos are for ``llf-kit check``.

    Raises:
        NotInstalledError: there is nobody to hand it to.
        ConfigError: there are errors, all of which have been shown.
    """
    if skip:
        return
    from llf_kit.checks import check_config
    from llf_kit.errors import ConfigError
    from llf_kit.upstream import locate

    locate.find()
    found = [one for one in check_config(config, started=verb) if one.severity != "info"]
    if found:
        show(found, [str(config.path)])
    if any(one.severity == "error" for one in found):
        raise ConfigError(f"{config.path}: was not handed to LLaMA-Factory. Mend the errors, or add --no-check.")


def tuned(place: Path, overrides: Sequence[str], backend: str | None, skip: bool, *, leaves: bool = False) -> Tuned:
    """The model that answers, or is merged: found, checked, and what is worth knowing of it said.

    Raises:
        LlfKitError: as :func:`first`, :func:`llf_kit.upstream.find` and :func:`llf_kit.upstream.verify`.
    """
    from llf_kit.upstream import exporting, find, verify

    given = (*overrides, f"infer_backend={backend}") if backend else overrides
    found = find(place, given, leaves=leaves)
    found = exporting.planned(found) if leaves else found
    first(found.config, "export" if leaves else "infer", skip)
    verify(found, identity=not skip)
    for note in found.notes:
        say(note)
    return found
