"""The tokens of every row that a training YAML leads to, before and after ``cutoff_len``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from llf_kit.checks.subject import Subject
from llf_kit.schema import ASSISTANT
from llf_kit.upstream import encoding, truncation, written
from llf_kit.upstream.aligned import Aligned, aligner, refusal, rows
from llf_kit.upstream.chat_template import ChatTemplate, Slot
from llf_kit.upstream.encoding import NotCountedError, Pair
from llf_kit.upstream.tokenizer import Tokenizer

__all__ = [
    *("Counts", "configured", "count", "counted", "number", "packs", "training_rows", "uncountable", "unpacked_cutoff"),
]

_CHUNK = 10_000  # rows that are tokenised at once


@dataclass
class Counts:
    """What was counted; ``whole``, ``kept`` and ``widths`` have one number a row that is trained on.

    ``whole`` is its length without ``cutoff_len`` and ``kept`` with it; ``widths`` is what counts for the padding of
    its batch (of a pair, the longer answer). ``refused`` rows upstream drops or fails on; of ``uncounted`` ones (tools,
    pictures) the text is not known.
    """

    refused: int = 0
    uncounted: int = 0
    whole: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    answers_cut: int = 0  # rows that lose the end of an answer that is trained on
    turns_lost: int = 0  # of those, rows that lose a question with its whole answer
    questions_cut: int = 0  # rows that lose a part of a question, and nothing of an answer
    history_lost: int = 0  # rows that lose turns which are not trained on


def configured(subject: Subject) -> ChatTemplate | None:
    """The template that upstream would use, as the other keys of the YAML change it; None where it cannot be known."""
    return written.configured(subject.config.values, subject.model)


def uncountable(subject: Subject) -> tuple[str, str] | None:
    """Why tokens cannot be counted, and what to do."""
    if subject.model is None:
        return "the base model is not on this machine", "Bring it here with llf-kit model fetch."
    if not (subject.model / "tokenizer.json").is_file():
        return "the base model has no tokenizer.json", "Bring it here with llf-kit model fetch."
    if subject.has("tokenized_path") or subject.get("split_special_tokens") is True:
        return "tokenized_path or split_special_tokens is set", "Look at a row with llf-kit inspect."
    if configured(subject) is None:
        if subject.config.values.get("template") is None:
            return "no template is named, and the model's own cannot be read", "Name the template of the model."
        return "the template cannot be read from LLaMA-Factory here", "Check again where it is installed."
    return None


def counted(subject: Subject) -> Counts:
    """The counts of a YAML that is not :func:`uncountable`, with the tokenizer of its model.

    Raises:
        DataError: a file cannot be read.
        ModelError: the tokenizer cannot be read.
    """
    template, model = configured(subject), subject.model
    assert template is not None and model is not None  # noqa: S101 - what uncountable() looks at
    extra = [*_list(subject, "add_tokens"), *_list(subject, "add_special_tokens")]
    return count(subject, template, Tokenizer(model, template, extra))


def _list(subject: Subject, key: str) -> list[str]:
    value = subject.config.values.get(key)
    return [one.strip() for one in value.split(",")] if isinstance(value, str) else list(map(str, value or ()))


def packs(subject: Subject) -> bool:
    """Whether rows are packed: as it is said, else in stage pt."""
    if subject.get("neat_packing") is True:
        return True
    said = subject.config.values.get("packing")
    return subject.stage == "pt" if said is None else bool(said)


def number(subject: Subject, key: str, default: float) -> float:
    """The value of a key, or ``default`` where it is no number; that it should be one, another check says."""
    value = subject.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def unpacked_cutoff(subject: Subject) -> int:
    """The cutoff of one row: with packing that is asked for, upstream takes one off."""
    asked = subject.get("neat_packing") is True or bool(subject.config.values.get("packing"))
    return int(number(subject, "cutoff_len", 2048)) - asked


def training_rows(subject: Subject) -> Iterator[Aligned | None]:
    """Every row of the YAML's datasets, None where upstream drops it or fails on it; ``max_samples`` of each dataset.

    Raises:
        DataError: a file cannot be read.
    """
    most = subject.config.values.get("max_samples")
    for dataset in subject.datasets:
        if dataset.key != "dataset":
            continue
        convert = aligner(dataset)
        found = (row for file in dataset.files for row in rows(file))
        for row in islice(found, most if isinstance(most, int) else None):
            made = convert(row)
            yield made if isinstance(made, Aligned) and refusal(made, subject.stage) is None else None


def count(subject: Subject, template: ChatTemplate, tokenizer: Tokenizer) -> Counts:
    """Count all rows, ``_CHUNK`` at a time.

    Raises:
        DataError: a file cannot be read.
    """
    counts = Counts()
    make = _maker(subject, template, tokenizer)
    settle = _settler(subject, template, counts)
    found = training_rows(subject)
    while chunk := list(islice(found, _CHUNK)):
        made: list[list[Pair]] = []
        for row in chunk:
            if row is None:
                counts.refused += 1
            elif row.media:
                counts.uncounted += 1
            else:
                try:
                    made.append(make(row))
                except NotCountedError:
                    counts.uncounted += 1
        lengths = encoding.lengths(tokenizer, (pair for pairs in made for pair in pairs))
        for pairs in made:
            settle([(_length(lengths, source), _length(lengths, target)) for source, target in pairs])
    return counts


def _length(lengths: dict[Slot, int], pieces: Sequence[Slot]) -> int:
    return sum(lengths[piece] for piece in pieces)


def _maker(subject: Subject, template: ChatTemplate, tokenizer: Tokenizer) -> Callable[[Aligned], list[Pair]]:
    """From a row to its questions and answers; in stages rm and dpo to the one question with either answer."""
    stage = subject.stage
    masks = subject.get("mask_history") is True

    def turns(row: Aligned) -> list[Pair]:
        return encoding.pairs(template, [*row.prompt, *row.response], row.system, row.tools, masks)

    def one(row: Aligned, answer: tuple[str, str]) -> Pair:
        return encoding.one_turn(template, [*row.prompt, answer], row.system, row.tools)

    def pair(row: Aligned) -> list[Pair]:
        return [one(row, answer) for answer in row.response]

    def judged(row: Aligned) -> list[Pair]:
        return [one(row, row.response[0] if row.response[0].content else row.response[1])]

    def asked(row: Aligned) -> list[Pair]:
        return [one(row, row.response[0] if len(row.response) == 1 else (ASSISTANT, ""))]

    def text(row: Aligned) -> list[Pair]:
        end = "<|end_of_text|>" if template.name == "llama3" else tokenizer.eos or ""
        start = tokenizer.bos or "" if tokenizer.special.add_bos and not packs(subject) else ""
        return [((), (f"{start}{row.prompt[0].content}{end}",))]

    return {"sft": turns, "rm": pair, "dpo": pair, "kto": judged, "ppo": asked, "pt": text}.get(stage, turns)


def _settler(subject: Subject, template: ChatTemplate, counts: Counts) -> Callable[[list[tuple[int, int]]], None]:
    """What adds the lengths of one row to ``counts``."""
    cutoff, stage = unpacked_cutoff(subject), subject.stage
    masks, ends = subject.get("mask_history") is True, int(template.efficient_eos and stage != "pt")

    def add(whole: int, kept: int, width: int) -> None:
        counts.whole.append(whole)
        counts.kept.append(kept)
        counts.widths.append(width)

    def turns(lengths: list[tuple[int, int]]) -> None:
        kept = truncation.turns(lengths, cutoff, masks, template.efficient_eos)
        left = sum(map(sum, kept)) + ends
        add(sum(map(sum, lengths)) + ends, left, left)
        cut = [
            (index == len(kept) - 1 or not masks, full, now)
            for index, (full, now) in enumerate(zip(lengths, kept, strict=True))
            if full != now
        ]
        counts.answers_cut += any(trained and now[1] < full[1] for trained, full, now in cut)
        counts.turns_lost += any(trained and now == (0, 0) for trained, _, now in cut)
        counts.history_lost += any(not trained and now == (0, 0) for trained, _, now in cut)
        counts.questions_cut += bool(cut) and all(now[1] == full[1] for _, full, now in cut)

    def answers(lengths: list[tuple[int, int]]) -> None:
        source, better = lengths[0][0], lengths[0][1] + ends
        worse = lengths[-1][1] + ends
        asked, first, second = truncation.pairwise(source, better, worse, cutoff)
        times = len(lengths)
        whole = source + better if times == 1 else 2 * source + better + worse
        add(whole, asked + first if times == 1 else 2 * asked + first + second, asked + max(first, second))
        counts.answers_cut += first < better or second < worse
        counts.questions_cut += asked < source and (first, second) == (better, worse)

    def text(lengths: list[tuple[int, int]]) -> None:
        whole = sum(lengths[0])
        left = whole if packs(subject) else min(whole, cutoff)
        add(whole, left, left)
        counts.answers_cut += left < whole

    return {"pt": text, "sft": turns}.get(stage, answers)
