"""Folders of models and adapters: whether one is there, which model it is, and whether an adapter fits it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal

from llf_kit.project import json_object
from llf_kit.upstream import weights

__all__ = ["ADAPTER", "content", "context", "fingerprint", "inner", "misfit", "place", "same"]

ADAPTER = "adapter_config.json"
_HUB_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
# How configurations call the longest text that a model was made for.
_LENGTHS = ("max_position_embeddings", "n_positions", "seq_length", "max_sequence_length")
_SAMPLE = 1 << 16  # bytes of weights
_SAMPLES = 256  # of each file of weights, where a model has to be told from another state of its training
_WEIGHTS = (".safetensors", ".bin", ".gguf")
# Configuration and tokenizer by the names that transformers gives them; what a run or a user leaves beside is none.
_ABOUT = re.compile(
    r"(?:.*config|tokenizer|.*vocab|added_tokens|special_tokens_map|chat_template|.*\.index)\.json"
    r"|.*\.(?:jinja|model|tiktoken)|(?:merges|vocab)\.txt"
)
_PLACES = ("_name_or_path", "base_model_name_or_path")  # where a model lay is not what it is
_LORA = re.compile(r"^base_model\.model\.(.+)\.lora_([AB])\.(?:[\w-]+\.)?weight$")


def inner(config: dict[str, Any]) -> dict[str, Any]:
    """A config.json as that of the language model: of one that sees, its ``text_config`` comes first."""
    text = config.get("text_config")
    return {**config, **text} if isinstance(text, dict) else config


def context(config: dict[str, Any]) -> int | None:
    """How many tokens a model was made for, by its config.json."""
    found = inner(config)
    return next((found[key] for key in _LENGTHS if isinstance(found.get(key), int)), None)


def place(value: str) -> Literal["folder", "missing", "hub"]:
    """Where upstream would look for ``value``: a folder that is there, one that is not, or a name on a hub."""
    if Path(value).is_dir():
        return "folder"
    first = value.split("/")[0]
    if not _HUB_ID.fullmatch(value) or first in (".", "..") or ("/" in value and Path(first).is_dir()):
        return "missing"
    return "hub"


def same(one: str, other: str) -> bool:
    """Whether two names mean one model: one folder, or called alike (``Qwen/Qwen3-4B`` and ``models/Qwen3-4B``)."""
    paths = [Path(name).expanduser() for name in (one, other)]
    if all(path.is_dir() for path in paths):
        return paths[0].samefile(paths[1]) or paths[0].name == paths[1].name
    return paths[0].name.casefold() == paths[1].name.casefold()


def fingerprint(model: Path) -> str | None:
    """SHA-256 of the names, shapes and places of all weights and of a sample of them; None without safetensors.

    It tells two models of one shape apart, such as a base and its chat version, without reading gigabytes.
    """
    files = sorted(model.glob("*.safetensors"))
    made = hashlib.sha256()
    try:
        for file in files:
            with file.open("rb") as stream:
                header = min(int.from_bytes(stream.read(8), "little"), weights.LONGEST)
                made.update(stream.read(header + _SAMPLE))
                stream.seek(max(0, file.stat().st_size - _SAMPLE))
                made.update(stream.read())
    except OSError:
        return None
    return made.hexdigest() if files else None


def content(model: Path) -> str:
    """SHA-256 of what is in the folder of a model or an adapter and decides what it answers, wherever the folder lies.

    That is its configuration, its tokenizer, and 256 places of 64 KiB spread over each file of weights (all of it where
    it has no more than 16 MiB), so that two checkpoints of one training have two.
    """
    made = hashlib.sha256()
    for file in sorted(path for path in model.iterdir() if path.is_file()):
        size = file.stat().st_size
        if file.suffix in _WEIGHTS and file.name != "training_args.bin":
            made.update(f"{file.name}\0{size}\0".encode())
            with file.open("rb") as stream:
                for place in range(0, size, max(_SAMPLE, size // _SAMPLES)):
                    stream.seek(place)
                    made.update(stream.read(_SAMPLE))
        elif _ABOUT.fullmatch(file.name):
            about = json_object(file) if file.name.endswith("config.json") else None
            if about is None:
                made.update(file.name.encode() + file.read_bytes())
            else:
                kept = {key: value for key, value in about.items() if key not in _PLACES}
                made.update(file.name.encode() + json.dumps(kept, sort_keys=True).encode())
    return made.hexdigest()


def misfit(adapter: Path, model: Path) -> str | None:
    """Why the LoRA adapter in the folder ``adapter`` cannot lie on ``model``; None where it can, or nothing is known.

    The shapes are compared as the headers of the files have them, so that nothing is loaded.
    """
    base = weights.parameters(model)
    shapes: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in weights.parameters(adapter).items():
        if found := _LORA.match(name):
            shapes.setdefault(found[1], {})[found[2]] = shape
    leaves = {name.split(".")[-2] for name in base if name.count(".")}
    for module, parts in shapes.items():
        its = base.get(f"{module}.weight")
        if its is None:
            if base and f"{module}.qweight" not in base and _sibling(module, base):
                return f"the model has no {module}"
        elif len(its) == 2 and "A" in parts and "B" in parts:
            wanted = (parts["B"][0], parts["A"][1])
            if wanted != its:
                return f"{module} is {its[0]} × {its[1]} in the model, and {wanted[0]} × {wanted[1]} in the adapter"
    if base and shapes and not any(module.rpartition(".")[2] in leaves for module in shapes):
        return "the model has none of its modules"
    return None


def _sibling(module: str, base: dict[str, tuple[int, ...]]) -> bool:
    """Whether the base names its modules in the same way, so that one that is missing is missing indeed."""
    pattern = re.compile(re.sub(r"\\\.\d+\\\.", r"\\.\\d+\\.", re.escape(module)) + r"\.weight")
    return any(pattern.fullmatch(name) for name in base)
