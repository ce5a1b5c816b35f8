"""The base models that llf-kit knows: their ids, their upstream template, and how one comes onto this machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from llf_kit.errors import UsageError, did_you_mean
from llf_kit.project import cache_directory, read_yaml, shipped


@dataclass(frozen=True)
class BaseModel:
    """A known base model; ``enable_thinking`` is None where the template has no such switch."""

    name: str
    id: str
    template: str
    modelscope: str | None = None
    enable_thinking: bool | None = None


@cache
def known() -> dict[str, BaseModel]:
    """Every known base model by its name, from ``templates/models.yaml``."""
    return {
        name: BaseModel(name=name, **fields) for name, fields in read_yaml(shipped("templates") / "models.yaml").items()
    }


def find(name: str) -> BaseModel | None:
    """The known model that ``name`` stands for: its name, its id on a hub, or a folder called like it."""
    plain = name.rstrip("/").casefold()
    last = plain.rsplit("/", 1)[-1]
    for model in known().values():
        ids = {model.name, model.id.casefold(), (model.modelscope or model.id).casefold()}
        if plain in ids or last in {one.rsplit("/", 1)[-1] for one in ids}:
            return model
    return None


def get(name: str) -> BaseModel:
    """The known model called ``name``; ``smollm2`` is short for the smallest.

    Raises:
        UsageError: it is not known.
    """
    model = find("smollm2-135m-instruct" if name == "smollm2" else name)
    if model is None:
        raise UsageError(f"{name!r}: no such base model is known. {did_you_mean(name, known())}")
    return model


def place(model: BaseModel) -> str:
    """Where LLaMA-Factory finds it: the folder into which ``llf-kit model fetch`` has brought it, else its hub id."""
    folder = cache_directory() / "models" / model.id.rpartition("/")[2]
    return str(folder) if (folder / "config.json").is_file() else model.id
