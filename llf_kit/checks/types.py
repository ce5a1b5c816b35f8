"""Types and choices. LLaMA-Factory checks neither: a quoted ``"false"`` switches on, a quoted ``"8"`` fails late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from llf_kit.checks.edits import written
from llf_kit.checks.subject import Subject
from llf_kit.errors import did_you_mean
from llf_kit.project import parse_yaml
from llf_kit.schema import Finding
from llf_kit.upstream.arguments import Argument

_ANY = frozenset(("master_port",))  # annotated as text, and turned into text by upstream itself


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the values of the keys that the schema has."""
    for key, value in subject.config.values.items():
        argument = subject.schema.arguments.get(key)
        if (
            argument is None or value is None or key in _ANY or (isinstance(value, str) and "${" in value)
        ):  # OmegaConf fills it in
            continue
        if wrong := _type(argument, value):
            message, hint, right = wrong
            yield subject.finding("types", "error", key, message, hint, value=right)
        elif said := _choice(argument, value):
            yield subject.finding("types", "warning" if argument.soft_choices else "error", key, *said)


def _type(argument: Argument, value: Any) -> tuple[str, str, str | None] | None:
    """What to say, what to do, and how the value is written right where that is certain."""
    if _kind(value) in argument.types or (
        isinstance(value, int) and _kind(value) == "integer" and "number" in argument.types
    ):
        return None
    wanted = " or ".join(_WORDS[kind] for kind in _WORDS if kind in argument.types)
    if isinstance(value, str) and (meant := _meant(value, argument)) is not None:
        effect = ", which LLaMA-Factory takes for true" if isinstance(meant, bool) and not meant else ""
        message = f"{argument.name} is a text in quotes where {wanted} is needed{effect}"
        return message, f"Write {argument.name}: {written(meant)}", written(meant)
    if value is False and "no" in argument.choices:  # YAML 1.1 reads an unquoted no as false
        return f"{argument.name}: no without quotes is read as false", f'Write {argument.name}: "no"', '"no"'
    if isinstance(value, float) and value.is_integer() and "integer" in argument.types:
        message = f"{argument.name} is a fraction where {wanted} is needed"
        return message, f"Write {argument.name}: {int(value)}", str(int(value))
    return f"{argument.name} is {_WORDS[_kind(value)]} where {wanted} is needed", f"It means: {argument.help}", None


_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "list": "a list",
    "object": "a mapping",
}


def _kind(value: Any) -> str:
    for kind, types in (("boolean", bool), ("integer", int), ("number", float), ("string", str), ("list", list)):
        if isinstance(value, types):
            return kind
    return "object"


def _meant(text: str, argument: Argument) -> Any:
    """What a quoted value means without its quotes, if that is what is needed."""
    try:
        value = parse_yaml(text)
    except yaml.YAMLError:
        return None
    kind = _kind(value)
    return value if kind in argument.types or (kind == "integer" and "number" in argument.types) else None


def _choice(argument: Argument, value: Any) -> tuple[str, str] | None:
    if not argument.choices:
        return None
    items = (
        value
        if isinstance(value, list)
        else value.split(",")
        if argument.comma_list and isinstance(value, str)
        else [value]
    )
    for item in items:
        if item not in argument.choices:
            hint = did_you_mean(str(item), map(str, argument.choices))
            return f"{argument.name}: {item!r} is none of its choices", hint
    return None
