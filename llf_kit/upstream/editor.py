"""The argument schema as JSON Schema, from which editors complete, explain and check a LLaMA-Factory YAML."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from llf_kit.project import private_directory, write_text
from llf_kit.upstream.arguments import UNKNOWN, Argument, Schema, schema

FILE = "llamafactory.schema.json"


def json_schema(known: Schema) -> dict[str, Any]:
    """JSON Schema, draft-07: the one that yaml-language-server, and so VS Code and most editors, knows best."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": known.label,
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(argument) for name, argument in known.arguments.items()},
    }


def text(known: Schema) -> str:
    """``json_schema`` as text."""
    return json.dumps(json_schema(known), ensure_ascii=False, indent=1) + "\n"


def install(project: Path) -> Path | None:
    """Put the JSON Schema into ``.llf-kit`` of ``project``, where rendered YAML names it.

    None where that folder cannot be written: a YAML is worth more than its editor's help.
    """
    with suppress(OSError):
        path = private_directory(project) / FILE
        wanted = text(schema())
        if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            write_text(path, wanted)
        return path
    return None


def _property(argument: Argument) -> dict[str, Any]:
    found: dict[str, Any] = {"description": _description(argument)}
    if argument.choices and argument.soft_choices:
        found |= {"type": _types(argument), "examples": list(argument.choices)}
    elif argument.choices and "list" in argument.types:
        others = [name for name in _types(argument) if name not in ("string", "array")]
        one = {"enum": list(argument.choices)}
        found["anyOf"] = [one, {"type": "array", "items": one}, *({"type": name} for name in others)]
    elif argument.choices:
        found["enum"] = [*argument.choices, *([None] if "null" in argument.types else [])]
    else:
        found["type"] = _types(argument)
    return found if argument.default is UNKNOWN else found | {"default": argument.default}


def _types(argument: Argument) -> list[str]:
    return sorted("array" if name == "list" else name for name in argument.types)


def _description(argument: Argument) -> str:
    """The help, and the one trap of writing it: YAML reads a bare ``no`` as false."""
    quoted = ' Quote "no": without quotes YAML reads it as false.' if "no" in argument.choices else ""
    return (argument.help + quoted).strip()
