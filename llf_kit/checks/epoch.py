"""What an epoch is made of: rows, tokens with and without the padding, and steps."""

from __future__ import annotations

from dataclasses import dataclass

from llf_kit.checks import counting
from llf_kit.checks.counting import Counts
from llf_kit.checks.subject import Subject
from llf_kit.upstream import schedule, truncation

__all__ = ["Epoch", "epoch", "resampled"]


@dataclass(frozen=True)
class Epoch:
    """An epoch of ``rows`` (packed ones count once), and the optimiser steps of one and of ``total``.

    With ``val_size`` they are about right: which rows are withheld is drawn, those that are dropped later among them.
    """

    rows: int
    tokens: int
    slots: float  # tokens with the padding of their batches
    steps: int
    total: int

    @property
    def waste(self) -> float:
        """The share of padding."""
        return 1 - self.tokens / self.slots if self.slots else 0.0


def epoch(subject: Subject, counts: Counts, devices: int = 1) -> Epoch:
    """The epoch of the counted rows on ``devices`` GPUs, each of which has a batch of its own."""
    batch = max(int(counting.number(subject, "per_device_train_batch_size", 8)), 1)
    withheld = schedule.withheld(len(counts.kept), counting.number(subject, "val_size", 0))
    share = 1 - withheld / len(counts.kept)
    rows, tokens, slots = _packed(subject, counts) if counting.packs(subject) else _padded(subject, counts, batch)
    steps, total = schedule.steps(
        round(rows * share),
        batch * devices,
        max(int(counting.number(subject, "gradient_accumulation_steps", 1)), 1),
        counting.number(subject, "num_train_epochs", 3),
        int(counting.number(subject, "max_steps", -1)),
        subject.get("dataloader_drop_last") is True,
    )
    return Epoch(round(rows * share), round(tokens * share), slots * share, steps, total)


def resampled(subject: Subject) -> bool:
    """Whether an epoch is something else than all rows once."""
    mixed = subject.get("mix_strategy", "concat") != "concat"
    return subject.get("streaming") is True or mixed or any("num_samples" in one.entry for one in subject.datasets)


def _padded(subject: Subject, counts: Counts, batch: int) -> tuple[int, int, float]:
    """The number of rows, of their tokens, and of the tokens with the padding."""
    both = 2 if subject.stage in ("rm", "dpo") else 1  # both answers of a pair are in the batch
    multiple = 1 if subject.stage == "pt" else schedule.MULTIPLE
    return len(counts.kept), sum(counts.kept), both * schedule.padded(counts.widths, batch, multiple)


def _packed(subject: Subject, counts: Counts) -> tuple[int, int, float]:
    """As :func:`_padded`, of packed rows; upstream packs ``preprocessing_batch_size`` rows at a time."""
    chunk = max(int(counting.number(subject, "preprocessing_batch_size", 1000)), 1)
    cutoff = counting.unpacked_cutoff(subject)
    chunks = [counts.kept[start : start + chunk] for start in range(0, len(counts.kept), chunk)]
    if subject.stage == "pt":  # one text, cut into blocks, without what is left over
        blocks = sum(sum(one) // cutoff for one in chunks)
        return blocks, blocks * cutoff, blocks * cutoff
    full = [size for one in chunks for size in truncation.knapsacks([x for x in one if x <= cutoff], cutoff)]
    return len(full), sum(full), len(full) * (cutoff + 1)
