"""Lengths in tokens: what ``cutoff_len`` takes away without a word, and what an epoch is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from llf_kit.checks import counting
from llf_kit.checks.counting import Counts
from llf_kit.checks.epoch import epoch, resampled
from llf_kit.checks.subject import Severity, Subject
from llf_kit.errors import DataError, ModelError
from llf_kit.schema import Finding

NAME = "tokens"

# A cutoff_len is proposed that leaves all but one row in 200 whole, rounded up to a multiple of 64: a few outliers
# should not decide how long every batch may become.
WHOLE = 0.995
ROUND = 64
WASTE = 0.3  # the share of padding from which on it is worth doing something


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the length of rows; one that says why they were not counted, where they cannot be."""
    if not subject.trains or not any(dataset.key == "dataset" and dataset.path for dataset in subject.datasets):
        return
    if why := counting.uncountable(subject):
        message, hint = why
        yield subject.finding(NAME, "info", "model_name_or_path", f"tokens were not counted: {message}", hint)
        return
    try:
        counts = counting.counted(subject)
    except (DataError, ModelError) as error:
        message, _, hint = error.problems[0].partition(". ")
        yield subject.finding(NAME, "info", "dataset", f"tokens were not counted: {message}", hint)
        return
    if counts.uncounted:
        message = f"tokens of {_of(counts.uncounted, 'row')} with tools or pictures were not counted"
        yield subject.finding(NAME, "info", "dataset", message, "Look at one with llf-kit inspect.")
    if counts.whole:
        yield from _cut(subject, counts)
        yield from _sizes(subject, counts)


def _cut(subject: Subject, counts: Counts) -> Iterator[Finding]:
    """Findings about what ``cutoff_len`` takes away."""
    rows = len(counts.whole)
    cutoff = int(counting.number(subject, "cutoff_len", 2048))
    hint = _longer(counts.whole, cutoff)

    def said(severity: Severity, what: str, number: int, more: str = "") -> Finding:
        message = f"cutoff_len: {cutoff} takes {what} away from {number:,} of {_of(rows, 'row')}{more}"
        return subject.finding(NAME, severity, "cutoff_len", message, hint)

    if counts.answers_cut:
        more = f", and whole turns from {counts.turns_lost:,} of them" if counts.turns_lost else ""
        yield said(
            "error" if counts.answers_cut == rows else "warning", "the end of an answer", counts.answers_cut, more
        )
    if counts.questions_cut:
        yield said("info", "a part of the question", counts.questions_cut)
    if counts.history_lost:
        yield said("info", "earlier turns", counts.history_lost)


def _longer(lengths: Sequence[int], cutoff: int) -> str:
    """What to do about rows that are cut."""
    least = suggested(lengths)
    if least > cutoff:
        return f"Set cutoff_len: {least}, or shorten the rows."
    return f"They are few: shorten or split them, or set cutoff_len: {_rounded(max(lengths))}."


def _sizes(subject: Subject, counts: Counts) -> Iterator[Finding]:
    """Findings about the lengths, and about an epoch."""
    rows = sorted(counts.whole)
    message = (
        f"{_of(len(rows), 'row')}: half have at most {_quantile(rows, 0.5):,} tokens, 95 % at most "
        f"{_quantile(rows, 0.95):,}, the longest {rows[-1]:,}"
    )
    hint = f"cutoff_len: {suggested(rows)} leaves at least {100 * WHOLE} % of them whole."
    yield subject.finding(NAME, "info", "cutoff_len", message, hint)
    if not resampled(subject):
        yield _epoch(subject, counts)


def _epoch(subject: Subject, counts: Counts) -> Finding:
    """Tokens and steps of an epoch on one device."""
    made = epoch(subject, counts)
    message = (
        f"an epoch has about {made.tokens:,} tokens and, on one GPU, {_of(made.steps, 'step')} "
        f"({made.total:,} in all); {made.waste:.0%} of its batches is padding"
    )
    hint = "With packing: true, or a smaller batch and more accumulation, it is less."
    if made.waste <= WASTE:
        hint = "More GPUs divide the steps; llf-kit plan says what it costs."
    return subject.finding(NAME, "info", "per_device_train_batch_size", message, hint)


def suggested(lengths: Sequence[int]) -> int:
    """The least ``cutoff_len`` that leaves a share ``WHOLE`` of the rows whole, rounded up to ``ROUND``."""
    return _rounded(_quantile(sorted(lengths), WHOLE))


def _rounded(length: int) -> int:
    return math.ceil(length / ROUND) * ROUND


def _quantile(ordered: Sequence[int], share: float) -> int:
    """The least length that at least ``share`` of the rows do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def _of(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
