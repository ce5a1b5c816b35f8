"""The YAML's template against the model: what upstream assigns to it, its special tokens, and its own chat template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llf_kit import base_models
from llf_kit.checks.counting import configured
from llf_kit.checks.subject import Severity, Subject
from llf_kit.errors import ModelError
from llf_kit.schema import ASSISTANT, USER, Finding
from llf_kit.upstream import chat_template, written
from llf_kit.upstream.assigned import assigned
from llf_kit.upstream.chat_template import ChatTemplate, Token
from llf_kit.upstream.own_template import CannotRenderError
from llf_kit.upstream.tokenizer import Special, Tokenizer, listed, special

NAME = "template"

# A small neutral conversation; nobody's data.
QUESTION = ((USER, "Question one?"), (ASSISTANT, "Answer one."))
MORE = ((USER, "Question two?"), (ASSISTANT, "Answer two."))
SYSTEM = "System prompt."
# The processor of a model that sees; without one, upstream ends at the first row (mm_plugin.py, _validate_input).
_PROCESSORS = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")
_AROUND = 24  # characters shown on either side of the first difference


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the template of a YAML, for training as for inference."""
    model = subject.config.values.get("model_name_or_path")
    if not isinstance(model, str) or not model:
        return
    known = base_models.find(model)
    right = assigned(known.id if known else model) or (known.template if known else None)
    if subject.config.values.get("template") is None:
        yield from _unnamed(subject, right)
        return
    template = configured(subject)
    if template is None:
        return
    if subject.get("train_on_prompt") is True and template.efficient_eos:
        message = f"template: {template.name} does not go with train_on_prompt"
        yield subject.finding(NAME, "error", "train_on_prompt", message, "Remove train_on_prompt.")
    alike = right is not None and _alike(template, right)
    plain = subject.stage == "pt"  # texts are trained on as they stand; a template brings its end token alone
    if right is not None and right != template.name and not plain:
        yield _other(subject, template, right, alike)
    if subject.model is not None and (subject.model / "tokenizer.json").is_file():
        own = special(subject.model)
        if template.sees and not any((subject.model / name).is_file() for name in _PROCESSORS):
            message = f"template: {template.name} is for a model of pictures, films or sounds, and this is one of text"
            yield subject.finding(NAME, "error", "template", message, "Name the template of the model.")
        yield from _tokens(subject, subject.model, template, own)
        if not plain:
            yield from _compared(subject, template, own, "info" if alike else "warning")


def _unnamed(subject: Subject, right: str | None) -> Iterator[Finding]:
    hint = f"Write template: {right}" if right else "Name the template of the model."
    model = subject.model if subject.model and (subject.model / "tokenizer.json").is_file() else None
    severity: Severity = "info"
    message = "no template is named; upstream derives one from the model's own"
    if model is not None and special(model).chat_template is None:
        severity = "warning"
        message = "no template is named and the model has none of its own: turns would stand without any mark"
    elif model is not None and configured(subject) is None:
        severity = "error"
        message = "no template is named, and upstream cannot derive one from the model's own"
    if severity == "error" or subject.stage != "pt":
        yield subject.finding(NAME, severity, None, message, hint)


def _alike(template: ChatTemplate, right: str) -> bool:
    """Whether both write turns the same way; the system prompt that stands in for none may be another.

    A template that does not reason is right for a model that does; the other way round, upstream warns too.
    """
    other = chat_template.find(right)
    if other is None or template.reasons > other.reasons:
        return False
    return all(getattr(template, key) == getattr(other, key) for key in ("prefix", "system", "user", "assistant"))


def _other(subject: Subject, template: ChatTemplate, right: str, alike: bool) -> Finding:
    message = f"template: {template.name}, where upstream assigns {right} to this model"
    if alike:
        message += "; both write turns alike"
    return subject.finding(NAME, "info" if alike else "warning", "template", message, f"Write template: {right}")


def _tokens(subject: Subject, model: Path, template: ChatTemplate, own: Special) -> Iterator[Finding]:
    """Marks that the template counts on and the model does not have."""
    slots = (*template.prefix, *template.system, *template.user, *template.assistant)
    needed = [slot.text for slot in slots if isinstance(slot, Token) and slot.kind == "named"]
    markers = list(chat_template.markers(template))
    named = (own.bos, own.eos or "", own.unk, *own.others)  # upstream adds an end token where there is none
    if {*needed, *markers, *template.stop_words, *(text for text in named if text is not None)} <= listed(model):
        return
    try:
        tokenizer = Tokenizer(model, template)
    except ModelError:  # another check says so
        return
    for token in dict.fromkeys(needed):
        if token not in template.stop_words and not tokenizer.knows(token):
            message = f"template: {template.name} needs the token {token}, which this model does not have"
            yield subject.finding(NAME, "error", "template", message, "Name the template of the model.")
    new = [token for token in tokenizer.added if token in template.stop_words or token == tokenizer.eos]
    if new and subject.get("resize_vocab") is not True:
        yield _added(subject, template, tokenizer, new)
    several = [
        mark
        for mark in markers
        if mark not in (*needed, *new) and not tokenizer.knows(mark) and mark not in (own.chat_template or "")
    ]
    if several:
        message = f"template: {template.name} writes {', '.join(several)}, for which this model has no token of its own"
        yield subject.finding(NAME, "warning", "template", message, "Name the template of the model.")


def _added(subject: Subject, template: ChatTemplate, tokenizer: Tokenizer, new: Sequence[str]) -> Finding:
    """Stop words get new ids; whether the embedding has rows for them decides if that fails."""
    config = subject.model_config
    inner = config.get("text_config")
    size = (inner if isinstance(inner, dict) else config).get("vocab_size")
    ids = [tokenizer.id(token) or 0 for token in new]
    fails = not isinstance(size, int) or max(ids) >= size
    message = f"template: {template.name} adds {', '.join(new)} to the tokens of this model" + (
        ", which has no embedding for them: training ends at its first step" if fails else ", untrained"
    )
    hint = "Name the template of the model, or set resize_vocab: true."
    return subject.finding(NAME, "error" if fails else "warning", "template", message, hint)


def _compared(subject: Subject, template: ChatTemplate, own: Special, severity: Severity) -> Iterator[Finding]:
    """The same conversation by the model's own template and by upstream's."""
    turns = QUESTION if template.reasons else QUESTION + MORE  # own templates drop thoughts of earlier turns
    for system in (SYSTEM, ""):
        try:
            theirs = _own(own, template, turns, system)
        except CannotRenderError:  # it takes no system prompt, or cannot be rendered outside of transformers
            continue
        ours = written.whole(template, own, turns, system)
        if ours == theirs:
            continue
        after = [text.partition(QUESTION[0][1])[2].rstrip() for text in (theirs, ours)]
        harmless = after[0] == after[1]
        where = "in the system prompt or before it: " if harmless else ""
        where = "where no system prompt is given: " if harmless and not system else where
        message = f"the model's own chat template and template: {template.name} differ {where or 'at '}"
        hint = "It is trained as upstream writes it." if harmless else "Name the template of the model."
        message += _difference(theirs, ours)
        yield subject.finding(NAME, "info" if harmless else severity, "template", message, hint)
        return


def _own(own: Special, template: ChatTemplate, turns: Sequence[tuple[str, str]], system: str) -> str:
    if own.chat_template is None:
        raise CannotRenderError
    thinks: dict[str, Any] = {"enable_thinking": template.enable_thinking} if template.reasons else {}
    return written.by_jinja(own.chat_template, own, turns, system, **thinks)


def _difference(theirs: str, ours: str) -> str:
    """Both around their first difference."""
    at = next((i for i, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), min(len(theirs), len(ours)))
    start = max(at - _AROUND, 0)
    return f"{theirs[start : at + _AROUND]!r} (its own) against {ours[start : at + _AROUND]!r} (upstream)"
