"""A model's own chat template, rendered as transformers does (utils/chat_template_utils.py of transformers 5.6)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.parser import Parser

__all__ = ["CannotRenderError", "render"]


class CannotRenderError(ValueError):
    """The template refuses the conversation, or is none."""


def render(source: str, messages: Sequence[tuple[str, str]], **words: Any) -> str:
    """The text of a conversation of (role, content), in a sandbox; ``words`` are bos_token and the like.

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
        return room.from_string(source).render(messages=turns, add_generation_prompt=False, **words)
    except Exception as error:  # a template can fail in any way that Python can
        raise CannotRenderError(type(error).__name__) from None
