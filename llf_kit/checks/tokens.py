"""Lengths in tokens: what ``cutoff_len`` takes away without a word, and what an epoch is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from llf_kit.checks import counting
from llf_kit.checks.counting import Counts
from llf_kit.checks.subject import Severity, Subject
from llf_kit.errors import DataError, ModelError
from llf_kit.schema import Finding
from llf_kit.upstream import schedule, truncation
from llf_kit.upstream.tokenizer import Tokenizer

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
    if why := _uncountable(subject):
        message, hint = why
        yield subject.finding(NAME, "info", "model_name_or_path", f"tokens were not counted: {message}", hint)
        return
    template, model = counting.configured(subject), subject.model
    if template is None or model is None:
        return
    extra = [*_list(subject, "add_tokens"), *_list(subject, "add_special_tokens")]
    try:
        counts = counting.count(subject, template, Tokenizer(model, template, extra))
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


def _uncountable(subject: Subject) -> tuple[str, str] | None:
    """Why tokens cannot be counted, and what to do."""
    if subject.model is None:
        return "the base model is not on this machine", "Bring it here with llf-kit model fetch."
    if not (subject.model / "tokenizer.json").is_file():
        return "the base model has no tokenizer.json", "Bring it here with llf-kit model fetch."
    if subject.has("tokenized_path") or subject.get("split_special_tokens") is True:
        return "tokenized_path or split_special_tokens is set", "Look at a row with llf-kit inspect."
    if counting.configured(subject) is None:
        if subject.config.values.get("template") is None:
            return "no template is named, and the model's own cannot be read", "Name the template of the model."
        return "the template cannot be read from LLaMA-Factory here", "Check again where it is installed."
    return None


def _list(subject: Subject, key: str) -> list[str]:
    value = subject.config.values.get(key)
    return [one.strip() for one in value.split(",")] if isinstance(value, str) else list(map(str, value or ()))


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
    if not _resampled(subject):
        yield _epoch(subject, counts)


def _resampled(subject: Subject) -> bool:
    """Whether an epoch is something else than all rows once."""
    mixed = subject.get("mix_strategy", "concat") != "concat"
    return subject.get("streaming") is True or mixed or any("num_samples" in one.entry for one in subject.datasets)


def _epoch(subject: Subject, counts: Counts) -> Finding:
    """Tokens and steps of an epoch on one device.

    With ``val_size`` they are about right: which rows are withheld is drawn, those that are dropped later among them.
    """
    batch = max(int(counting.number(subject, "per_device_train_batch_size", 8)), 1)
    withheld = schedule.withheld(len(counts.kept), counting.number(subject, "val_size", 0))
    share = 1 - withheld / len(counts.kept)
    packs = counting.packs(subject)
    rows, tokens, slots = _packed(subject, counts) if packs else _padded(subject, counts, batch)
    epoch, total = schedule.steps(
        round(rows * share),
        batch,
        max(int(counting.number(subject, "gradient_accumulation_steps", 1)), 1),
        counting.number(subject, "num_train_epochs", 3),
        int(counting.number(subject, "max_steps", -1)),
        subject.get("dataloader_drop_last") is True,
    )
    waste = 1 - tokens / slots if slots else 0.0
    message = (
        f"an epoch has about {round(tokens * share):,} tokens and, on one GPU, {_of(epoch, 'step')} "
        f"({total:,} in all); {waste:.0%} of its batches is padding"
    )
    hint = "With packing: true, or a smaller batch and more accumulation, it is less."
    if waste <= WASTE:
        hint = "More GPUs divide the steps."
    return subject.finding(NAME, "info", "per_device_train_batch_size", message, hint)


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
