"""The environment behind llamafactory-cli: what is installed there, asked without importing any of it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from llf_kit.errors import NotInstalledError
from llf_kit.project import read_yaml
from llf_kit.upstream import process

PACKAGES = (
    *("llamafactory", "transformers", "torch", "torchaudio", "torchvision", "peft", "datasets", "accelerate", "trl"),
    "gradio",
)

_SCRIPT = Path(__file__).with_name("environment_child.py")


@dataclass(frozen=True)
class Environment:
    """One Python environment: its version, its folder, packages and their versions, and what llamafactory requires.

    ``cuda`` is the CUDA that torch was built for; None where it was built for none, or is not there.
    """

    python: str
    prefix: Path
    packages: dict[str, str]
    requires: tuple[str, ...]
    cuda: str | None


def probe(python: Path, packages: tuple[str, ...] = PACKAGES) -> Environment:
    """What the interpreter ``python`` has of ``packages``.

    Raises:
        NotInstalledError: it does not run.
    """
    try:
        command = process.script(python, _SCRIPT, *packages)
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        said: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        raise NotInstalledError(f"{python}: does not run. Install its environment again.") from None
    built = re.search(r"^(?:cuda|hip)\b[^=\n]*=\s*'([^']+)'", said["torch"], re.MULTILINE)
    prefix, requires = Path(said["prefix"]), tuple(said["requires"])
    return Environment(said["python"], prefix, said["packages"], requires, built[1] if built else None)


@dataclass(frozen=True)
class Bad:
    """Packages that do not go together, of those that are installed."""

    severity: Literal["error", "warning"]
    message: str
    hint: str


def known_bad(packages: dict[str, str]) -> Iterator[Bad]:
    """The entries of known_bad.yaml that ``packages`` fit."""
    for entry in _known():
        wanted = {entry["package"]: entry["versions"], **entry.get("with", {})}
        if all(_fits(packages.get(name), versions) for name, versions in wanted.items()):
            yield Bad(entry["severity"], entry["message"], entry["hint"])


def out_of_bounds(environment: Environment) -> Iterator[tuple[str, str, str]]:
    """Packages that llamafactory's own metadata excludes: name, version, and the versions that it takes."""
    for requirement in environment.requires:
        name, versions = re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?\s*([^;]*).*", requirement, re.DOTALL).groups()  # type: ignore[union-attr]
        has = environment.packages.get(name)
        if has and "extra ==" not in requirement and not admits(versions.strip(" ()"), has):
            yield name, has, versions.strip(" ()")


def admits(versions: str, version: str) -> bool:
    """Whether a specifier of pip such as ``>=4.55,!=4.57.0,<=5.6.0`` takes ``version``."""
    has = _numbers(version)
    for part in filter(None, (part.strip() for part in versions.split(","))):
        sign, _, number = re.fullmatch(r"([<>=!~]=?)(\s*)(.+)", part).groups()  # type: ignore[union-attr]
        wanted = _numbers(number)
        same = has[: len(wanted)] == wanted if number.endswith("*") else has == wanted
        fits = {"==": same, "!=": not same, ">=": has >= wanted, "<=": has <= wanted, ">": has > wanted}
        fits |= {"<": has < wanted, "~=": has >= wanted and has[: len(wanted) - 1] == wanted[:-1]}
        if not fits[sign]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a release, without what comes behind them: ``2.11.0+cu130`` is 2, 11, and no zero at the end."""
    numbers = [int(number) for number in re.match(r"[\d.]*", version)[0].split(".") if number]  # type: ignore[index]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _fits(version: str | None, versions: str) -> bool:
    if versions == "absent" or version is None:
        return versions == "absent" and version is None
    return admits(versions, version)


@cache
def _known() -> list[dict[str, Any]]:
    return list(read_yaml(Path(__file__).with_name("known_bad.yaml")).values())
