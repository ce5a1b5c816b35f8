"""A model's own chat template: rendered as transformers 5.6 does, and parsed as upstream does where none is named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from llf_kit.upstream.chat_template import ChatTemplate, Slot
from llf_kit.upstream.tokenizer import Special, Tokenizer

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.parser import Parser

__all__ = ["CannotRenderError", "parse", "render", "words"]

_CONTENT = "{{content}}"


class CannotRenderError(ValueError):
    """The template refuses the conversation, or is none."""


def words(special: Special) -> dict[str, Any]:
    """What a template may use besides the conversation."""
    named = {"bos_token": special.bos, "eos_token": special.eos, "unk_token": special.unk}
    return {key: token for key, token in named.items() if token}


def parse(tokenizer: Tokenizer) -> ChatTemplate:
    """``parse_template``: what upstream makes of the model's own template where the YAML names none.

    Raises:
        CannotRenderError: the model has none, or upstream fails on it too (some refuse a system prompt by itself).
    """
    source, given = tokenizer.special.chat_template, words(tokenizer.special)
    if source is None:
        raise CannotRenderError
    start = tokenizer.opening

    def text(*messages: tuple[str, str], prompt: bool = False) -> str:
        return render(source, messages, add_generation_prompt=prompt, **given)[len(start) :]

    system = text(("system", _CONTENT))
    asked_bare = text(("system", ""), ("user", _CONTENT), prompt=True)
    user = text(("user", _CONTENT), prompt=True)
    answer = text(("user", _CONTENT), ("assistant", _CONTENT))[len(user) :]
    family = "ReasoningTemplate" if "<think>" in answer else "Template"
    answer = answer.replace("<think>", "").replace("</think>", "").lstrip("\n")
    default = ""
    if len(user) > len(asked_bare):
        default = _added(asked_bare, user)
        user = user[len(system.replace(_CONTENT, default, 1)) :]
    if not all(_CONTENT in slot for slot in (system, user, answer)):  # upstream's StringFormatter wants it
        raise CannotRenderError
    prefix: tuple[Slot, ...] = (start,) if start else ()
    return ChatTemplate(
        name="the model's own",
        user=(user,),
        assistant=(answer,),
        system=(system,),
        observation=(user,),
        prefix=prefix,
        default_system=default,
        stop_words=(),
        thought_words=("<think>\n", "\n</think>\n\n"),
        efficient_eos=False,
        replace_eos=False,
        enable_thinking=True,
        preserve_thinking=False,
        family=family,
    )


def _added(short: str, long: str) -> str:
    """``find_diff``: the characters of ``long`` that ``short`` does not have, in order."""
    at, found = 0, ""
    for place, letter in enumerate(long):
        if at == len(short):
            return found
        if short[at] == long[place]:
            at += 1
        else:
            found += letter
    return found


def render(source: str, messages: Sequence[tuple[str, str]], add_generation_prompt: bool = False, **given: Any) -> str:
    """The text of a conversation of (role, content), in a sandbox; ``given`` are bos_token and the like.

    Raises:
        CannotRenderError: the template refuses it (some take no system prompt), or is broken.
    """
    from jinja2 import TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """``{% generation %}`` marks what is trained on; here it is text as any other."""

        tags = {"generation"}  # noqa: RUF012 # jinja2 declares it so

        def parse(self, parser: Parser) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def tojson(
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    room = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    room.filters["tojson"] = tojson
    room.globals |= {"raise_exception": refuse, "strftime_now": lambda form: datetime.now().strftime(form)}
    try:
        turns = [{"role": role, "content": content} for role, content in messages]
        return room.from_string(source).render(messages=turns, add_generation_prompt=add_generation_prompt, **given)
    except Exception as error:  # a template can fail in any way that Python can
        raise CannotRenderError(type(error).__name__) from None
