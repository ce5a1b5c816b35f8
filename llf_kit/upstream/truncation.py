"""What is left of a row at ``cutoff_len``: data/processor of LLaMA-Factory 0.9.5, on lengths and on ids.

A *turn* is a question and its answer; lengths are in tokens.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

__all__ = ["IGNORE", "Turn", "knapsacks", "pairwise", "split", "supervised", "turns"]

IGNORE = -100  # extras/constants.py: the label of a token that is not trained on

Turn = tuple[int, int]  # the lengths of a question and of its answer


def split(source: int, target: int, cutoff: int) -> Turn:
    """``infer_seqlen``: how much is kept of a question and of its answer."""
    if target * 2 < cutoff:
        most = cutoff
    elif source * 2 < cutoff:
        most = cutoff - source
    else:
        most = int(cutoff * (target / (source + target)))
    kept = min(most, target)
    return min(max(cutoff - kept, 0), source), kept


def turns(lengths: Sequence[Turn], cutoff: int, mask_history: bool, efficient_eos: bool) -> list[Turn]:
    """The loop of ``SupervisedDatasetProcessor``: what is kept of each turn; (0, 0) of one that vanishes.

    With ``mask_history`` the last turn comes first, so that it is the first ones that vanish.
    """
    kept = [(0, 0)] * len(lengths)
    total = int(efficient_eos)
    order = range(len(lengths))
    for index in reversed(order) if mask_history else order:
        if total >= cutoff:
            break
        kept[index] = split(*lengths[index], cutoff - total)
        total += sum(kept[index])
    return kept


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


def pairwise(source: int, better: int, worse: int, cutoff: int) -> tuple[int, int, int]:
    """``PairwiseDatasetProcessor``: what is kept of a question and of its two answers."""
    asked, answered = split(source, max(better, worse), cutoff)
    return asked, min(better, answered), min(worse, answered)


def knapsacks(lengths: Sequence[int], capacity: int) -> list[int]:
    """``greedy_knapsack``: how full each packed row is, the longest rows first; none is longer than ``capacity``."""
    left = sorted(lengths)
    full = []
    while left:
        room = capacity
        while (index := bisect.bisect(left, room) - 1) >= 0:
            room -= left.pop(index)
        full.append(capacity - room)
    return full
