"""Which template LLaMA-Factory assigns to a model: the ``register_model_group`` calls of its extras/constants.py."""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from llf_kit.upstream.sources import Module

__all__ = ["assigned", "read"]

# register_model_group gives the template to models of these names alone, and to those that see pictures: the others
# have learnt no template.
_TAUGHT = ("-Chat", "-Distill", "-Instruct", "-Thinking")


def assigned(model: str) -> str | None:
    """The template of the installed LLaMA-Factory for ``model``: its id on a hub, or a folder called like it."""
    spec = find_spec("llamafactory")
    if spec is None or not spec.origin:
        return None
    return _found(Path(spec.origin).parent, _last(model))


@cache
def _found(llamafactory: Path, name: str) -> str | None:
    try:
        return read(llamafactory, name).get(name)
    except (OSError, ValueError):
        return None


def read(llamafactory: Path, holding: str = "") -> dict[str, str]:
    """From the last part of a model's id, in small letters, to its template; of all models, or at least of those
    ``holding`` a text.

    Raises:
        OSError: the sources cannot be read.
        ValueError: they are laid out in another way than llf-kit knows.
    """
    module = Module(llamafactory / "extras" / "constants.py", {})
    found: dict[str, str] = {}
    for statement in module.statements(r"^register_model_group\(", holding):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            found |= _group(statement.value)
    return found


def _group(call: ast.Call) -> dict[str, str]:
    words = {word.arg: word.value for word in call.keywords}
    models = words.get("models")
    if "template" not in words or not isinstance(models, ast.Dict):
        return {}
    template = str(ast.literal_eval(words["template"]))
    sees = "multimodal" in words and bool(ast.literal_eval(words["multimodal"]))
    return {
        _last(str(ast.literal_eval(path))): template
        for name, paths in zip(models.keys, models.values, strict=True)
        if name and isinstance(paths, ast.Dict) and (sees or any(end in ast.literal_eval(name) for end in _TAUGHT))
        for path in paths.values
    }


def _last(model: str) -> str:
    return model.rstrip("/").rsplit("/", 1)[-1].casefold()
