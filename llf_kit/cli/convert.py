"""``llf-kit convert``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say


@click.command()
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path))
@click.option("--name", help="Name of the dataset: ASCII letters, digits, _ and -.")
@click.option("--format", "format_", help="alpaca, sharegpt, openai, preference, preference_sharegpt, kto or pretrain; "
                                          "by default the one that holds what the files say.")  # fmt: skip
@click.option("--file-type", help="jsonl (default), json or parquet.")
@click.option("--shard-rows", type=int, help="Write a folder of files of so many rows each, for large sets.")
@click.option("--map", "map_", multiple=True, metavar="ROLE=COLUMN", callback=_options.pairs,
              help="Which column is the question, answer, context, title, system, options, explanation, thought, "
                   "label, messages, history, tools, chosen, rejected, answers, scores, desirable, text. Columns are "
                   "found by their names and values; give what is not found.")  # fmt: skip
@click.option("--system", help="System prompt for the rows that bring none.")
@click.option("--encoding", help="Encoding of the text files; found out when not given.")
@click.option("--test", type=float, help="Share of the rows kept for testing, such as 0.1; training never sees them.")
@click.option("--val", type=float, help="Share of the rows kept for validation while training, such as 0.1.")
@click.option(
    "--folds",
    type=int,
    help="Write so many sets NAME_fold1 … of about equal size, for cross-validation, instead of one.",
)
@click.option("--seed", type=int, help="Another number gives another split (default 42).")
@click.option("--near-duplicates", type=float, metavar="SIMILARITY",
              help="Leave out rows as alike as this, such as 0.9; never rows that differ in a number, unit, sex, age "
                   "or specimen.")  # fmt: skip
@click.option("--exclude", multiple=True, metavar="FILE|NAME",
              help="Reject rows that ask what this file or dataset asks: a test set, a benchmark.")  # fmt: skip
@click.option("--learn-labels", is_flag=True, help="Learn labels from the labelled rows for the others; what "
              "it is not sure of stays without one. Keywords a label stand in llf-kit.yaml: `labels:`.")  # fmt: skip
@click.option("--min-score", type=click.FloatRange(0, 100), help="Reject rows with a lower score, each with "
              "its score and faults; `llf-kit quality NAME` shows the scores.")  # fmt: skip
@click.option("--identifiers", type=click.Choice(["mask", "pseudonym", "reject", "off"]), help="What becomes of names, "
              "numbers, addresses … of persons: a placeholder (mask, default), the same made-up one each time "
              "(pseudonym), the row is rejected, or nothing (off).")  # fmt: skip
@click.option("--notation", type=click.Choice(["keep", "superscript", "caret"]),
              help="Powers as they are (default), as 10⁹/L, or as 10^9/L.")  # fmt: skip
@click.option("--script", type=click.Choice(["simplified", "traditional"]), help="Write all Chinese in one script.")
@click.option("--show-changes", is_flag=True, help="Show the first change of each kind, before and after.")
@click.option("--dry-run", is_flag=True, help="Show the decision, ten samples and the counts; write nothing.")
@_options.as_json
def command(
    sources: tuple[Path, ...],
    name: str | None,
    format_: str | None,
    file_type: str | None,
    shard_rows: int | None,
    map_: dict[str, str],
    system: str | None,
    encoding: str | None,
    test: float | None,
    val: float | None,
    folds: int | None,
    seed: int | None,
    near_duplicates: float | None,
    exclude: tuple[str, ...],
    learn_labels: bool,
    min_score: float | None,
    identifiers: str | None,
    notation: str | None,
    script: str | None,
    show_changes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Turn raw files into a dataset that LLaMA-Factory reads.

    csv, tsv, xlsx, xls, json, jsonl, xml, docx, md, html, txt, parquet, arrow, zip, gz, and
    folders of them. Writes datasets/NAME.jsonl and registers it in dataset_info.json here.
    """
    from llf_kit import formats
    from llf_kit.cli._wizard import wizard
    from llf_kit.convert import Plan, convert
    from llf_kit.outputs import Container
    from llf_kit.project import Training, load_settings

    here = Path.cwd()
    settings = load_settings(here)
    chosen = sources or tuple(here / source for source in settings.sources)
    chosen_name = name or settings.name
    if not chosen:
        raise click.UsageError("Give the files to convert, or `sources` in llf-kit.yaml.")
    if not chosen_name:
        raise click.UsageError("Give the dataset a name: --name lab_qa, or `name` in llf-kit.yaml.")
    said = Plan.of(settings, here)
    given: dict[str, Any] = {
        "format": format_ or None,
        "system": system or None,
        "encoding": encoding or None,
        "test": test,
        "val": val,
        "folds": folds,
        "seed": seed,
        "near_duplicates": near_duplicates,
        "learn_labels": learn_labels or None,
        "min_score": min_score,
        "identifiers": identifiers,
        "notation": notation,
        "script": script,
    }
    plan = replace(
        said,
        name=chosen_name,
        sources=chosen,
        container=Container(file_type or settings.file_type, settings.shard_rows if shard_rows is None else shard_rows),
        map={**said.map, **map_},
        exclude=(*said.exclude, *exclude),
        **{name: value for name, value in given.items() if value is not None},
    )
    summary = convert(plan, here, write=not dry_run, ask=None if as_json else wizard())
    for decision in summary.decisions:
        say(f"  {decision}")
    if as_json:
        _options.print_json(summary.to_dict())
        return
    for example in summary.examples:
        click.echo(json.dumps(example, ensure_ascii=False))
    say(f"  format {summary.format}")
    say(
        f"read {summary.read} = written {summary.written} + duplicates {summary.duplicates} "
        f"+ rejected {summary.rejected}"
    )
    for file, rows in zip(summary.files, summary.rows.values(), strict=False):
        say(f"  written   {file} ({rows} rows)")
    if summary.clusters:
        say(f"  near      {summary.near_duplicates} of the duplicates; clusters: {summary.clusters}")
        if summary.clusters_file:
            say(f"            each with the row that stays in {summary.clusters_file}")
    if summary.rejected:
        say(f"  rejected  {_counted(summary.reasons)}")
        if summary.rejects_file:
            say(f"            each with its place in {summary.rejects_file}")
    if summary.changed:
        say(f"  changed   {_counted(summary.changed)} (texts)")
    if show_changes:
        for kind, (before, after) in summary.changes.items():
            say(f"            {kind}: {before!r} → {after!r}")
        for kind in summary.changed.keys() - summary.changes.keys():
            say(f"            {kind}: not shown, for there are identifiers beside it")
    if summary.masked:
        say(f"  {'masked   ' if plan.identifiers == 'mask' else 'found    '} {_counted(summary.masked)}")
    if summary.identifiers_file:
        say(f"            each kind with masked context in {summary.identifiers_file}")
    if summary.flagged:
        say(f"  flagged   {_counted(summary.flagged)} (rows)")
    if summary.labelled.keys() - {"column", "unknown"}:
        say(f"  labelled  {_counted(summary.labelled)}")
    if learnt := summary.classifier:
        right = "of none is it sure" if learnt["accuracy"] is None else f"right in {learnt['accuracy']:.1%} of them"
        say(f"  classifier, cross-validated: sure of {learnt['sure']:.1%} of the questions, {right}")
    if dry_run:
        say("nothing was written (--dry-run)")
        return
    template = formats.get(summary.format).template
    if template == Training().template:  # supervised, for which the project may have chosen another way
        template = settings.train.template
    say(f"next: llf-kit render {template} {_datasets(plan.names)} -o {template.partition('/')[2]}.yaml")


def _datasets(names: list[str]) -> str:
    """What to train on and what to validate with, as options of render: of folds, the last is left out of training."""
    folds = [name for name in names if "_fold" in name]
    trained, held = (folds[:-1], folds[-1]) if folds else (names[:1], names[0] + "_val")
    return f"--set dataset={','.join(trained)}" + (f" --set eval_dataset={held}" if held in names else "")


def _counted(counts: dict[str, int]) -> str:
    return "; ".join(f"{number} × {kind}" for kind, number in counts.items())
