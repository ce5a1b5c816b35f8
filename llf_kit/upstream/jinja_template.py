"""The chat template that a model leaves with: one in Jinja that asks it exactly as upstream does in training.

Servers know of no template names and of no system prompt of a training: what they write down is this template, with the
training's system prompt where a conversation brings none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llf_kit.schema import ASSISTANT, USER
from llf_kit.upstream import written
from llf_kit.upstream.chat_template import ChatTemplate, Slot, Token
from llf_kit.upstream.own_template import CannotRenderError
from llf_kit.upstream.tokenizer import Special

__all__ = ["choose", "fits"]

# Small neutral conversations that end with a question; nobody's data.
_ONCE = ((USER, "Question one?"),)
_TWICE = (*_ONCE, (ASSISTANT, "Answer one."), (USER, "Question two?"))
_CASES = tuple((turns, system) for turns in (_ONCE, _TWICE) for system in ("", "System prompt."))


def fits(source: str, template: ChatTemplate, trained: Special, leaving: Special) -> bool:
    """Whether ``source`` asks as ``template`` does: with and without a system prompt, at once and later on.

    ``trained`` are the special tokens in training, ``leaving`` those that a server will know.
    """
    try:
        return all(
            written.by_jinja(source, leaving, turns, system, add_generation_prompt=True)
            == written.prompt(template, trained, turns, system)
            for turns, system in _CASES
        )
    except CannotRenderError:
        return False


def choose(own: Sequence[str | None], template: ChatTemplate, trained: Special, leaving: Special) -> str | None:
    """The first that fits: of ``own`` as they are, of these with the system prompt put in, or one made of the slots.

    A model's own template knows of tools, which one that is made does not. None where none fits.
    """
    given = [source for source in own if source is not None]
    with_system = [_with_system(source, template.default_system) for source in given]
    candidates = (*given, *with_system, *_made(template, trained))
    return next((source for source in candidates if fits(source, template, trained, leaving)), None)


def _with_system(source: str, system: str) -> str:
    """The template with ``system`` before a conversation that brings no system prompt."""
    first = f"[{{'role': 'system', 'content': {_literal(system)}}}]"
    return (
        f"{{%- if messages and messages[0]['role'] != 'system' %}}{{%- set messages = {first} + messages %}}"
        f"{{%- endif %}}{source}"
    )


def _made(template: ChatTemplate, special: Special) -> Iterator[str]:
    """A template of the slots; none where a slot counts the turns, or is filled from more than a text."""
    slots = (*template.prefix, *template.system, *template.user, *template.assistant, *template.observation)
    if any(isinstance(slot, str) and "{{idx}}" in slot for slot in slots):
        return
    eos = template.stop_words[0] if template.replace_eos and template.stop_words else special.eos or ""

    def part(slots: Sequence[Slot], name: str) -> str:
        pieces: list[str] = []
        for slot in slots:
            if isinstance(slot, Token):
                text = {"bos": special.bos or "", "eos": eos, "named": slot.text}[slot.kind]
                pieces.append(_literal(text))
            else:
                before, found, after = slot.partition("{{content}}")
                pieces += [_literal(before), *([name, _literal(after)] if found else [])]
        shown = " + ".join(piece for piece in pieces if piece != "''")
        return f"{{{{ {shown} }}}}" if shown else ""

    system = part(template.system, "system_message")
    user, content = part(template.user, "content"), "message['content']"
    if template.family == "Llama2Template":  # the system prompt is part of the first question
        joined = " + ".join([*_inside(system), content])
        content = f"({joined} if loop.first and system_message else {content})"
        system = ""
    thought = template.empty_thought if template.reasons and not template.enable_thinking else ""
    yield (
        "{%- if messages and messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}"
        "{%- set loop_messages = messages[1:] %}{%- else %}"
        f"{{%- set system_message = {_literal(template.default_system)} %}}"
        "{%- set loop_messages = messages %}{%- endif -%}"
        f"{part(template.prefix, '')}"
        f"{{%- if system_message -%}}{system}{{%- endif -%}}"
        "{%- for message in loop_messages -%}"
        f"{{%- set content = {content} -%}}"
        f"{{%- if message['role'] == 'user' -%}}{user}"
        f"{{%- elif message['role'] == 'assistant' -%}}{part(template.assistant, 'content')}"
        f"{{%- elif message['role'] == 'tool' -%}}{part(template.observation, 'content')}"
        "{%- endif -%}{%- endfor -%}"
        + (f"{{%- if add_generation_prompt -%}}{{{{ {_literal(thought)} }}}}{{%- endif -%}}" if thought else "")
    )


def _inside(printed: str) -> list[str]:
    return [printed.removeprefix("{{ ").removesuffix(" }}")] if printed else []


def _literal(text: str) -> str:
    """``text`` as a string of Jinja, and of the smaller readers of it that other servers have."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
