"""The rows of a registered dataset as a person sees them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import polars as pl

from llf_kit.cleaning import identifiers
from llf_kit.quality.words import words
from llf_kit.schema import ASSISTANT, TEXT, USER, Language, mostly

PLACE = "place"


def ends(messages: list[dict[str, str]]) -> tuple[int | None, int | None]:
    """The places of the question and of the answer among the turns: the last that the user asks, and the last turn.

    They are what an edit of the row changes; None where there is none.
    """
    last = len(messages) - 1
    answer = last if messages and messages[last]["role"] in (ASSISTANT, TEXT) else None
    asked = next((place for place in range(last, -1, -1) if messages[place]["role"] == USER), None)
    return asked, answer


def view(row: dict[str, Any], language: Language) -> dict[str, str]:
    """The ``question``, the ``answer`` and what stands ``before`` them, of a sample; identifiers masked."""
    messages = row["messages"] or []
    asked, answer = ends(messages)
    named = {USER: words(language)["turn_user"], ASSISTANT: words(language)["turn_assistant"]}
    before = [
        f"{named.get(message['role'], message['role'])}: {message['content']}"
        for place, message in enumerate(messages)
        if place not in (asked, answer)
    ]
    texts = {
        "before": "\n".join(before),
        "question": "" if asked is None else messages[asked]["content"],
        "answer": "" if answer is None else messages[answer]["content"],
    }
    return {name: masked(text or "") for name, text in texts.items()}


def masked(text: str) -> str:
    """``text`` without identifiers: the page may be passed on, whatever the dataset was converted with."""
    return identifiers.mask(text) if text else ""


def digest(row: dict[str, Any]) -> str:
    """What tells whether a row is still the one that was looked at: 16 hexadecimal digits."""
    said = {name: row[name] for name in ("messages", "system", "tools", "rejected", "desirable", "label")}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def place() -> pl.Expr:
    """``datasets/lab.jsonl:12``."""
    return pl.concat_str("source", "row", separator=":").alias(PLACE)


def language_of(samples: pl.DataFrame) -> Language:
    """The language of most of the questions."""
    head = samples.head(1000)["messages"].drop_nulls().to_list()
    return mostly(turns[0]["content"] or "" if turns else "" for turns in head)
