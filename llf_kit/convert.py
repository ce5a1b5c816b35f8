"""Raw files → a dataset that LLaMA-Factory reads: stages 1 to 6 as one pipeline with two ends.

Nothing is dropped silently: ``read = written + duplicates + rejected``, always.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import polars as pl

from llf_kit import cleaning, dataset_info, formats, mapping, outputs, readers, screening, splitting
from llf_kit.batches import through
from llf_kit.errors import DataError, UsageError
from llf_kit.outputs import Container
from llf_kit.project import atomic_path, check_dataset_name, private_directory
from llf_kit.schema import RawTable

_EXAMPLES = 10  # samples that a preview shows


@dataclass(frozen=True)
class Plan:
    """What to convert, and into what.

    ``format`` None is the one that holds all that the tables say; ``function`` makes the sample of a row where no
    ``map`` can say it; ``test`` is the share of rows that training never sees, and 0 writes no test set.
    """

    name: str
    sources: tuple[Path, ...]
    format: str | None = None
    container: Container = field(default_factory=Container)
    map: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    encoding: str | None = None
    test: float = 0.0
    identifiers: str = "mask"
    notation: str = "keep"
    script: str | None = None
    function: mapping.Function | None = None


@dataclass
class Summary:
    """What happened to every row; ``decisions`` say how each table was read, ``examples`` are for people.

    ``changed`` counts texts by the kind of change, ``masked`` identifiers by kind, whatever became of them, and
    ``flagged`` written rows by what a person should look at; ``changes`` show the first of each kind, before and after.
    """

    format: str = ""
    read: int = 0
    written: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)
    identifiers_file: str | None = None
    files: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    rejects_file: str | None = None
    decisions: list[str] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What ``convert --json`` prints."""
        apart = ("rows", "examples", "changes")
        return {name: value for name, value in vars(self).items() if name not in apart}


def convert(plan: Plan, directory: Path, *, write: bool = True, ask: mapping.Ask | None = None) -> Summary:
    """Write ``datasets/NAME.jsonl`` (and ``NAME_test.jsonl``) in ``directory`` and register them.

    Other containers have other endings, or are folders of parts.

    Without ``write`` nothing is written: the summary counts what would be, and holds the first samples. ``ask`` is
    asked for the columns of a table that is not understood for sure.

    Raises:
        UsageError: a name, format or share that cannot be.
        DataError: a source cannot be read, has no question and answer, or leaves nothing to write.
        ConfigError: dataset_info.json is not JSON; nothing is written then.
    """
    check_dataset_name(plan.name)
    if plan.format is not None:
        formats.get(plan.format)
    plan.container.check()
    cleaning.check(plan.identifiers, plan.notation, plan.script)
    if not 0 <= plan.test < 1:
        raise UsageError(f"--test {plan.test}: is not a share. Give a number from 0 to below 1, such as 0.1.")
    _check_ours(plan, directory)  # before any work: it must not be found out after an hour
    files = readers.find(plan.sources)
    private = private_directory(directory)
    with tempfile.TemporaryDirectory(dir=private, prefix="work-") as work:
        # The fast parser refuses a damaged table as a whole. The careful one takes it apart, row by row.
        for careful in (False, True):
            opening = readers.Opening(Path(work), plan.encoding, careful)
            try:
                return _run(plan, directory, _tables(files, opening), write, ask)
            except pl.exceptions.PolarsError as error:  # its message may quote a cell, and a cell may name a patient
                failed = type(error).__name__
            except OSError as error:
                raise DataError(
                    f"{directory}: cannot write ({error.strerror or error}). Make room and run it again."
                ) from None
    raise DataError(f"{plan.name}: cannot be converted ({failed}). Convert its sources one by one to find the cause.")


def _names(plan: Plan) -> list[str]:
    return [plan.name, f"{plan.name}_test"] if plan.test else [plan.name]


def _check_ours(plan: Plan, directory: Path) -> None:
    """Refuse to replace an entry or a file that an earlier conversion did not write."""
    entries = dataset_info.load(directory)
    problems = []
    for name in _names(plan):
        ours = entries.get(name, {}).get("file_name")
        if name in entries and ours not in outputs.file_names(name):
            problems.append(
                f"--name {plan.name}: dataset_info.json has an entry {name!r} of another's. Choose another."
            )
        file = plan.container.file_name(name)
        if file != ours and (directory / file).exists():
            problems.append(f"--name {plan.name}: {file} is there and not registered. Move it, or choose another.")
    if problems:
        raise UsageError(*problems)


def _tables(files: Iterable[Path], opening: readers.Opening) -> list[RawTable]:
    tables: list[RawTable] = []
    problems: list[str] = []
    for file in files:
        try:
            tables += readers.read(file, opening)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(*problems)
    return tables


def _run(plan: Plan, directory: Path, tables: list[RawTable], write: bool, ask: mapping.Ask | None) -> Summary:
    filled = [table for table in tables if table.columns]
    if not filled:
        raise DataError(*(f"{table.source}: is empty. Give a table with a header and rows." for table in tables))
    mappings = mapping.choose(filled, plan.map, plan.function, ask)
    chosen = plan.format or _format(mappings)
    done = cleaning.Cleaned()
    style = cleaning.text.Style(plan.notation, plan.script)
    policy = cleaning.identifiers.policy(plan.identifiers, private_directory(directory), keep=write)
    samples = pl.concat([mapping.to_samples(one) for one in mappings])
    if plan.system:
        samples = samples.with_columns(system=pl.col("system").fill_null(pl.lit(plan.system)))
    samples = screening.screen(cleaning.clean(samples, style, policy, done), formats.get(chosen).unfit)
    test = splitting.choose_test(samples, plan.test) if plan.test else pl.Series(dtype=pl.UInt64)
    samples = splitting.split(samples, test)

    done.clear()  # choosing the test set ran the pipeline once already
    summary = _write(plan, chosen, directory, samples) if write else _preview(chosen, samples)
    summary.format = chosen
    summary.changed = dict(sorted(done.changes.counts.items()))
    summary.changes = dict(sorted(done.changes.examples.items()))
    summary.masked = dict(sorted(done.found.counts.items()))
    if write:
        summary.identifiers_file = _report(plan, directory, done.found)
    summary.decisions = _decisions(mappings)
    summary.decisions += [f"{table.source}: is empty; nothing read" for table in tables if not table.columns]
    return summary


def _report(plan: Plan, directory: Path, found: cleaning.identifiers.Found) -> str | None:
    """Write what was found for the owner's eyes, or take away what an earlier conversion found."""
    path = private_directory(directory) / "identifiers" / f"{plan.name}.json"
    if not found.contexts:
        path.unlink(missing_ok=True)
        return None
    found.write(path)
    return str(path.relative_to(directory))


def _format(mappings: list[mapping.Mapping]) -> str:
    """The format that holds what all the tables say, where they agree."""
    formats_ = {one.format for one in mappings if one.shape is not mapping.UNKNOWN}
    return formats_.pop() if len(formats_) == 1 else "alpaca"


def _decisions(mappings: list[mapping.Mapping]) -> list[str]:
    """A line a decision, with the tables it was made for; a folder of a hundred alike is one line."""
    alike: dict[str, list[str]] = {}
    for one in mappings:
        encoding = f"; {one.table.encoding}" if one.table.encoding else ""
        alike.setdefault(one.describe() + encoding, []).append(one.table.source)
    return [f"{_some(sources)}: {decision}" for decision, sources in alike.items()]


def _some(sources: list[str]) -> str:
    shown = 3
    more = f" and {len(sources) - shown} more" if len(sources) > shown else ""
    return ", ".join(sources[:shown]) + more


_KEPT = pl.col("reason").is_null() & ~pl.col("duplicate")


def _counts(samples: pl.LazyFrame) -> pl.LazyFrame:
    turns = pl.col("messages").list.len().max().alias("turns")
    return samples.group_by("reason", "duplicate", "test").agg(pl.len(), turns).sort("reason", "duplicate", "test")


def _flags(samples: pl.LazyFrame) -> pl.LazyFrame:
    kinds = pl.col("flags").list.eval(pl.element().struct.field("kind")).list.unique()
    flagged = samples.filter(_KEPT & (pl.col("flags").list.len() > 0))
    return flagged.select(kinds.list.explode()).group_by("flags").agg(pl.len()).sort("flags")


def _kept(samples: pl.LazyFrame, counts: list[pl.DataFrame], flagged: Counter[str], rejects: IO[bytes]) -> pl.LazyFrame:
    """The rows to write. As they pass, all are counted, and the rejected ones are written into ``rejects``."""

    def account(batch: pl.DataFrame) -> pl.DataFrame:
        counts.append(_counts(batch.lazy()).collect())
        flagged.update(dict(_flags(batch.lazy()).collect().iter_rows()))
        rejected = batch.filter(pl.col("reason").is_not_null())
        if not rejected.is_empty():
            rejected.select("source", "row", "reason", "messages").write_ndjson(rejects)
        return batch.filter(_KEPT)

    return through(samples, lambda: account, samples.collect_schema())


def _preview(format_: str, samples: pl.LazyFrame) -> Summary:
    """What would be written: the counts of all rows, and the first samples in their format."""
    samples = samples.cache()  # both ends read the same pass
    first = formats.get(format_).rows(samples.filter(_KEPT)).head(_EXAMPLES)
    examples, counts, flagged = pl.collect_all([first, _counts(samples), _flags(samples)], engine="streaming")
    return replace(_count(counts), examples=examples.to_dicts(), flagged=dict(flagged.iter_rows()))


def _write(plan: Plan, format_: str, directory: Path, samples: pl.LazyFrame) -> Summary:
    """Run the pipeline once, into all its ends; files and entries appear together at the end, or not at all."""
    chosen = formats.get(format_)
    names = _names(plan)
    files = {name: plan.container.file_name(name) for name in names}
    rejects = private_directory(directory) / "rejected" / f"{plan.name}.jsonl"
    rejects.parent.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        places = [stack.enter_context(outputs.whole(directory / file, plan.container)) for file in files.values()]
        rejected = stack.enter_context(stack.enter_context(atomic_path(rejects, mode=0o600)).open("wb"))
        counts = [_counts(samples.clear()).collect()]  # one to begin with: without rows there is no batch
        flagged: Counter[str] = Counter()
        kept = _kept(samples, counts, flagged, rejected)
        if plan.test:  # both ends read the same pass; a filter that sank below it would make it two
            kept = kept.map_batches(lambda batch: batch, predicate_pushdown=False, streamable=True).cache()
        parts = [kept.filter(pl.col("test") == (name != plan.name)) if plan.test else kept for name in names]
        ends = [
            outputs.sink(chosen.rows(part), place, plan.container) for part, place in zip(parts, places, strict=True)
        ]
        pl.collect_all(ends, engine="streaming")
        counted = pl.concat(counts).sort("reason", "duplicate", "test")
        summary = _count(counted)
        old = _old_files(plan, directory) if summary.written else {}
        if summary.written:
            # Without earlier turns nothing is nested, and a file of gigabytes need not be searched for it.
            several = (counted.filter(_KEPT)["turns"] > 2).any()
            for place in places:
                outputs.finish(place, plan.container, chosen.nested if several else None)
            # Before the files appear: killed in between, an entry without its file is mended by the next run.
            entries = [chosen.entry(name, file) for name, file in files.items()]
            dataset_info.register(directory, entries, forget=[name for name in old if name not in names])
        else:  # the rejects are kept: they say why
            for place in places:
                outputs.remove(place)
    if not summary.written:
        reasons = ", ".join(f"{number} × {reason}" for reason, number in summary.reasons.items()) or "no rows"
        raise DataError(
            f"{plan.name}: nothing to write out of {summary.read} rows ({reasons}). "
            f"{rejects.relative_to(directory)} has the place of each; check the mapping."
        )
    for file in old.values():
        outputs.remove(directory / file)
    summary.files = list(files.values())
    summary.flagged = dict(sorted(flagged.items()))
    summary.rejects_file = str(rejects.relative_to(directory)) if summary.rejected else None
    return summary


def _old_files(plan: Plan, directory: Path) -> dict[str, str]:
    """The files of an earlier conversion of ours that this one does not replace: those of another container, and a
    test set, which is none any more once its rows are trained on."""
    entries = dataset_info.load(directory)
    old = {name: entries.get(name, {}).get("file_name") for name in (plan.name, f"{plan.name}_test")}
    stays = {plan.container.file_name(name) for name in _names(plan)}
    return {name: file for name, file in old.items() if file in outputs.file_names(name) and file not in stays}


def _count(counts: pl.DataFrame) -> Summary:
    summary = Summary(read=int(counts["len"].sum()), rows={"train": 0, "test": 0})
    for reason, duplicate, test, number, _ in counts.iter_rows():
        if reason is not None:
            summary.rejected += number
            summary.reasons[reason] = summary.reasons.get(reason, 0) + number
        elif duplicate:
            summary.duplicates += number
        else:
            summary.written += number
            summary.rows["test" if test else "train"] += number
    return summary
