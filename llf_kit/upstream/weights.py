"""The names, shapes and precision of a model's weights, from the headers of its safetensors files alone."""

from __future__ import annotations

import json
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

__all__ = ["ENDINGS", "LONGEST", "modules", "parameters", "precision"]

ENDINGS = (".safetensors", ".bin", ".pt", ".gguf")
_PRECISIONS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
LONGEST = 100_000_000  # bytes of a header; that of a model of 400,000 tensors has half of it


def parameters(model: Path) -> dict[str, tuple[int, ...]]:
    """Every parameter of the folder ``model`` with its shape; none where it has no readable safetensors."""
    return {name: tuple(one["shape"]) for name, one in _headers(model).items()}


def precision(model: Path) -> str | None:
    """In which precision most weights are stored, as torch calls it; None where that is unknown, or none of a float."""
    sizes: Counter[str] = Counter()
    for one in _headers(model).values():
        sizes[one["dtype"]] += prod(one["shape"])
    return _PRECISIONS.get(sizes.most_common(1)[0][0]) if sizes else None


def _headers(model: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(model.glob("*.safetensors")):
        try:
            with file.open("rb") as stream:
                size = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(size)) if size <= LONGEST else {}
            tensors = {name: one for name, one in header.items() if name != "__metadata__"}
            found |= {name: {"dtype": str(one["dtype"]), "shape": list(one["shape"])} for name, one in tensors.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
    return found


def modules(model: Path, matrices: bool = True) -> set[str]:
    """The modules that hold weights, by their full names; with ``matrices`` those alone that LoRA can be put on.

    ``lm_head`` is among them, though it is not stored where it shares its weights with the embedding.
    """
    found = {
        name.rpartition(".")[0]
        for name, shape in parameters(model).items()
        if (len(shape) > 1 or not matrices) and name.rpartition(".")[2] in ("weight", "qweight")
    }
    return found | {"lm_head"} if found else found
