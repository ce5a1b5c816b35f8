"""Stage 8: all that can be known before a GPU is paid for, said at once. One check a file; the registry is below.

A check is a function from a :class:`~llf_kit.checks.subject.Subject` to findings. It reads; it never starts upstream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from llf_kit.checks import (
    chat_format,
    combinations,
    device,
    entries,
    keys,
    model,
    output,
    packages,
    ranges,
    rows,
    thinking,
    tokens,
    types,
)
from llf_kit.checks.subject import Subject
from llf_kit.schema import Finding
from llf_kit.upstream import arguments, configs

__all__ = ["CHECKS", "check"]

CHECKS: dict[str, Callable[[Subject], Iterator[Finding]]] = {
    "keys": keys.run,
    "types": types.run,
    "combinations": combinations.run,
    "ranges": ranges.run,
    "packages": packages.run,
    "device": device.run,
    "output": output.run,
    "entries": entries.run,
    "rows": rows.run,
    "model": model.run,
    "template": chat_format.run,
    "thinking": thinking.run,
    "tokens": tokens.run,
}

_ORDER = ("error", "warning", "info")


def check(path: Path, overrides: Sequence[str] = ()) -> list[Finding]:
    """Every finding about a YAML with its overrides and all that it leads to, the worst first.

    Raises:
        ConfigError: the file is missing or no YAML.
        UsageError: an override is not ``key=value``.
    """
    subject = Subject(configs.load(path, overrides), arguments.schema())
    found = [finding for one in CHECKS.values() for finding in one(subject)]
    if subject.schema.source == "snapshot":
        message = f"LLaMA-Factory is not installed here; checked against {subject.schema.label}"
        found.append(Finding("schema", "info", message, "Check again where it is installed.", str(path)))
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))
