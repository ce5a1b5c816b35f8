"""LLaMA-Factory's chat templates, read from the ``register_template`` calls of its data/template.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from llf_kit.upstream.sources import Module

__all__ = ["ChatTemplate", "Slot", "Token", "find", "markers", "read"]

# The classes whose way of encoding llf-kit mirrors.
_CLASSES = ("Template", "Llama2Template", "ReasoningTemplate", "Glm47ReasoningTemplate")


class Token(NamedTuple):
    """A slot that stands for one token: the tokenizer's own ``bos`` or ``eos``, or the one ``named`` ``text``."""

    kind: Literal["bos", "eos", "named"]
    text: str = ""


Slot = str | Token


@dataclass(frozen=True)
class ChatTemplate:
    """One template: the slots around each kind of turn (``{{content}}`` is its text), and what upstream does besides.

    ``family`` is upstream's class. ``enable_thinking`` and ``preserve_thinking`` mean something in the reasoning
    classes alone, where the YAML's values replace them. ``sees`` says that it is for pictures, films or sounds too.
    """

    name: str
    user: tuple[Slot, ...]
    assistant: tuple[Slot, ...]
    system: tuple[Slot, ...]
    observation: tuple[Slot, ...]
    prefix: tuple[Slot, ...]
    default_system: str
    stop_words: tuple[str, ...]
    thought_words: tuple[str, str]
    efficient_eos: bool
    replace_eos: bool
    enable_thinking: bool | None
    preserve_thinking: bool
    family: str
    sees: bool = False

    @property
    def reasons(self) -> bool:
        """Whether upstream gives thoughts to answers that have none."""
        return "Reasoning" in self.family

    @property
    def empty_thought(self) -> str:
        """What upstream puts before an answer without a thought (``add_thought``)."""
        opened, closed = self.thought_words
        return closed if self.family == "Glm47ReasoningTemplate" else opened + closed

    def without_thought(self, content: str) -> str:
        """``remove_thought``: the answer without what it thought."""
        opened, closed = map(re.escape, self.thought_words)
        return re.sub(f"{opened}(.*?){closed}", "", content, flags=re.DOTALL).lstrip("\n")

    def has_thought(self, content: str) -> bool:
        """Whether upstream sees a thought in an answer: one of the two words is enough."""
        return any(word.strip() in content for word in self.thought_words)

    def configured(
        self, default_system: str | None = None, enable_thinking: bool | None = True, preserve_thinking: bool = False
    ) -> ChatTemplate:
        """As ``get_template_and_fix_tokenizer`` changes it by the keys of the YAML."""
        changed = self if default_system is None else replace(self, default_system=default_system)
        if not self.reasons:
            return changed
        return replace(changed, enable_thinking=enable_thinking, preserve_thinking=preserve_thinking)


@cache
def find(name: str) -> ChatTemplate | None:
    """The template ``name`` of the installed LLaMA-Factory.

    None where it is not installed, has no such template, or writes it in a way that llf-kit does not know.
    """
    spec = find_spec("llamafactory")
    if spec is None or not spec.origin:
        return None
    try:
        return read(Path(spec.origin).parent, name)
    except (OSError, LookupError, ValueError):
        return None


def read(llamafactory: Path, name: str) -> ChatTemplate:
    """The template ``name`` of the package folder ``llamafactory``.

    Raises:
        LookupError: there is none, or the sources are laid out in another way than llf-kit knows.
        ValueError: a slot is more than constants.
        OSError: the sources cannot be read.
    """
    module = Module(llamafactory / "data" / "template.py", {"llamafactory": llamafactory})
    for statement in module.statements(rf"^register_template\(\s*name=[\"']{re.escape(name)}[\"']"):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            return _template(module, {word.arg: word.value for word in statement.value.keywords if word.arg})
    raise LookupError(f"template.py: no {name}")


def _template(module: Module, words: dict[str, ast.expr]) -> ChatTemplate:
    given = {key: ast.literal_eval(node) for key, node in words.items() if _plain(key)}
    family = ast.unparse(words["template_class"]) if "template_class" in words else "Template"
    if family not in _CLASSES:
        raise LookupError(f"template.py: unknown {family}")
    left_out, empty = _defaults(module)
    value = {**left_out, **given}
    value |= {key: value[key] or one for key, one in empty.items()}
    answer: tuple[Slot, ...] = ("{{content}}",) if value["efficient_eos"] else ("{{content}}", Token("eos"))
    user = _slots(words.get("format_user"), ("{{content}}",))
    return ChatTemplate(
        name=value["name"],
        user=user,
        assistant=_slots(words.get("format_assistant"), answer),
        system=_slots(words.get("format_system"), ("{{content}}",)),
        observation=_slots(words.get("format_observation"), user),
        prefix=_slots(words.get("format_prefix"), ()),
        default_system=value["default_system"],
        stop_words=tuple(value["stop_words"]),
        thought_words=tuple(value["thought_words"]),
        efficient_eos=value["efficient_eos"],
        replace_eos=value["replace_eos"],
        enable_thinking=value["enable_thinking"],
        preserve_thinking=value.get("preserve_thinking", False),
        family=family,
        sees="mm_plugin" in words and "_token=" in ast.unparse(words["mm_plugin"]),
    )


def _plain(key: str) -> bool:
    """Whether an argument of ``register_template`` is made of constants."""
    return not key.startswith("format_") and key not in ("mm_plugin", "template_class")


def _defaults(module: Module) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an argument is where it is left out (by the signature), and where it is empty (``x or …`` in the body)."""
    home = module.definition("register_template")
    if home is None or not isinstance(home[1], ast.FunctionDef):
        raise LookupError("template.py: no register_template")
    arguments = home[1].args
    with_default = zip(reversed(arguments.args), reversed(arguments.defaults), strict=False)
    left_out = {name.arg: node.value for name, node in with_default if isinstance(node, ast.Constant)}
    empty = {
        node.arg: ast.literal_eval(node.value.values[-1])
        for node in ast.walk(home[1])
        if isinstance(node, ast.keyword) and node.arg and isinstance(node.value, ast.BoolOp) and _plain(node.arg)
    }
    return left_out, empty


def _slots(formatter: ast.expr | None, default: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """The slots of ``StringFormatter(slots=[…])``."""
    if not isinstance(formatter, ast.Call):
        return default
    given = [*formatter.args, *(word.value for word in formatter.keywords if word.arg == "slots")]
    return tuple(_slot(item) for item in ast.literal_eval(given[0])) if given else ()


def _slot(item: Any) -> Slot:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        return Token("named", str(item["token"]))
    if "bos_token" in item or "eos_token" in item:
        return Token("bos") if "bos_token" in item else Token("eos")
    return ""  # a set that names neither stands for nothing, in upstream too


_MARKER = re.compile(r"<[|｜]?[^<>\s|｜]+[|｜]?>")


def markers(template: ChatTemplate) -> Iterator[str]:
    """The marks in the texts of the slots that look like one token each: ``<|im_start|>``."""
    seen = set()
    for slot in (*template.prefix, *template.system, *template.user, *template.assistant):
        if isinstance(slot, str):
            for mark in _MARKER.findall(slot):
                if mark not in seen:
                    seen.add(mark)
                    yield mark
