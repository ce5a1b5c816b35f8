"""The ends of the pipeline: the files of a dataset and its entries, or a preview; all rows are counted on their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import polars as pl

from llf_kit import dataset_info, formats, labelling, outputs, screening
from llf_kit.batches import through
from llf_kit.convert.plan import Plan, Summary
from llf_kit.errors import DataError
from llf_kit.project import atomic_path, private_directory
from llf_kit.screening import quality

_EXAMPLES = 10  # samples that a preview shows
_KEPT = pl.col("reason").is_null() & ~pl.col("duplicate")
_LISTED = ("source", "row", "reason", quality.SCORE, quality.FAULTS, "messages")  # of a rejected row
_GUESSED = ("source", "row", "label", labelling.CONFIDENCE)  # of one whose label was learnt


def preview(plan: Plan, format_: str, samples: pl.LazyFrame) -> Summary:
    """What would be written: the counts of all rows, and the first samples in their format."""
    samples = samples.cache()  # all ends read the same pass
    first = formats.get(format_).rows(samples.filter(_KEPT)).head(_EXAMPLES)
    examples, counts, flagged = pl.collect_all([first, _counts(samples), _flags(samples)], engine="streaming")
    return replace(_count(plan, counts), examples=examples.to_dicts(), flagged=dict(flagged.iter_rows()))


def write(plan: Plan, format_: str, directory: Path, samples: pl.LazyFrame) -> Summary:
    """Run the pipeline once, into all its ends; files and entries appear together at the end, or not at all.

    Raises:
        DataError: no row is left to write.
    """
    chosen = formats.get(format_)
    names = plan.names
    files = {name: plan.container.file_name(name) for name in names}
    with ExitStack() as stack:
        places = [stack.enter_context(outputs.whole(directory / file, plan.container)) for file in files.values()]
        account = _Account(
            rejects=stack.enter_context(_private(directory, "rejected", plan)),
            guessed=stack.enter_context(_private(directory, "labelled", plan)),
            counts=[_counts(samples.clear()).collect()],  # one to begin with: without rows there is no batch
        )
        kept = through(samples, lambda: account.keep, samples.collect_schema())
        if len(names) > 1:  # all ends read the same pass; a filter that sank below it would make it two
            kept = kept.map_batches(lambda batch: batch, predicate_pushdown=False, streamable=True).cache()
        parts = [kept.filter(pl.col("side") == side) if len(names) > 1 else kept for side in range(len(names))]
        ends = [
            outputs.sink(chosen.rows(part), place, plan.container) for part, place in zip(parts, places, strict=True)
        ]
        pl.collect_all(ends, engine="streaming")
        counted = pl.concat(account.counts).sort("reason", "duplicate", "side")
        summary = _count(plan, counted)
        before = outputs.split_off(directory, plan.name)
        old = _left_behind(plan, directory, before)
        if summary.written:
            # Without earlier turns nothing is nested, and a file of gigabytes need not be searched for it.
            several = (counted.filter(_KEPT)["turns"] > 2).any()
            for place in places:
                outputs.finish(place, plan.container, chosen.nested if several else None)
            # Before the files appear: killed in between, an entry without its file is mended by the next run.
            entries = [chosen.entry(name, file) for name, file in files.items()]
            dataset_info.register(directory, entries, forget=[name for name in old if name not in names])
            split_off = {*names, *(name for name in before if name not in old)} - {plan.name}
            outputs.remember_split(directory, plan.name, sorted(split_off))
        else:  # the rejects are kept: they say why
            for place in places:
                outputs.remove(place)
    rejects, guessed = (_private_path(directory, kind, plan) for kind in ("rejected", "labelled"))
    if not summary.written:
        raise DataError(_nothing(plan, summary, rejects.relative_to(directory)))
    for file in old.values():
        outputs.remove(directory / file)
    if not guessed.stat().st_size:
        guessed.unlink()
    summary.labelled = dict(sorted(account.labelled.items()))
    summary.flagged = dict(sorted(account.flagged.items()))
    summary.files = list(files.values())
    summary.rejects_file = str(rejects.relative_to(directory)) if summary.rejected else None
    return summary


@dataclass
class _Account:
    """What happens to the rows, kept as they pass: counts, flags, who labelled them; rejects are written away."""

    rejects: IO[bytes]
    guessed: IO[bytes]
    counts: list[pl.DataFrame]
    flagged: Counter[str] = field(default_factory=Counter)
    labelled: Counter[str] = field(default_factory=Counter)

    def keep(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The rows of ``batch`` that are to be written."""
        self.counts.append(_counts(batch.lazy()).collect())
        if (batch["flags"].list.len() > 0).any():  # most batches have none
            self.flagged.update(dict(_flags(batch.lazy()).collect().iter_rows()))
        rejected = batch.filter(pl.col("reason").is_not_null())
        if not rejected.is_empty():
            rejected.select(name for name in _LISTED if name in rejected.columns).write_ndjson(self.rejects)
        kept = batch.filter(_KEPT)
        for origin, number in kept[labelling.LABELLED].value_counts().iter_rows():
            self.labelled[origin or "unknown"] += number
        if labelling.CONFIDENCE in kept.columns:
            kept.filter(pl.col(labelling.CONFIDENCE).is_not_null()).select(_GUESSED).write_ndjson(self.guessed)
        return kept


def _private_path(directory: Path, kind: str, plan: Plan) -> Path:
    return private_directory(directory) / kind / f"{plan.name}.jsonl"


@contextmanager
def _private(directory: Path, kind: str, plan: Plan) -> Iterator[IO[bytes]]:
    """A file for the owner's eyes, which appears whole."""
    path = _private_path(directory, kind, plan)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with atomic_path(path, mode=0o600) as temporary, temporary.open("wb") as file:
        yield file
        file.flush()


def _left_behind(plan: Plan, directory: Path, before: list[str]) -> dict[str, str]:
    """Files of earlier conversions of ours that this one replaces by none; not a set that is named as excluded."""
    old = outputs.left_behind(dataset_info.load(directory), {plan.name, *before}, plan.names, plan.container)
    spared = {Path(one).resolve() for one in plan.exclude}  # by name or path: a test set that is not trained on
    return {
        name: file
        for name, file in old.items()
        if name not in plan.exclude and (directory / file).resolve() not in spared
    }


def _nothing(plan: Plan, summary: Summary, rejects: Path) -> str:
    if not summary.read:
        return f"{plan.name}: nothing to write: its sources are empty or only a header. Give rows to convert."
    reasons = ", ".join(f"{number} × {reason}" for reason, number in summary.reasons.items())
    return (
        f"{plan.name}: nothing to write out of {summary.read} rows ({reasons}). "
        f"{rejects} has the place of each; check the mapping."
    )


def _counts(samples: pl.LazyFrame) -> pl.LazyFrame:
    turns = pl.col("messages").list.len().max().alias("turns")
    known = rf"^({screening.contamination.REASON}.*):[0-9]+$"  # counted by file; the rejects name the place
    return (
        samples.group_by(pl.col("reason").str.replace(known, "$1"), "duplicate", "side")
        .agg(pl.len(), turns)
        .sort("reason", "duplicate", "side")
    )


def _flags(samples: pl.LazyFrame) -> pl.LazyFrame:
    kinds = pl.col("flags").list.eval(pl.element().struct.field("kind")).list.unique()
    flagged = samples.filter(_KEPT & (pl.col("flags").list.len() > 0))
    return flagged.select(kinds.list.explode()).group_by("flags").agg(pl.len()).sort("flags")


def _count(plan: Plan, counts: pl.DataFrame) -> Summary:
    sets = list(plan.shares)
    summary = Summary(read=int(counts["len"].sum()), rows=dict.fromkeys(sets, 0))
    for reason, duplicate, side, number, _ in counts.iter_rows():
        if reason is not None:
            summary.rejected += number
            summary.reasons[reason] = summary.reasons.get(reason, 0) + number
        elif duplicate:
            summary.duplicates += number
        else:
            summary.written += number
            summary.rows[sets[side]] += number
    return summary
