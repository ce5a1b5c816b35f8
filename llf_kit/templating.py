"""The one Jinja environment: sandboxed, strict about undefined names, and shut into the templates' folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llf_kit.errors import ConfigError
from llf_kit.project import shipped

_NUMBER = re.compile(r"[-+]?[0-9._]+(?:[eE][-+]?[0-9]+)?")


class _Dumper(yaml.SafeDumper):
    """YAML 1.1 for PyYAML *and* OmegaConf: ``1e-4`` is text to the one and a number to the other, ``1.0e-4`` never."""


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if exponent and "." not in mantissa:
        text = f"{mantissa}.0e{power}"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    quote = "'" if _NUMBER.fullmatch(value) else None  # PyYAML leaves 1e-4 bare, which OmegaConf takes for a number
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quote)


_Dumper.add_representer(float, _float)
_Dumper.add_representer(str, _text)


def to_yaml(value: Any) -> str:
    """``value`` as YAML that stands on one line."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def environment(root: Path | None = None) -> ImmutableSandboxedEnvironment:
    """The environment whose templates lie under ``root`` (the shipped ones by default); no path leads out of it."""
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(root or shipped("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),  # the others are YAML, JSON and text
    )
    made.filters["yaml"] = to_yaml
    made.filters["json"] = lambda value: json.dumps(value, ensure_ascii=True)
    return made


def render_text(name: str, values: dict[str, Any], root: Path | None = None) -> str:
    """The text of template ``name`` (a path under the root) with ``values``.

    Raises:
        ConfigError: the template is broken or asks for a value that was not given.
    """
    try:
        return environment(root).get_template(name).render(values)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{name}:{line}" if line else name
        raise ConfigError(f"{where}: {error.message or type(error).__name__}. Correct the template.") from None
