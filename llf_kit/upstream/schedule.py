"""How many steps a training has, and how much of its batches is padding: the Trainer and the collators, mirrored."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["padded", "steps", "withheld"]

# The collators of stages sft, rm, dpo and kto pad a batch to its longest row, rounded up to this.
MULTIPLE = 8


def withheld(rows: int, val_size: float) -> int:
    """How many of ``rows`` go to validation: ``split_dataset``, and ``train_test_split`` of ``datasets`` under it."""
    if val_size <= 1e-6:
        return 0
    return min(int(val_size) if val_size > 1 else math.ceil(val_size * rows), rows)


def steps(
    rows: int, batch: int, accumulation: int, epochs: float, most: int = -1, drop_last: bool = False
) -> tuple[int, int]:
    """Optimiser steps of an epoch, and in all, on one device (``Trainer.set_initial_training_values``)."""
    batches = rows // batch if drop_last else math.ceil(rows / batch)
    epoch = max(math.ceil(batches / accumulation), 1)
    return epoch, most if most > 0 else math.ceil(epochs * epoch)


def padded(lengths: Sequence[int], batch: int, multiple: int = MULTIPLE) -> float:
    """The expected number of tokens of an epoch with the padding, where rows are shuffled into batches of ``batch``.

    A batch is a sample without replacement, so the chance that the i-th shortest of n rows is its longest is
    C(i-1, batch-1) / C(n, batch); this is exact, the last batch included.
    """
    widths = sorted(math.ceil(length / multiple) * multiple for length in lengths)
    whole, rest = divmod(len(widths), batch)
    return whole * batch * _longest(widths, batch) + rest * _longest(widths, rest)


def _longest(widths: Sequence[int], batch: int) -> float:
    """The expected maximum of ``batch`` of the sorted ``widths``."""
    if not 0 < batch <= len(widths):
        return 0.0
    chance, expected = batch / len(widths), 0.0
    for rank in range(len(widths), batch - 1, -1):
        expected += chance * widths[rank - 1]
        if rank > 1:
            chance *= (rank - batch) / (rank - 1)
    return expected
