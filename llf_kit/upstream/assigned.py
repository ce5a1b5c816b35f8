"""How LLaMA-Factory calls a model and which template it assigns: ``register_model_group`` in extras/constants.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from llf_kit.upstream.sources import Module

__all__ = ["Registered", "assigned", "label", "read"]

# register_model_group gives the template to models of these names alone, and to those that see pictures: the others
# have learnt no template.
_TAUGHT = ("-Chat", "-Distill", "-Instruct", "-Thinking")


class Registered(NamedTuple):
    """A model that upstream knows: its name on the board, and its template where it has learnt one."""

    label: str
    template: str | None


def assigned(model: str) -> str | None:
    """The template of the installed LLaMA-Factory for ``model``: its id on a hub, or a folder called like it."""
    found = _registered(model)
    return found.template if found else None


def label(model: str) -> str | None:
    """The name of ``model`` in the board's list; None where that lacks it."""
    found = _registered(model)
    return found.label if found else None


def _registered(model: str) -> Registered | None:
    spec = find_spec("llamafactory")
    if spec is None or not spec.origin:
        return None
    return _found(Path(spec.origin).parent, _last(model))


@cache
def _found(llamafactory: Path, name: str) -> Registered | None:
    try:
        return read(llamafactory, name).get(name)
    except (OSError, ValueError):
        return None


def read(llamafactory: Path, holding: str = "") -> dict[str, Registered]:
    """The models by the last part of an id, in small letters; all of them, or at least those ``holding`` a text.

    Raises:
        OSError: the sources cannot be read.
        ValueError: they are laid out in another way than llf-kit knows.
    """
    module = Module(llamafactory / "extras" / "constants.py", {})
    return {
        name: model
        for statement in module.statements(r"^register_model_group\(", holding)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        for name, model in _group(statement.value)
    }


def _group(call: ast.Call) -> Iterator[tuple[str, Registered]]:
    words = {word.arg: word.value for word in call.keywords}
    models = words.get("models")
    if not isinstance(models, ast.Dict):
        return
    template = str(ast.literal_eval(words["template"])) if "template" in words else None
    sees = "multimodal" in words and bool(ast.literal_eval(words["multimodal"]))
    for key, paths in zip(models.keys, models.values, strict=True):
        if key and isinstance(paths, ast.Dict):
            name = str(ast.literal_eval(key))
            taught = sees or any(end in name for end in _TAUGHT)
            for path in paths.values:
                yield _last(str(ast.literal_eval(path))), Registered(name, template if taught else None)


def _last(model: str) -> str:
    return model.rstrip("/").rsplit("/", 1)[-1].casefold()
