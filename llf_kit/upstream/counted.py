"""How large the model of a run is, and how much of it was trained, as LLaMA-Factory has logged it."""

from __future__ import annotations

import re
from pathlib import Path

from llf_kit.upstream import models
from llf_kit.upstream.runs import LOG

__all__ = ["parameters"]

_LINE = re.compile(r"trainable params: ([0-9,]+) \|\| all params: ([0-9,]+)")  # model/loader.py of 0.9.5


def parameters(output: Path) -> tuple[int, int] | None:
    """The parameters of the base model of the run in ``output``, and how many were trained: of it, or of an adapter."""
    try:
        found = _LINE.search((output / LOG).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    if found is None:
        return None
    trained, whole = (int(number.replace(",", "")) for number in found.groups())
    return (whole - trained if (output / models.ADAPTER).is_file() else whole), trained
