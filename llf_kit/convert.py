"""Raw files → a dataset that LLaMA-Factory reads: stages 1 to 6 as one pipeline with two ends.

Nothing is dropped silently: ``read = written + duplicates + rejected``, always.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import polars as pl

from llf_kit import cleaning, dataset_info, formats, labelling, mapping, outputs, readers, screening, splitting
from llf_kit.batches import put_by, through
from llf_kit.errors import DataError
from llf_kit.outputs import Container
from llf_kit.project import PROBES, atomic_path, check_dataset_name, private_directory, write_text
from llf_kit.schema import RawTable
from llf_kit.screening import quality, standard

_EXAMPLES = 10  # samples that a preview shows


@dataclass(frozen=True)
class Plan:
    """What to convert, and into what.

    ``format`` None is the one that holds all that the tables say; ``function`` makes the sample of a row where no
    ``map`` can say it; ``test`` and ``val`` are shares of the rows, and 0 writes no such set (see
    :mod:`llf_kit.splitting`). ``near_duplicates`` is the similarity from which on a row goes, None for none;
    ``exclude`` are files, or names of registered datasets, whose questions must not be trained on. ``labels`` are
    keywords a label; ``min_score`` is the least score of a row, by the ``standard`` of a file or the shipped one.
    """

    name: str
    sources: tuple[Path, ...]
    format: str | None = None
    container: Container = field(default_factory=Container)
    map: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    encoding: str | None = None
    test: float = 0.0
    val: float = 0.0
    folds: int = 0
    seed: int = 42
    near_duplicates: float | None = None
    exclude: tuple[str, ...] = ()
    mask: bool = True
    function: mapping.Function | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    learn_labels: bool = False
    min_score: float | None = None
    standard: Path | None = None

    @property
    def shares(self) -> dict[str, float]:
        """The sets to write and the share of each."""
        return splitting.parts(self.test, self.val, self.folds)

    @property
    def names(self) -> list[str]:
        """The datasets to write, in the order of ``shares``."""
        return [self.name if part == splitting.TRAIN else f"{self.name}_{part}" for part in self.shares]


@dataclass
class Summary:
    """What happened to every row; ``near_duplicates`` are counted among ``duplicates``.

    ``decisions`` say how each table was read, ``examples`` are for people.
    """

    format: str = ""
    read: int = 0
    written: int = 0
    duplicates: int = 0
    near_duplicates: int = 0
    clusters: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, int] = field(default_factory=dict)
    classifier: dict[str, Any] | None = None
    files: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    rejects_file: str | None = None
    clusters_file: str | None = None
    decisions: list[str] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """What ``convert --json`` prints."""
        apart = ("rows", "examples")
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
    splitting.parts(plan.test, plan.val, plan.folds)
    if plan.near_duplicates is not None:
        screening.near.check(plan.near_duplicates)
    # Before any work: it must not be found out after an hour.
    made = {name: plan.container.file_name(name) for name in plan.names}
    dataset_info.check_ours(directory, made, outputs.file_names)
    files = readers.find(plan.sources)
    private = private_directory(directory)
    with tempfile.TemporaryDirectory(dir=private, prefix="work-") as work:
        # The fast parser refuses a damaged table as a whole. The careful one takes it apart, row by row.
        for careful in (False, True):
            opening = readers.Opening(Path(work), plan.encoding, careful)
            try:
                known = _known(plan, directory, files, opening)
                return _run(plan, directory, _tables(files, opening), known, Path(work), write, ask)
            except pl.exceptions.PolarsError as error:  # its message may quote a cell, and a cell may name a patient
                failed = type(error).__name__
            except OSError as error:
                raise DataError(
                    f"{directory}: cannot write ({error.strerror or error}). Make room and run it again."
                ) from None
    raise DataError(f"{plan.name}: cannot be converted ({failed}). Convert its sources one by one to find the cause.")


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


def _known(plan: Plan, directory: Path, files: list[Path], opening: readers.Opening) -> pl.DataFrame | None:
    """What the files and datasets to exclude ask, and the probes of the project where they are no source themselves."""
    entries = dataset_info.load(directory)
    named = {name: Path(name) for name in plan.exclude}
    for name in plan.exclude:
        if not named[name].exists() and (file := entries.get(name, {}).get("file_name")):
            named[name] = directory / file
    probes = directory / PROBES
    if probes.is_file() and probes.resolve() not in {file.resolve() for file in files}:
        named.setdefault(str(probes), probes)
    asked = []
    for name, path in named.items():
        tables = [table for table in _tables(readers.find([path]), opening) if table.columns]
        try:
            mappings = mapping.choose_asked(tables, plan.map) if tables else []
        except DataError as error:
            raise DataError(*(f"--exclude {name}: {problem}" for problem in error.problems)) from None
        samples = [cleaning.clean(mapping.to_samples(one), Counter(), plan.mask) for one in mappings]
        found = [screening.contamination.questions(one) for one in samples]
        if not sum(one.height for one in found):
            raise DataError(f"--exclude {name}: asks no question. Give a file of questions, or leave it out.")
        asked += found
    return pl.concat(asked) if asked else None


def _run(
    plan: Plan,
    directory: Path,
    tables: list[RawTable],
    known: pl.DataFrame | None,
    work: Path,
    write: bool,
    ask: mapping.Ask | None,
) -> Summary:
    filled = [table for table in tables if table.columns]
    if not filled:
        raise DataError(*(f"{table.source}: {table.why}. Give a table with a header and rows." for table in tables))
    mappings = mapping.choose(filled, plan.map, plan.function, ask)
    chosen = plan.format or _format(mappings)
    masked: Counter[str] = Counter()
    samples = pl.concat([mapping.to_samples(one) for one in mappings])
    if plan.system:
        samples = samples.with_columns(system=pl.col("system").fill_null(pl.lit(plan.system)))
    samples = labelling.stage(cleaning.clean(samples, masked, plan.mask), plan.labels)
    classifier = labelling.train(samples) if plan.learn_labels else None
    if classifier is not None:
        samples = classifier.stage(samples)
    masked.clear()  # learning labels ran what is before it already
    samples = screening.screen(samples, formats.get(chosen).unfit, known)
    if plan.min_score is not None or plan.near_duplicates is not None:  # of near duplicates, the best row is kept
        samples = quality.reject(quality.stage(samples, standard.load(plan.standard)), plan.min_score or 0)
    clusters, notes = None, list[str]()
    if plan.near_duplicates is not None or len(plan.names) > 1:  # what needs all rows at once
        samples = put_by(samples, work / "samples.parquet")
    if plan.near_duplicates is not None:
        samples, clusters = screening.near.stage(samples, plan.near_duplicates)
    if len(plan.names) > 1:
        question = splitting.first_question(pl.col("messages"))
        alike = screening.near.alike(samples, question, splitting.NEAR)
        samples, notes = splitting.stage(samples, plan.shares, plan.seed, alike)
    else:
        samples = samples.with_columns(side=pl.lit(0, dtype=pl.UInt8))

    summary = _write(plan, chosen, directory, samples) if write else _preview(plan, chosen, samples)
    if clusters is not None:
        summary.near_duplicates = int((~clusters["kept"]).sum())
        summary.clusters = clusters["cluster"].n_unique()
        if write:
            listed = screening.near.listed(samples, clusters)
            summary.clusters_file = outputs.note(directory, f"clusters/{plan.name}.jsonl", listed)
    summary.format = chosen
    summary.masked = dict(sorted(masked.items()))
    summary.classifier = classifier.to_dict() if classifier is not None else None
    summary.decisions = _decisions(mappings)
    summary.decisions += [*notes, *_left_out(tables)]
    if write:  # for `llf-kit quality`
        kept = {
            "name": plan.name,
            "identifiers": "mask" if plan.mask else "off",
            "rows": summary.rows,
            **summary.to_dict(),
        }
        record = private_directory(directory) / "converted" / f"{plan.name}.json"
        write_text(record, json.dumps(kept, ensure_ascii=False, indent=2) + "\n", mode=0o600)
    return summary


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


def _left_out(tables: list[RawTable]) -> list[str]:
    """A line a reason why nothing was read of some of the tables."""
    alike: dict[str, list[str]] = {}
    for table in tables:
        if not table.columns:
            alike.setdefault(table.why, []).append(table.source)
    return [f"{_some(sources)}: {why}; nothing read" for why, sources in alike.items()]


def _some(sources: list[str]) -> str:
    shown = 3
    more = f" and {len(sources) - shown} more" if len(sources) > shown else ""
    return ", ".join(sources[:shown]) + more


_KEPT = pl.col("reason").is_null() & ~pl.col("duplicate")


def _counts(samples: pl.LazyFrame) -> pl.LazyFrame:
    turns = pl.col("messages").list.len().max().alias("turns")
    known = rf"^({screening.contamination.REASON}.*):[0-9]+$"  # counted by file; the rejects name the place
    return (
        samples.group_by(pl.col("reason").str.replace(known, "$1"), "duplicate", "side")
        .agg(pl.len(), turns)
        .sort("reason", "duplicate", "side")
    )


_LISTED = ("source", "row", "reason", quality.SCORE, quality.FAULTS, "messages")  # of a rejected row
_GUESSED = ("source", "row", "label", labelling.CONFIDENCE)  # of one whose label was learnt


def _kept(
    samples: pl.LazyFrame, counts: list[pl.DataFrame], rejects: IO[bytes], labelled: Counter[str], guessed: IO[bytes]
) -> pl.LazyFrame:
    """The rows to write. As they pass, all are counted, and the rejected ones are written into ``rejects``.

    ``labelled`` counts who labelled them, and ``guessed`` gets what the classifier said of theirs.
    """

    def account(batch: pl.DataFrame) -> pl.DataFrame:
        counts.append(_counts(batch.lazy()).collect())
        rejected = batch.filter(pl.col("reason").is_not_null())
        if not rejected.is_empty():
            rejected.select(name for name in _LISTED if name in rejected.columns).write_ndjson(rejects)
        kept = batch.filter(_KEPT)
        for origin, number in kept[labelling.LABELLED].value_counts().iter_rows():
            labelled[origin or "unknown"] += number
        if labelling.CONFIDENCE in kept.columns:
            kept.filter(pl.col(labelling.CONFIDENCE).is_not_null()).select(_GUESSED).write_ndjson(guessed)
        return kept

    return through(samples, lambda: account, samples.collect_schema())


def _preview(plan: Plan, format_: str, samples: pl.LazyFrame) -> Summary:
    """What would be written: the counts of all rows, and the first samples in their format."""
    samples = samples.cache()  # both ends read the same pass
    first = formats.get(format_).rows(samples.filter(_KEPT)).head(_EXAMPLES)
    examples, counts = pl.collect_all([first, _counts(samples)], engine="streaming")
    return replace(_count(plan, counts), examples=examples.to_dicts())


def _write(plan: Plan, format_: str, directory: Path, samples: pl.LazyFrame) -> Summary:
    """Run the pipeline once, into all its ends; files and entries appear together at the end, or not at all."""
    chosen = formats.get(format_)
    names = plan.names
    files = {name: plan.container.file_name(name) for name in names}
    rejects = private_directory(directory) / "rejected" / f"{plan.name}.jsonl"
    guessed = private_directory(directory) / "labelled" / f"{plan.name}.jsonl"
    for private in (rejects.parent, guessed.parent):
        private.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as stack:
        places = [stack.enter_context(outputs.whole(directory / file, plan.container)) for file in files.values()]
        rejected = stack.enter_context(stack.enter_context(atomic_path(rejects, mode=0o600)).open("wb"))
        told = stack.enter_context(stack.enter_context(atomic_path(guessed, mode=0o600)).open("wb"))
        labelled: Counter[str] = Counter()
        counts = [_counts(samples.clear()).collect()]  # one to begin with: without rows there is no batch
        kept = _kept(samples, counts, rejected, labelled, told)
        if len(names) > 1:  # all ends read the same pass; a filter that sank below it would make it two
            kept = kept.map_batches(lambda batch: batch, predicate_pushdown=False, streamable=True).cache()
        parts = [kept.filter(pl.col("side") == side) if len(names) > 1 else kept for side in range(len(names))]
        ends = [
            outputs.sink(chosen.rows(part), place, plan.container) for part, place in zip(parts, places, strict=True)
        ]
        pl.collect_all(ends, engine="streaming")
        counted = pl.concat(counts).sort("reason", "duplicate", "side")
        summary = _count(plan, counted)
        before = outputs.split_off(directory, plan.name)
        old = outputs.left_behind(dataset_info.load(directory), {plan.name, *before}, names, plan.container)
        spared = {Path(one).resolve() for one in plan.exclude}  # by name or path: a test set that is not trained on
        old = {
            name: file
            for name, file in old.items()
            if name not in plan.exclude and (directory / file).resolve() not in spared
        }
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
    if not summary.written:
        if not summary.read:
            raise DataError(
                f"{plan.name}: nothing to write: its sources are empty or only a header. Give rows to convert."
            )
        reasons = ", ".join(f"{number} × {reason}" for reason, number in summary.reasons.items())
        raise DataError(
            f"{plan.name}: nothing to write out of {summary.read} rows ({reasons}). "
            f"{rejects.relative_to(directory)} has the place of each; check the mapping."
        )
    for file in old.values():
        outputs.remove(directory / file)
    if not guessed.stat().st_size:
        guessed.unlink()
    summary.labelled = dict(sorted(labelled.items()))
    summary.files = list(files.values())
    summary.rejects_file = str(rejects.relative_to(directory)) if summary.rejected else None
    return summary


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
