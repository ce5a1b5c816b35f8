"""Stage 8: all that can be known before a GPU is paid for, said at once. One check a file; the registry is below.

A check is a function from a :class:`~llf_kit.checks.subject.Subject` to findings. It reads; it never starts upstream.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from llf_kit.checks import (
    calibration,
    chat_format,
    combinations,
    device,
    entries,
    files,
    keys,
    launch,
    model,
    output,
    packages,
    ranges,
    rows,
    thinking,
    tokens,
    types,
)
from llf_kit.checks.subject import Subject, Verb
from llf_kit.errors import ConfigError
from llf_kit.project import read_yaml, write_text
from llf_kit.schema import Finding
from llf_kit.upstream import arguments, configs
from llf_kit.upstream.configs import Config

__all__ = ["CHECKS", "check", "check_all", "check_config", "find", "mends", "purpose"]

CHECKS: dict[str, Callable[[Subject], Iterator[Finding]]] = {
    "keys": keys.run,
    "types": types.run,
    "combinations": combinations.run,
    "ranges": ranges.run,
    "files": files.run,
    "packages": packages.run,
    "device": device.run,
    "output": output.run,
    "launch": launch.run,
    "entries": entries.run,
    "rows": rows.run,
    "calibration": calibration.run,
    "model": model.run,
    "template": chat_format.run,
    "thinking": thinking.run,
    "tokens": tokens.run,
}

_ORDER = ("error", "warning", "info")
_TOKENS = ("tokens",)  # checks that count tokens, which takes longer than all the others


def check(
    path: Path, overrides: Sequence[str] = (), *, tokens: bool = True, started: Verb | None = None
) -> list[Finding]:
    """Every finding about a YAML with its overrides and all that it leads to, the worst first.

    ``started``: what it is about to be handed over for, on this machine; without it, what needs a GPU may be meant for
    another one.

    Raises:
        ConfigError: the file is missing or no YAML.
        UsageError: an override is not ``key=value``.
    """
    return check_config(configs.load(path, overrides), tokens=tokens, started=started)


def check_config(config: Config, *, tokens: bool = True, started: Verb | None = None) -> list[Finding]:
    """As :func:`check`, for what is read already."""
    subject = Subject(config, arguments.schema(), started)
    chosen = [one for name, one in CHECKS.items() if tokens or name not in _TOKENS]
    found = [finding for one in chosen for finding in one(subject)]
    if subject.schema.source == "snapshot":
        message = f"LLaMA-Factory is not installed here; checked against {subject.schema.label}"
        found.append(Finding("schema", "info", message, "Check again where it is installed.", str(config.path)))
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def check_all(paths: Sequence[Path], overrides: Sequence[str] = (), *, tokens: bool = True) -> list[Finding]:
    """Every finding about several YAMLs; one that cannot be read is a finding, and keeps nobody from the others.

    Raises:
        UsageError: an override is not ``key=value``.
    """
    found = []
    for path in paths:
        try:
            found += check(path, overrides, tokens=tokens)
        except ConfigError as error:
            for problem in error.problems:
                where, _, rest = problem.partition(": ")
                message, _, hint = rest.partition(". ")
                found.append(Finding("yaml", "error", message, hint, where))
    return found


def purpose(config: Config) -> Verb:
    """What a YAML is for, by what it holds."""
    return Subject(config, arguments.schema()).verb


def find(directory: Path) -> list[Path]:
    """The YAML files in ``directory`` that LLaMA-Factory would read: those that name a model."""
    found = []
    for path in sorted((*directory.glob("*.yaml"), *directory.glob("*.yml"))):
        try:
            values = read_yaml(path)
        except ConfigError:
            continue
        if {"model_name_or_path", "stage", "finetuning_type"} & values.keys():
            found.append(path.relative_to(directory))
    return found


def mends(found: Sequence[Finding]) -> Iterator[tuple[str, Callable[[], None]]]:
    """The mends of ``found`` that take no judgement, a file at a time: the change as a diff, and what writes it."""
    for path in dict.fromkeys(one.fix.path for one in found if one.fix):
        before = after = path.read_bytes().decode()  # with its line ends
        for one in found:
            if one.fix and one.fix.path == path:
                after = one.fix.change(after)
        if before == after:
            continue
        target, mode = path.resolve(), path.stat().st_mode & 0o777  # a link stays one
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=0)
        yield "\n".join(lines), partial(write_text, target, after, mode)
