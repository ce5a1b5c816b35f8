"""Raw files → a dataset that LLaMA-Factory reads: stages 1 to 6 as one pipeline with two ends.

Nothing is dropped silently: ``read = written + duplicates + rejected``, always.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import polars as pl

from llf_kit import cleaning, dataset_info, formats, labelling, mapping, outputs, readers, screening, splitting
from llf_kit.batches import put_by
from llf_kit.convert import decisions, ends
from llf_kit.convert.plan import Plan, Summary
from llf_kit.errors import DataError
from llf_kit.project import PROBES, check_dataset_name, private_directory, write_text
from llf_kit.schema import RawTable
from llf_kit.screening import quality, standard

__all__ = ["Plan", "Summary", "convert"]

_Clean = Callable[..., pl.LazyFrame]  # of samples, with `done`, as :func:`cleaning.clean` with the plan's choices


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
    splitting.parts(plan.test, plan.val, plan.folds)
    if plan.near_duplicates is not None:
        screening.near.check(plan.near_duplicates)
    # Before any work: it must not be found out after an hour.
    made = {name: plan.container.file_name(name) for name in plan.names}
    dataset_info.check_ours(directory, made, outputs.file_names)
    files = readers.find(plan.sources)
    private = private_directory(directory)
    style = cleaning.text.Style(plan.notation, plan.script)
    policy = cleaning.identifiers.policy(plan.identifiers, private, keep=write)
    clean = partial(cleaning.clean, style=style, policy=policy)
    with tempfile.TemporaryDirectory(dir=private, prefix="work-") as work:
        # The fast parser refuses a damaged table as a whole. The careful one takes it apart, row by row.
        for careful in (False, True):
            opening = readers.Opening(Path(work), plan.encoding, careful)
            try:
                known = _known(plan, directory, files, opening, clean)
                mappings, notes = _understood(plan, _tables(files, opening), ask)
                summary = _run(plan, directory, mappings, known, clean, Path(work), write)
                summary.decisions += notes
                if write:
                    _remember(plan, directory, summary)
                return summary
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


def _known(
    plan: Plan, directory: Path, files: list[Path], opening: readers.Opening, clean: _Clean
) -> pl.DataFrame | None:
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
        samples = [clean(mapping.to_samples(one), done=cleaning.Cleaned()) for one in mappings]
        found = [screening.contamination.questions(one) for one in samples]
        if not sum(one.height for one in found):
            raise DataError(f"--exclude {name}: asks no question. Give a file of questions, or leave it out.")
        asked += found
    return pl.concat(asked) if asked else None


def _understood(plan: Plan, tables: list[RawTable], ask: mapping.Ask | None) -> tuple[list[mapping.Mapping], list[str]]:
    """The mapping of every table that has rows, and a line a reason why nothing is read of the others."""
    filled = [table for table in tables if table.columns]
    if not filled:
        raise DataError(*(f"{table.source}: {table.why}. Give a table with a header and rows." for table in tables))
    return mapping.choose(filled, plan.map, plan.function, ask), decisions.left_out(tables)


def _run(
    plan: Plan,
    directory: Path,
    mappings: list[mapping.Mapping],
    known: pl.DataFrame | None,
    clean: _Clean,
    work: Path,
    write: bool,
) -> Summary:
    chosen = plan.format or decisions.format_of(mappings)
    done = cleaning.Cleaned()
    samples = pl.concat([mapping.to_samples(one) for one in mappings])
    if plan.system:
        samples = samples.with_columns(system=pl.col("system").fill_null(pl.lit(plan.system)))
    samples = labelling.stage(clean(samples, done=done), plan.labels)
    classifier = labelling.train(samples) if plan.learn_labels else None
    if classifier is not None:
        samples = classifier.stage(samples)
    done.clear()  # learning labels ran what is before it already
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

    summary = ends.write(plan, chosen, directory, samples) if write else ends.preview(plan, chosen, samples)
    if clusters is not None:
        summary.near_duplicates = int((~clusters["kept"]).sum())
        summary.clusters = clusters["cluster"].n_unique()
        if write:
            listed = screening.near.listed(samples, clusters)
            summary.clusters_file = outputs.note(directory, f"clusters/{plan.name}.jsonl", listed)
    summary.format = chosen
    summary.changed = dict(sorted(done.changes.counts.items()))
    summary.changes = dict(sorted(done.changes.examples.items()))
    summary.masked = dict(sorted(done.found.counts.items()))
    summary.classifier = classifier.to_dict() if classifier is not None else None
    summary.decisions = [*decisions.read_as(mappings), *notes]
    if write:
        summary.identifiers_file = _report(plan, directory, done.found)
    return summary


def _report(plan: Plan, directory: Path, found: cleaning.identifiers.Found) -> str | None:
    """Write what was found for the owner's eyes, or take away what an earlier conversion found."""
    path = private_directory(directory) / "identifiers" / f"{plan.name}.json"
    if not found.contexts:
        path.unlink(missing_ok=True)
        return None
    found.write(path)
    return str(path.relative_to(directory))


def _remember(plan: Plan, directory: Path, summary: Summary) -> None:
    """Keep what happened, for ``llf-kit quality``."""
    chosen = {"name": plan.name, "identifiers": plan.identifiers, "notation": plan.notation, "script": plan.script}
    kept = {**chosen, "rows": summary.rows, **summary.to_dict()}
    record = private_directory(directory) / "converted" / f"{plan.name}.json"
    write_text(record, json.dumps(kept, ensure_ascii=False, indent=2) + "\n", mode=0o600)
