"""Versions, pairs of packages that are known not to go together, and where the command is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from llf_kit import __version__
from llf_kit.doctor.devices import has_nvidia
from llf_kit.errors import NotInstalledError
from llf_kit.schema import Finding
from llf_kit.upstream import environment, locate
from llf_kit.upstream.environment import Environment

NAME = "packages"


def run() -> Iterator[Finding]:
    """Findings about the environment behind the command."""
    try:
        command = locate.find()
        found = environment.probe(locate.interpreter(command))
    except NotInstalledError as error:
        where, _, rest = error.problems[0].partition(": ")
        message, _, hint = rest.partition(". ")
        yield Finding(NAME, "error", message, f"{hint} Preparing data works without it.", where)
        return
    yield from _command(command, found)
    yield from _versions(command, found)
    yield from _torch(found)


def _command(command: Path, found: Environment) -> Iterator[Finding]:
    where = str(command)
    if found.prefix.resolve() != Path(sys.prefix).resolve():
        message = f"it belongs to another environment than llf-kit: {found.prefix}"
        yield Finding(NAME, "info", message, "Versions are those of that one.", where)
    on_path = shutil.which(locate.COMMAND)
    if on_path is None:
        message = f"{locate.COMMAND} is not on PATH, where LLaMA Board and torchrun look for programs"
        yield Finding(NAME, "warning", message, f"Activate the environment: source {found.prefix}/bin/activate", where)
    elif Path(on_path).resolve() != command.resolve():
        message = f"PATH leads to another {locate.COMMAND}: {on_path}"
        yield Finding(NAME, "warning", message, "Activate the environment that is meant.", where)
    if os.environ.get("DISABLE_VERSION_CHECK", "").lower() in ("1", "true", "y"):
        message = "DISABLE_VERSION_CHECK is set, so that LLaMA-Factory starts with versions that it excludes"
        yield Finding(NAME, "warning", message, "Unset it.", "DISABLE_VERSION_CHECK")


def _versions(command: Path, found: Environment) -> Iterator[Finding]:
    where = str(found.prefix)
    listed = ", ".join(f"{name} {version}" for name, version in found.packages.items())
    message = f"llf-kit {__version__}, python {found.python}, {listed}"
    yield Finding(NAME, "info", message, "", where)
    if "llamafactory" not in found.packages:
        message = f"{command.name} is there and the package llamafactory is not"
        yield Finding(NAME, "error", message, "Install it: pip install 'llf-kit[train]'", where)
    for bad in environment.known_bad(found.packages):
        yield Finding(NAME, bad.severity, bad.message, bad.hint, where)
    for name, version, wanted in environment.out_of_bounds(found):
        message = f"{name} {version} is outside what LLaMA-Factory asks for: {wanted}"
        yield Finding(NAME, "warning", message, f"pip install '{name}{wanted}'", where)


def _torch(found: Environment) -> Iterator[Finding]:
    """Whether torch is built for the GPU that is here, and torchaudio for that torch."""
    where, torch = str(found.prefix), found.packages.get("torch")
    if torch is None:
        return
    if found.cuda is None and has_nvidia():
        message = f"torch {torch} is built without CUDA, and there is an NVIDIA GPU, which it will not use"
        yield Finding(NAME, "error", message, "Install torch by the line that pytorch.org gives for your CUDA.", where)
    audio = found.packages.get("torchaudio")
    if audio and "+" in torch and "+" in audio and torch.split("+")[1] != audio.split("+")[1]:
        message = f"torchaudio {audio} is built for another device than torch {torch}, and refuses to be imported"
        hint = f"pip install torchaudio=={audio.split('+')[0]} from the same index as torch."
        yield Finding(NAME, "error", message, hint, where)
    elif audio and torch.split(".")[:2] != audio.split(".")[:2] and not environment.admits(">=2.12", torch):
        minor = ".".join(torch.split(".")[:2])
        message = f"torchaudio {audio} does not go with torch {torch}"
        yield Finding(NAME, "error", message, f"pip install 'torchaudio=={minor}.*'", where)
