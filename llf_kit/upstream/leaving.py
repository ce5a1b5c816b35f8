"""A merged model against what trained: what is otherwise is mended and said, or the model is refused with a reason.

Servers stop where config.json, generation_config.json and the tokenizer say, and write a conversation down as the chat
template does. Upstream's export leaves the end tokens of the base in the first two, and a template without the system
prompt of the training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from llf_kit.errors import RunError
from llf_kit.project import json_object, write_text
from llf_kit.upstream import jinja_template, models, weights
from llf_kit.upstream.chat_template import ChatTemplate, Token
from llf_kit.upstream.tokenizer import Special, Tokenizer, special

__all__ = ["Leaving", "mended"]

_EMBEDDINGS = (
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "embed_in.weight",
    "tok_embeddings.weight",
)


@dataclass(frozen=True)
class Leaving:
    """The folder ``merged`` that upstream wrote, the model ``base`` of the training (None where it is not on this
    machine), and the ``template`` as it was configured (None where llf-kit does not know it)."""

    merged: Path
    base: Path | None
    template: ChatTemplate | None
    extra_tokens: tuple[str, ...] = ()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """That of the training."""
        return Tokenizer(self.base or self.merged, self.template, self.extra_tokens)

    @cached_property
    def special(self) -> Special:
        """The special tokens of the training, by its files."""
        return special(self.base or self.merged)

    @cached_property
    def end(self) -> str | None:
        """The token at which trained answers end."""
        if self.template is None or self.template.efficient_eos:
            return self.tokenizer.eos
        content = False
        for slot in self.template.assistant:
            if isinstance(slot, Token):
                if content and slot.kind == "eos":
                    return self.tokenizer.eos
                continue
            content = content or "{{content}}" in slot
            behind = slot.partition("{{content}}")[2] if "{{content}}" in slot else slot
            if content and (found := _first(behind, self.stops)):
                return found
        return self.tokenizer.eos

    @cached_property
    def stops(self) -> tuple[str, ...]:
        """The tokens at which upstream stops (``get_stop_token_ids``)."""
        words = self.template.stop_words if self.template else ()
        return tuple(dict.fromkeys(token for token in (*words, self.tokenizer.eos) if token))

    @property
    def context(self) -> int:
        """Of the model, in tokens; 2048 where its config.json does not say."""
        return models.context(json_object(self.merged / "config.json")) or 2048


def _first(text: str, tokens: tuple[str, ...]) -> str | None:
    """The token that stands first in ``text``."""
    places = {text.find(token): token for token in tokens if token in text}
    return places[min(places)] if places else None


def mended(leaving: Leaving) -> list[str]:
    """Make the folder fit what trained, and tell what was changed.

    Raises:
        RunError: something does not fit, and no edit of a file can mend that; all of it at once.
    """
    folder = leaving.merged
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise RunError(*(f"{folder}: upstream wrote no {name}. The log says why." for name in missing))
    if problems := list(_refusals(leaving)):
        raise RunError(*problems)
    trained = leaving.special  # read before the end token changes, where both are one folder
    return [*_precision(leaving), *_end_tokens(leaving), *_chat_template(leaving, trained)]


def _refusals(leaving: Leaving) -> Iterator[str]:
    """What makes a model that cannot answer as trained."""
    folder = leaving.merged
    shapes = weights.parameters(folder)
    size = models.inner(json_object(folder / "config.json")).get("vocab_size")
    rows = next((shape[0] for name, shape in shapes.items() if name.endswith(_EMBEDDINGS) and len(shape) == 2), None)
    trained, left = leaving.tokenizer.vocabulary, Tokenizer(folder, None).vocabulary
    if isinstance(size, int) and rows is not None and rows != size:
        yield f"{folder}: config.json says {size} tokens, and the weights have {rows}. Export again."
    if rows is not None and (new := [token for token in leaving.stops if (left.get(token) or 0) >= rows]):
        yield (
            f"{folder}: the weights have no row for {', '.join(new)}, which the template adds to this model. Train "
            "with resize_vocab: true, or with the model's own template."
        )
    if moved := [token for token, number in trained.items() if left.get(token) != number]:
        yield f"{folder}: {len(moved)} tokens have another number than in training. Export again, from the same base."


def _precision(leaving: Leaving) -> Iterator[str]:
    folder = leaving.merged
    path = folder / "config.json"
    config = json_object(path)
    stored = weights.precision(folder)
    if stored is None or "quantization_config" in config:
        return
    key = "torch_dtype" if "torch_dtype" in config else "dtype"
    if config.get(key) != stored:
        _edit(path, {key: stored})
        yield f"config.json: {key} is {stored}, as the weights are stored"
    before = weights.precision(leaving.base) if leaving.base else None
    if before not in (None, stored):
        yield f"the weights are {stored}, those of the base {before}: answers may part where two words are as likely"


def _end_tokens(leaving: Leaving) -> Iterator[str]:
    end = leaving.end
    ids = [number for token in leaving.stops if (number := leaving.tokenizer.id(token)) is not None]
    number = leaving.tokenizer.id(end)
    if end is None or number is None:
        return
    ids = list(dict.fromkeys([number, *ids]))
    folder = leaving.merged
    config = json_object(folder / "config.json")
    if number not in _listed(models.inner(config).get("eos_token_id")):
        _edit(folder / "config.json", {"eos_token_id": number})
        yield f"config.json: an answer ends at {end} ({number})"
    path = folder / "generation_config.json"
    generation = json_object(path)
    had = _listed(generation.get("eos_token_id"))
    if had[:1] != [number] or not set(ids) <= set(had):
        every = list(dict.fromkeys([*ids, *had]))
        _edit(path, {"eos_token_id": every if len(every) > 1 else number})
        yield f"generation_config.json: an answer ends at {end} ({number})"
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        said = json_object(folder / name)
        if "eos_token" in said and _token(said["eos_token"]) != end:
            _edit(folder / name, {"eos_token": end, **({"eos_token_id": number} if "eos_token_id" in said else {})})
            yield f"{name}: the end token is {end}"


def _token(value: Any) -> Any:
    """A special token as the files write it: a text, or an object with its content."""
    return value.get("content") if isinstance(value, dict) else value


def _listed(value: Any) -> list[int]:
    return list(value) if isinstance(value, list) else [value] if isinstance(value, int) else []


def _chat_template(leaving: Leaving, trained: Special) -> Iterator[str]:
    folder, template = leaving.merged, leaving.template
    if template is None:
        yield "the chat template was not compared: llf-kit does not know how this LLaMA-Factory writes it"
        return
    now = special(folder)  # with the end token mended
    left, own = now.chat_template, trained.chat_template
    chosen = jinja_template.choose([own, left], template, trained, now)
    if chosen is None:
        raise RunError(
            f"{folder}: no chat template in Jinja asks this model as template: {template.name} did in training. "
            "Serve the run itself with llf-kit serve, which does."
        )
    if chosen == left:
        return
    write_text(folder / "chat_template.jinja", chosen)
    if "chat_template" in json_object(folder / "tokenizer_config.json"):
        _edit(folder / "tokenizer_config.json", {"chat_template": chosen})
    kind = "the model's own" if own and chosen.endswith(own) else "one made of its parts, without tools"
    system = ", with the system prompt of the training" if template.default_system else ""
    yield f"chat_template.jinja: asks as in training ({kind}{system})"


def _edit(path: Path, changes: dict[str, Any]) -> None:
    write_text(path, json.dumps({**json_object(path), **changes}, ensure_ascii=False, indent=2) + "\n")
