"""A conversation as text: as upstream writes it in training, and as a chat template in Jinja does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from llf_kit.errors import ModelError
from llf_kit.schema import ASSISTANT
from llf_kit.upstream import chat_template, encoding
from llf_kit.upstream.chat_template import ChatTemplate
from llf_kit.upstream.encoding import Message, Pieces
from llf_kit.upstream.own_template import CannotRenderError, parse, render, words
from llf_kit.upstream.tokenizer import Special, Tokenizer

__all__ = ["by_jinja", "configured", "prompt", "whole"]


def configured(values: Mapping[str, Any], model: Path | None) -> ChatTemplate | None:
    """The template that upstream would use by ``values`` of a YAML; None where it cannot be known."""
    plain = _plain(values.get("template"), model)
    if plain is None:
        return None
    system = values.get("default_system")
    return plain.configured(
        default_system=system if isinstance(system, str) else None,
        enable_thinking=values.get("enable_thinking", True),
        preserve_thinking=values.get("preserve_thinking", False) is True,
    )


def _plain(name: Any, model: Path | None) -> ChatTemplate | None:
    """The template that is named, else the model's own, else none at all (``empty``)."""
    if name is not None or model is None:
        return chat_template.find(name) if isinstance(name, str) else None
    with suppress(ModelError, CannotRenderError):
        tokenizer = Tokenizer(model, None)
        return chat_template.find("empty") if tokenizer.special.chat_template is None else parse(tokenizer)
    return None


def whole(template: ChatTemplate, special: Special, turns: Sequence[Message], system: str) -> str:
    """What upstream trains on."""
    pieces = [piece for pair in encoding.pairs(template, turns, system) for part in pair for piece in part]
    made = _text(template, special, tuple(pieces))
    return made + _eos(template, special) if template.efficient_eos else made


def prompt(template: ChatTemplate, special: Special, turns: Sequence[Message], system: str) -> str:
    """What upstream asks the model with, ``turns`` ending with a question."""
    return _text(template, special, encoding.one_turn(template, [*turns, (ASSISTANT, "")], system)[0])


def by_jinja(source: str, special: Special, turns: Sequence[Message], system: str, **given: Any) -> str:
    """What the chat template ``source`` makes of it; ``given`` as ``add_generation_prompt`` and ``enable_thinking``.

    Raises:
        CannotRenderError: it takes no system prompt, or cannot be rendered outside of transformers.
    """
    messages = [("system", system), *turns] if system else list(turns)
    return render(source, messages, **words(special), **given)


def _text(template: ChatTemplate, special: Special, pieces: Pieces) -> str:
    texts = {"bos": special.bos or "", "eos": _eos(template, special)}
    return "".join(piece if isinstance(piece, str) else texts.get(piece.kind, piece.text) for piece in pieces)


def _eos(template: ChatTemplate, special: Special) -> str:
    return template.stop_words[0] if template.replace_eos and template.stop_words else special.eos or ""
