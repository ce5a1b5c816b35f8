"""Where llamafactory-cli is, and which versions stand behind it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

from llf_kit.errors import NotInstalledError

COMMAND = "llamafactory-cli"
VARIABLE = "LLF_KIT_LLAMAFACTORY_CLI"
_PACKAGES = ("llamafactory", "transformers", "torch", "peft", "datasets", "accelerate", "trl")


def find() -> Path:
    """The command: the one that ``LLF_KIT_LLAMAFACTORY_CLI`` names, else this environment's, else the one on PATH.

    Raises:
        NotInstalledError: there is none.
    """
    if given := os.environ.get(VARIABLE):
        if found := shutil.which(given):
            return Path(found)
        raise NotInstalledError(f"{VARIABLE}={given}: is no program. Give the path of {COMMAND}, or unset it.")
    beside = Path(sys.executable).parent
    if found := shutil.which(COMMAND, path=str(beside)) or shutil.which(COMMAND):
        return Path(found)
    raise NotInstalledError(f"{COMMAND}: is not installed. Install it: pip install 'llf-kit[train]'")


def interpreter(command: Path) -> Path:
    """The Python that runs ``command``: what its first lines name, else the one beside it, else ours.

    A path too long or with a space for a ``#!`` line stands in the second one, behind ``exec`` (as pip writes it).
    """
    try:
        lines = command.read_bytes()[:4096].decode(errors="replace").splitlines()[:3]
    except OSError:
        lines = []
    for line in lines:
        for found in re.findall(r"""^#!\s*(/.*python[\d.]*)\s*$|['"]?exec['"]+\s+"?(/[^"]*python[\d.]*)""", line):
            if (path := Path(found[0] or found[1])).is_file():
                return path
    beside = shutil.which("python", path=str(command.parent))
    return Path(beside or sys.executable)


def versions() -> dict[str, str]:
    """Versions of LLaMA-Factory and what it stands on, as installed beside llf-kit; absent packages are left out."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
