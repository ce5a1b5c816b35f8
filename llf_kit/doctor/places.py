"""Where things are written: room on the disks, the cache of models, and the encoding of the locale."""

from __future__ import annotations

import codecs
import locale
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from llf_kit.project import DATASET_INFO, cache_directory
from llf_kit.schema import Finding

NAME = "places"
_GIB = 2**30
_LITTLE, _TOO_LITTLE = 20 * _GIB, 2 * _GIB  # LLaMA-Factory and PyTorch 6.6 GB, a 7B model 15 GB; a checkpoint of LoRA


def run() -> Iterator[Finding]:
    """Findings about disks and the locale."""
    hub = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    yield from _room("the current folder", Path.cwd())
    yield from _room("the cache of models", cache_directory())
    yield from _room("HF_HOME", hub)
    yield from _locale()


def _room(what: str, path: Path) -> Iterator[Finding]:
    there = path
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(NAME, "error", f"{what} cannot be written", "Give it to your user, or choose another.", str(path))
        return
    free = shutil.disk_usage(there).free
    message = f"{what} has {free / _GIB:.1f} GiB free"
    if free < _TOO_LITTLE:
        yield Finding(NAME, "error", f"{message}, too little for a checkpoint", "Make room.", str(path))
    elif free < _LITTLE:
        yield Finding(NAME, "warning", f"{message}, little for models", "Make room.", str(path))
    else:
        yield Finding(NAME, "info", message, "", str(path))


def _locale() -> Iterator[Finding]:
    """LLaMA-Factory opens dataset_info.json in the encoding of the locale (data/parser.py)."""
    encoding = locale.getencoding()
    if codecs.lookup(encoding).name == "utf-8":
        return
    try:
        ascii_only = Path(DATASET_INFO).read_bytes().isascii()
    except OSError:
        ascii_only = True
    message = f"the locale's encoding is {encoding}, in which LLaMA-Factory opens files"
    hint = "Set PYTHONUTF8=1."
    if ascii_only:
        yield Finding(NAME, "warning", message, hint, "locale")
    else:
        message = f"{message}; {DATASET_INFO} has other characters than ASCII, and cannot be read in it"
        yield Finding(NAME, "error", message, f"{hint} Or register the datasets again with llf-kit convert.", "locale")
