"""Stage 7: a template and its parameters become a YAML that LLaMA-Factory takes.

A template is a ``.yaml.j2`` under ``templates/`` whose first comment is its header: title, what it is for, how it is
launched, and which of ``templates/parameters.yaml`` it takes. Values are checked against their types, the text is
parsed back, and what it holds is compared with what was meant, before anything is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from llf_kit import base_models
from llf_kit.errors import ConfigError, UsageError, did_you_mean
from llf_kit.project import read_yaml, shipped, write_text
from llf_kit.templating import render_text

_SUFFIX = ".yaml.j2"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a template; ``type`` is a name or the list of choices, ``default`` may be None."""

    name: str
    type: str | tuple[Any, ...]
    default: Any
    help: str

    def parse(self, text: str) -> Any:
        """The value that ``text`` from the command line stands for.

        Raises:
            UsageError: it is of another type.
        """
        if isinstance(self.type, tuple):
            by_text = {str(choice): choice for choice in self.type}
            if text not in by_text:
                raise UsageError(f"--set {self.name}={text}: is no choice. Choose one of: {', '.join(by_text)}.")
            return by_text[text]
        try:
            return _PARSERS[self.type](text)
        except (ValueError, KeyError):
            raise UsageError(
                f"--set {self.name}={text}: is not {_ARTICLES[self.type]}. It means: {self.help}."
            ) from None


_PARSERS: dict[str, Any] = {
    "text": str,
    "names": lambda text: ",".join(part.strip() for part in text.split(",")),
    "integer": int,
    "number": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}
_ARTICLES = {
    "text": "a text",
    "names": "a comma list of names",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass(frozen=True)
class Template:
    """A template's header, read."""

    name: str
    title: str
    about: tuple[str, ...]
    launch: str
    parameters: dict[str, Parameter]

    @property
    def path(self) -> Path:
        """Where it lies."""
        return shipped("templates") / f"{self.name}{_SUFFIX}"


def templates() -> list[str]:
    """The names of all templates, such as ``train/lora_sft``, found by looking."""
    root = shipped("templates")
    return sorted(path.relative_to(root).as_posix().removesuffix(_SUFFIX) for path in root.rglob(f"*{_SUFFIX}"))


def load(name: str) -> Template:
    """The template called ``name``, or the only one whose last part is ``name``.

    Raises:
        UsageError: there is none.
        ConfigError: its header is broken.
    """
    names = templates()
    found = [one for one in names if name in (one, one.rpartition("/")[2])]
    if len(found) != 1:
        raise UsageError(f"{name!r}: there is no such template. {did_you_mean(name, names)}")
    name = found[0]
    path = shipped("templates") / f"{name}{_SUFFIX}"
    header, _, _ = path.read_text(encoding="utf-8").removeprefix("{#-").partition("-#}")
    try:
        data = yaml.safe_load(header)
        shared = _shared()
        names = [part for one in data["parameters"] for part in shared["groups"].get(one, [one])]
        defaults = data.get("defaults", {})
        parameters = {one: _parameter(one, shared["parameters"][one], defaults) for one in names}
        return Template(name, data["title"], tuple(data["about"].splitlines()), data["launch"], parameters)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: the header is broken ({type(error).__name__}: {error}). Correct it.") from None


@cache
def _shared() -> dict[str, Any]:
    return read_yaml(shipped("templates") / "parameters.yaml")


def _parameter(name: str, data: Mapping[str, Any], defaults: Mapping[str, Any]) -> Parameter:
    kind = tuple(data["type"]) if isinstance(data["type"], list) else data["type"]
    return Parameter(name, kind, defaults.get(name, data["default"]), data["help"])


def render(name: str, settings: Mapping[str, str]) -> str:
    """The YAML text of template ``name``; ``settings`` are parameters as text, as they stand on the command line.

    Raises:
        UsageError: an unknown template or parameter, or a value of the wrong type; all of them at once.
        ConfigError: the template renders something else than was meant.
    """
    template = load(name)
    values = _values(template, settings)
    text = render_text(
        f"{template.name}{_SUFFIX}",
        {**values, "title": template.title, "about": template.about, "launch": template.launch},
    )
    _verify(template.name, text, values)
    return text


def _values(template: Template, settings: Mapping[str, str]) -> dict[str, Any]:
    problems: list[str] = []
    values = {name: parameter.default for name, parameter in template.parameters.items()}
    for name, text in settings.items():
        if name not in template.parameters:
            hint = did_you_mean(name, template.parameters)
            problems.append(f"--set {name}: {template.name} has no such parameter. {hint}")
            continue
        try:
            values[name] = template.parameters[name].parse(text)
        except UsageError as error:
            problems += error.problems
    model = base_models.find(values["model"])
    if model is not None:
        values["model"] = values["model"] if Path(values["model"]).is_dir() else model.id
        values["template"] = values["template"] or model.template
        if values["enable_thinking"] is None:
            values["enable_thinking"] = model.enable_thinking
    elif values["template"] is None:
        problems.append(
            f"--set model={values['model']}: llf-kit does not know its template. Add --set template=NAME, the one "
            f"that LLaMA-Factory lists for this model, or take a known one (`llf-kit model list`)."
        )
    if problems:
        raise UsageError(*problems)
    return values


def _verify(name: str, text: str, values: Mapping[str, Any]) -> None:
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: renders no YAML ({error}). Correct the template.") from None
    wrong = [key for key in parsed if key in values and parsed[key] != values[key]]
    if wrong:
        raise ConfigError(f"{name}: renders another value for {', '.join(wrong)}. Correct the template.")


def render_to(path: Path, name: str, settings: Mapping[str, str], schema: Path | None = None) -> Path:
    """Render into ``path``, atomically; its folder is made where it is missing.

    Its first line names the JSON Schema ``schema`` to editors, as seen from the YAML's own folder. Whoever lacks that
    file loses the editor's help and nothing else.
    """
    write_text(path, _editor_line(path, schema) + render(name, settings))
    return path


def _editor_line(path: Path, schema: Path | None) -> str:
    if schema is None:
        return ""
    seen = Path(os.path.relpath(schema.resolve(), path.parent.resolve())).as_posix()
    # Editors read up to the first space, and have no way to write one.
    return "" if re.search(r"\s", seen) else f"# yaml-language-server: $schema={seen}\n"
