"""The names and shapes of a model's weights, from the headers of its safetensors files alone."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["ENDINGS", "LONGEST", "modules", "parameters"]

ENDINGS = (".safetensors", ".bin", ".pt", ".gguf")
LONGEST = 100_000_000  # bytes of a header; that of a model of 400,000 tensors has half of it


def parameters(model: Path) -> dict[str, tuple[int, ...]]:
    """Every parameter of the folder ``model`` with its shape; none where it has no readable safetensors."""
    found: dict[str, tuple[int, ...]] = {}
    for file in sorted(model.glob("*.safetensors")):
        try:
            with file.open("rb") as stream:
                size = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(size)) if size <= LONGEST else {}
            found |= {name: tuple(one["shape"]) for name, one in header.items() if name != "__metadata__"}
        except (OSError, ValueError, KeyError, TypeError):
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
