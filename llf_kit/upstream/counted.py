"""How many parameters a run has trained, and of how many, as LLaMA-Factory has logged it."""

from __future__ import annotations

import re
from pathlib import Path

from llf_kit.upstream.runs import LOG

__all__ = ["parameters"]

_LINE = re.compile(r"trainable params: ([0-9,]+) \|\| all params: ([0-9,]+)")  # model/loader.py of 0.9.5


def parameters(output: Path) -> tuple[int, int] | None:
    """All parameters of the model that the run in ``output`` trained, adapter included, and how many it trained."""
    try:
        found = _LINE.search((output / LOG).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return (int(found[2].replace(",", "")), int(found[1].replace(",", ""))) if found else None
