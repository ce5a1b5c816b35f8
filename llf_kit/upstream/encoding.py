"""Conversations as a tokenizer gets them: ``Template._encode`` and its subclasses in data/template.py (0.9.5).

A message becomes *pieces* first, each of which upstream gives to the tokenizer by itself; so the pieces of many rows
can be tokenised at once, and only the distinct ones (:func:`lengths`).

Tools are not mirrored: what upstream writes for them is a format of its own for each template. Rows that have any are
:class:`NotCountedError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llf_kit.schema import ASSISTANT, OBSERVATION, USER
from llf_kit.upstream.chat_template import ChatTemplate, Slot, Token
from llf_kit.upstream.tokenizer import Tokenizer

__all__ = ["Message", "NotCountedError", "Pair", "Pieces", "lengths", "one_turn", "pairs"]

Message = tuple[str, str]  # role and content
Pieces = tuple[Slot, ...]
Pair = tuple[Pieces, Pieces]  # question, answer


class NotCountedError(ValueError):
    """A row with tools, whose text llf-kit does not know."""


def lengths(tokenizer: Tokenizer, made: Iterable[Pair]) -> dict[Slot, int]:
    """How many tokens every distinct piece has; cheaper than their ids."""
    distinct = dict.fromkeys(piece for pair in made for pieces in pair for piece in pieces)
    texts = [one for one in distinct if isinstance(one, str)]
    tokens = [one for one in distinct if isinstance(one, Token)]
    found: dict[Slot, int] = dict(zip(texts, tokenizer.lengths(texts), strict=True))
    return found | {token: len(tokenizer.slot(token)) for token in tokens}


def pairs(
    template: ChatTemplate,
    messages: Sequence[Message],
    system: str = "",
    tools: str = "",
    mask_history: bool = False,
) -> list[Pair]:
    """``encode_multiturn`` without the tokenizer: the pieces of each question and of its answer.

    Raises:
        NotCountedError: there are tools.
    """
    last = len(messages) - 2
    forgets = mask_history and not template.preserve_thinking  # upstream's discarding_history_cot
    if template.reasons and (template.enable_thinking is False or forgets):
        messages = [
            (role, template.without_thought(content))
            if index % 2 and (template.enable_thinking is False or index < last)
            else (role, content)
            for index, (role, content) in enumerate(messages)
        ]
    pieces = _pieces(template, messages, system, tools)
    thinks = template.reasons
    return [
        _thought(template, pieces[index], pieces[index + 1], messages[index + 1][1])
        if thinks and (not forgets or index == last)
        else (pieces[index], pieces[index + 1])
        for index in range(0, len(messages), 2)
    ]


def one_turn(template: ChatTemplate, messages: Sequence[Message], system: str = "", tools: str = "") -> Pair:
    """``encode_oneturn`` without the tokenizer: all that comes before the last answer, and the last answer.

    Raises:
        NotCountedError: there are tools.
    """
    if template.reasons:
        last = len(messages) - 1
        messages = [
            (role, template.without_thought(content))
            if (index % 2 and index < last - 1 and not template.preserve_thinking)
            or (index == last and template.enable_thinking is False)
            else (role, content)
            for index, (role, content) in enumerate(messages)
        ]
    *before, answer = _pieces(template, messages, system, tools)
    prompt = tuple(piece for pieces in before for piece in pieces)
    return _thought(template, prompt, answer, messages[-1][1]) if template.reasons else (prompt, answer)


def _thought(template: ChatTemplate, source: Pieces, target: Pieces, answer: str) -> Pair:
    """An empty thought before an answer that has none: asked for, or (with enable_thinking) to be learnt."""
    if template.has_thought(answer):
        return source, target
    empty = (template.empty_thought,)
    return (source, empty + target) if template.enable_thinking else (source + empty, target)


def _pieces(template: ChatTemplate, messages: Sequence[Message], system: str, tools: str) -> list[Pieces]:
    """``_encode``: the pieces of each message."""
    if tools:
        raise NotCountedError
    system = system or template.default_system
    made = []
    for index, (role, content) in enumerate(messages):
        before: Pieces = ()
        if index == 0:
            before = template.prefix
            if system:
                opening = _filled(template.system, system)
                if template.family == "Llama2Template":  # the system prompt is part of the first question
                    content = str(opening[0]) + content
                else:
                    before += opening
        if role == USER:
            slots = _filled(template.user, content, None if template.family == "Llama2Template" else index // 2)
        elif role == ASSISTANT:
            slots = _filled(template.assistant, content)
        elif role == OBSERVATION:
            slots = _filled(template.observation, content)
        else:
            raise NotCountedError
        made.append(tuple(piece for piece in before + slots if piece != ""))
    return made


def _filled(slots: Pieces, content: str, turn: int | None = None) -> Pieces:
    """``StringFormatter.apply``: the first placeholder of each slot is replaced, the content before the number."""
    made: list[Slot] = []
    for slot in slots:
        if isinstance(slot, str):
            slot = slot.replace("{{content}}", content, 1)
            if turn is not None:
                slot = slot.replace("{{idx}}", str(turn), 1)
        made.append(slot)
    return tuple(made)
