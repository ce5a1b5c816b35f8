"""A mend of one line of a YAML: the name or the value changes, and every other byte stays as it stands."""

from __future__ import annotations

from typing import Any

import yaml

from llf_kit.project import parse_yaml, yaml_nodes

__all__ = ["edited", "written"]


def written(value: Any) -> str:
    """How a value stands behind its key; ``1.0e-05``, for PyYAML takes ``1e-05`` for a text."""
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1 << 20)
    return text.removesuffix("\n").removesuffix("\n...")


def edited(key: str, name: str, value: str | None, text: str) -> str:
    """``text`` with ``name`` in the place of ``key``, and ``value``, if there is one, in that of its value.

    Unchanged where that would change anything else, as with an anchor that others refer to.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""  # which libyaml does not count
    after = text = text.removeprefix(mark)
    for one, node in reversed(yaml_nodes(text)):
        if one.value != key:
            continue
        if value is not None:
            start, end = node.start_mark.index, node.end_mark.index
            end = start + len(text[start:end].rstrip())  # a block ends behind its line break
            after = after[:start] + value + after[end:]
        after = after[: one.start_mark.index] + name + after[one.end_mark.index :]
    before = parse_yaml(text)
    wanted = {
        name if was == key else was: parse_yaml(value) if value and was == key else kept for was, kept in before.items()
    }
    try:
        return mark + (after if parse_yaml(after) == wanted else text)
    except yaml.YAMLError:
        return mark + text
