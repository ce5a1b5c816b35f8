"""What is left of a row at ``cutoff_len``: data/processor of LLaMA-Factory 0.9.5, on lengths.

A *turn* is a question and its answer; lengths are in tokens.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

__all__ = ["Turn", "knapsacks", "pairwise", "split", "turns"]

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
