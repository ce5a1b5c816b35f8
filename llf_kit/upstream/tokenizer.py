"""The tokenizer of a model folder, through the ``tokenizers`` library: what upstream has after it changed it.

That is transformers' ``TokenizersBackend`` (named special tokens that are missing are added), upstream's
``patch_tokenizer`` (the keys ``add_tokens`` and ``add_special_tokens``) and ``Template.fix_special_tokens``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llf_kit.errors import ModelError
from llf_kit.project import json_object
from llf_kit.upstream.chat_template import ChatTemplate, Slot

if TYPE_CHECKING:
    import tokenizers

_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")

_LISTED = 1 << 20  # characters in which the named tokens stand; Llama 3 lists 256 of them in 45,000


@dataclass(frozen=True)
class Special:
    """The special tokens that the files of a model name, and its own chat template; None where it has none."""

    bos: str | None
    eos: str | None
    unk: str | None
    others: tuple[str, ...]
    add_bos: bool
    chat_template: str | None


def special(model: Path) -> Special:
    """What tokenizer_config.json, special_tokens_map.json and chat_template.jinja of a model folder say."""
    config = json_object(model / "tokenizer_config.json")
    if "added_tokens_decoder" not in config:  # as transformers: the map is for models of old
        config = {**config, **json_object(model / "special_tokens_map.json")}
    named = {key: _text(config.get(key)) for key in _NAMED}
    more = config.get("additional_special_tokens") or config.get("extra_special_tokens") or []
    others = [_text(one) for one in (more.values() if isinstance(more, dict) else more)]
    own = config.get("chat_template")
    if isinstance(own, list):
        own = {one.get("name"): one.get("template") for one in own if isinstance(one, dict)}.get("default")
    with suppress(OSError, UnicodeDecodeError):
        own = (model / "chat_template.jinja").read_text(encoding="utf-8")
    return Special(
        bos=named["bos_token"],
        eos=named["eos_token"],
        unk=named["unk_token"],
        others=tuple(text for text in (*(named[key] for key in _NAMED[3:]), *others) if text),
        add_bos=config.get("add_bos_token") is True,
        chat_template=own if isinstance(own, str) else None,
    )


def listed(model: Path) -> frozenset[str]:
    """The tokens that tokenizer.json lists by name beside its vocabulary, which is not read: that takes 0.1 s and more.

    They stand before it; none where the file is missing or written in another order.
    """
    try:
        with (model / "tokenizer.json").open(encoding="utf-8") as file:
            start = file.read(_LISTED)
        tokens, _ = json.JSONDecoder().raw_decode(start, re.search(r'"added_tokens"\s*:\s*', start).end())  # type: ignore[union-attr]
        return frozenset(token["content"] for token in tokens)
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return frozenset()


class Tokenizer:
    """A tokenizer as upstream uses it with ``template``.

    ``added`` are the tokens that the model did not have and upstream gave a new id; ``eos`` may be another than the
    model's own.

    Raises:
        ModelError: the folder has no tokenizer.json, or it cannot be read.
    """

    def __init__(self, model: Path, template: ChatTemplate | None, extra: Sequence[str] = ()) -> None:
        self._backend = _load(model)
        self.special = special(model)
        self.added: list[str] = []
        self.eos, self.bos = self.special.eos, self.special.bos
        named = (self.bos, self.eos, self.special.unk, *self.special.others)
        self._add(text for text in named if text)
        self._add(extra)
        if template is not None:
            self._fix(template)

    def _fix(self, template: ChatTemplate) -> None:
        """``fix_special_tokens``."""
        words = template.stop_words
        if template.replace_eos and words:
            self.eos, words = words[0], words[1:]
            self._add([self.eos])
        if self.eos is None:
            self.eos = "<|endoftext|>"
            self._add([self.eos])
        self._add(words)

    def _add(self, texts: Iterable[str]) -> None:
        from tokenizers import AddedToken

        for text in texts:
            if self._backend.token_to_id(text) is None:
                self.added.append(text)
            self._backend.add_special_tokens([AddedToken(text, normalized=False, special=True)])

    @property
    def opening(self) -> str:
        """What the tokenizer puts before any text, as text."""
        return str(self._backend.decode(self._backend.encode("").ids, skip_special_tokens=False))

    def id(self, token: str | None) -> int | None:
        """The id of a token (``convert_tokens_to_ids``): that of the unknown token where it has none."""
        if token is None:
            return None
        found: int | None = self._backend.token_to_id(token)
        return self._backend.token_to_id(self.special.unk) if found is None and self.special.unk else found

    @property
    def vocabulary(self) -> dict[str, int]:
        """Every token with its id, those among them that were added."""
        return dict(self._backend.get_vocab(with_added_tokens=True))

    def knows(self, token: str) -> bool:
        """Whether the model itself has ``token`` as one token."""
        return token not in self.added and self._backend.token_to_id(token) is not None

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, without the special tokens that the tokenizer would put around it."""
        return [one.ids for one in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has."""
        return [len(one) for one in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def slot(self, slot: Slot) -> list[int]:
        """The ids of a slot that is no text; none where the tokenizer has no such token."""
        if isinstance(slot, str):
            return self.ids([slot])[0]
        token = {"bos": self.bos, "eos": self.eos, "named": slot.text}[slot.kind]
        found = self.id(token)
        return [] if found is None else [found]


def _load(model: Path) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer as Backend

    path = model / "tokenizer.json"
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file. Fetch the model again.")
    try:
        backend = Backend.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelError(f"{path}: cannot be read ({type(error).__name__}). Fetch the model again.") from None
    backend.no_truncation()
    backend.no_padding()
    return backend


def _text(value: Any) -> str | None:
    """A special token as the files write it: a text, or an object with its content."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) and value else None
