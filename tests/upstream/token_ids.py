"""Rows as token ids and labels, made of what llf-kit counts them by: the pieces, and what is left of each turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llf_kit.upstream.chat_template import ChatTemplate, Slot
from llf_kit.upstream.encoding import Message, Pair, Pieces, pairs
from llf_kit.upstream.tokenizer import Tokenizer
from llf_kit.upstream.truncation import turns

IGNORE = -100  # extras/constants.py: the label of a token that is not trained on


def encode(
    template: ChatTemplate, tokenizer: Tokenizer, messages: Sequence[Message], system: str, mask_history: bool
) -> list[tuple[list[int], list[int]]]:
    """``encode_multiturn``: the ids of each question and of its answer; ``template`` as it is configured."""
    made = pairs(template, messages, system, mask_history=mask_history)
    found = ids(tokenizer, made)
    return [(joined(found, source), joined(found, target)) for source, target in made]


def joined(found: dict[Slot, list[int]], pieces: Pieces) -> list[int]:
    """The ids of pieces, one after the other."""
    return [one for piece in pieces for one in found[piece]]


def ids(tokenizer: Tokenizer, made: Iterable[Pair]) -> dict[Slot, list[int]]:
    """The ids of every distinct piece."""
    return {piece: tokenizer.slot(piece) for piece in {piece for pair in made for pieces in pair for piece in pieces}}


def supervised(
    encoded: Sequence[tuple[list[int], list[int]]],
    cutoff: int,
    eos: int,
    efficient_eos: bool = False,
    mask_history: bool = False,
    train_on_prompt: bool = False,
) -> tuple[list[int], list[int]]:
    """The ids and the labels of a row in stage sft; ``eos`` is the end token's id."""
    kept = turns([(len(source), len(target)) for source, target in encoded], cutoff, mask_history, efficient_eos)
    first = len(encoded) - 1 if mask_history else 0
    ids: list[int] = []
    labels: list[int] = []
    for index, ((source, target), (asked, answered)) in enumerate(zip(encoded, kept, strict=True)):
        if not asked and not answered:
            continue
        ids += source[:asked] + target[:answered]
        if train_on_prompt:
            labels += source[:asked]
        elif efficient_eos and index != first:
            labels += [eos] + [IGNORE] * (asked - 1)
        else:
            labels += [IGNORE] * asked
        labels += [IGNORE] * answered if mask_history and index != first else target[:answered]
    return ([*ids, eos], [*labels, eos]) if efficient_eos else (ids, labels)
