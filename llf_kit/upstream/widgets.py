"""The widgets of the installed LLaMA Board: read from its sources, as the argument schema is, without running them.

The board raises an error for an element that it lacks and for a slider's value out of bounds, so what is preselected
has to be held against the very board that will show it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Widget", "board", "dump", "read", "shipped"]

SNAPSHOT = Path(__file__).with_suffix(".json")

# The files of webui/components, and the tab whose elements each of them makes; chatbot.py makes a part of the chat tab.
_FILES = {"top": "top", "train": "train", "eval": "eval", "infer": "infer", "chatbot": "infer", "export": "export"}


@dataclass(frozen=True)
class Widget:
    """One widget: its class in gradio, its bounds and choices where the source states them, and its first value."""

    kind: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] | None = None
    free: bool = False
    many: bool = False
    value: Any = None

    def fit(self, value: Any) -> Any:
        """``value`` as this widget takes it; None where it does not."""
        if self.kind == "Slider":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            inside = number and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
            return value if inside else None
        if self.kind == "Checkbox":
            return value if isinstance(value, bool) else None
        if self.kind in ("Dropdown", "Radio"):
            return self._choice(value)
        return text(value) if self.kind == "Textbox" else None

    def _choice(self, value: Any) -> Any:
        if self.many:
            return value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
        word = text(value)
        return word if word is not None and (self.free or self.choices is None or word in self.choices) else None


def text(value: Any) -> str | None:
    """A value as people write it into a text box; None for what no text box holds, such as a mapping."""
    if isinstance(value, bool | dict):
        return None
    if isinstance(value, float) and 0 < abs(value) < 0.001:
        return format(Decimal(repr(value)).normalize(), "e")  # 1e-4
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def board() -> dict[str, Widget]:
    """The widgets of the board in this environment; those of the newest known one, where it is not there or is laid out
    in another way.
    """
    spec = find_spec("llamafactory")
    try:
        found = read(Path(spec.origin).parent) if spec and spec.origin else {}
    except (OSError, SyntaxError):
        found = {}
    return found if "train.learning_rate" in found else shipped()


def shipped() -> dict[str, Widget]:
    """The widgets of the newest board that llf-kit knows."""
    entries = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    return {key: Widget(**{**entry, "choices": _tuple(entry.get("choices"))}) for key, entry in entries.items()}


def dump(found: Mapping[str, Widget]) -> str:
    """As JSON with a widget a line, without what is as by default."""
    plain = asdict(Widget(""))
    lines = []
    for key, one in found.items():
        entry = {name: value for name, value in asdict(one).items() if value != plain[name]}
        lines.append(f"{json.dumps(key)}: {json.dumps(entry, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read(llamafactory: Path) -> dict[str, Widget]:
    """Every widget by its element id, such as ``train.learning_rate``.

    Raises:
        OSError: the sources cannot be read.
        SyntaxError: they are no Python that this version knows.
    """
    found: dict[str, Widget] = {}
    for file, tab in _FILES.items():
        tree = ast.parse((llamafactory / "webui" / "components" / f"{file}.py").read_text(encoding="utf-8"))
        made = dict(_made(tree))
        # An element is what a `dict(name=name)` hands over to the manager.
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "dict":
                found |= {f"{tab}.{word.arg}": made[word.arg] for word in call.keywords if word.arg in made}
    return found


def _made(tree: ast.Module) -> Iterator[tuple[str | None, Widget]]:
    """What ``name = gr.Kind(…)`` makes."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign([ast.Name(name)], ast.Call(ast.Attribute(ast.Name("gr"), kind), _, words)):
                stated = {word.arg: _value(word.value) for word in words}
                yield (
                    name,
                    Widget(
                        kind=kind,
                        low=stated.get("minimum"),
                        high=stated.get("maximum"),
                        choices=_tuple(stated.get("choices")),
                        free=bool(stated.get("allow_custom_value")),
                        many=bool(stated.get("multiselect")),
                        value=stated.get("value"),
                    ),
                )


def _tuple(items: list[Any] | None) -> tuple[Any, ...] | None:
    return tuple(items) if items else None


def _value(node: ast.expr) -> Any:
    """What a constant expression is worth; None for all others."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
