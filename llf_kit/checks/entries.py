"""dataset_info.json: entries that are missing, misspelt, or leave a column to become None without a word."""

from __future__ import annotations

import codecs
import locale
from collections.abc import Iterator
from pathlib import Path

from llf_kit.checks.subject import Severity, Subject
from llf_kit.errors import ConfigError, did_you_mean
from llf_kit.project import DATASET_INFO, is_dataset_name
from llf_kit.schema import Finding
from llf_kit.upstream.dataset_entries import Dataset, names

# data/parser.py of LLaMA-Factory 0.9.5
KEYS = (
    *("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name", "file_name", "formatting", "ranking"),
    *("subset", "split", "folder", "num_samples", "columns", "tags"),
)
COLUMNS = (
    *("prompt", "query", "response", "history", "messages", "system", "tools", "images", "videos", "audios"),
    *("chosen", "rejected", "kto_tag"),
)
TAGS = ("role_tag", "content_tag", "user_tag", "assistant_tag", "observation_tag", "function_tag", "system_tag")
FORMATTINGS = ("alpaca", "sharegpt", "openai")
ENDINGS = {"arrow": "arrow", "csv": "csv", "json": "json", "jsonl": "json", "parquet": "parquet", "txt": "text"}
_ELSEWHERE = ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the entries that the YAML names."""
    wanted = [(key, name) for key in ("dataset", "eval_dataset") for name in names(subject.config.values.get(key))]
    if not wanted or str(subject.dataset_dir).startswith(("ONLINE", "REMOTE:")):
        return
    try:
        entries = subject.dataset_info
    except ConfigError as error:
        where, _, rest = error.problems[0].partition(": ")
        message, _, hint = rest.partition(". ")
        yield Finding("entries", "error", message, hint, where)
        return
    yield from _text(subject)
    for key, name in wanted:
        if not is_dataset_name(name):
            message = f"{key}: the name {name!r} has more than ASCII letters, digits, _ and -"
            yield subject.finding("entries", "warning", key, message, "Rename it: such names break in comma lists.")
        if name not in entries:
            message = f"{key}: {DATASET_INFO} has no entry {name!r}"
            yield subject.finding("entries", "error", key, message, did_you_mean(name, entries))
    for dataset in subject.datasets:
        where = f"{subject.dataset_dir / DATASET_INFO}: {dataset.name}"
        for severity, message, hint in _entry(dataset):
            yield Finding("entries", severity, message, hint, where)
        for severity, message, hint in _stage(subject, dataset):
            yield Finding("entries", severity, message, hint, where)


def _text(subject: Subject) -> Iterator[Finding]:
    """Upstream opens dataset_info.json in the encoding of the locale, whatever that is."""
    path = subject.dataset_dir / DATASET_INFO
    if path.read_bytes().isascii():
        return
    encoding = locale.getpreferredencoding(do_setlocale=False)
    utf8 = codecs.lookup(encoding).name == "utf-8"
    message = f"it is not ASCII, and upstream reads it in the locale's encoding, which is {encoding} here"
    hint = "Write it ASCII-escaped, as llf-kit convert does."
    yield Finding("entries", "info" if utf8 else "error", message, hint, str(path))


Said = tuple[Severity, str, str]


def _unknown(what: str, given: object, known: tuple[str, ...]) -> Iterator[Said]:
    if not isinstance(given, dict):
        yield "error", f"{what} is not an object", "Write it as {…}."
        return
    for key in given:
        if key not in known:
            said = did_you_mean(str(key), known)
            yield "error", f"{what} has an unknown key {key!r}, which upstream ignores without a word", said


def _entry(dataset: Dataset) -> Iterator[Said]:
    entry = dataset.entry
    yield from _unknown("the entry", entry, KEYS)
    formatting = entry.get("formatting", "alpaca")
    if formatting not in FORMATTINGS:
        yield "error", f"formatting {formatting!r} is unknown", did_you_mean(str(formatting), FORMATTINGS)
    if "columns" in entry:
        yield from _unknown("columns", entry["columns"], COLUMNS)
    if "tags" in entry:
        yield from _unknown("tags", entry["tags"], TAGS)
    if any(key in entry for key in _ELSEWHERE):
        yield "info", "its rows lie on a hub and were not looked at", "Check them with llf-kit inspect."
    elif "file_name" not in entry:
        yield "error", "it names no file_name", "Add file_name."
    elif dataset.path is None:
        yield "error", f"{entry['file_name']} is not there", "Correct file_name; it is relative to dataset_dir."
    else:
        yield from _files(dataset.files)


def _files(files: list[Path]) -> Iterator[Said]:
    kinds = {ENDINGS.get(file.suffix.removeprefix(".")) for file in files}
    if not files:
        yield "error", "its folder is empty", "Put its files there."
    elif None in kinds:
        odd = next(file for file in files if ENDINGS.get(file.suffix.removeprefix(".")) is None)
        yield "error", f"{odd.name} is of a kind that upstream does not load", f"Known: {', '.join(ENDINGS)}."
    elif len(kinds) > 1:
        yield "error", "its folder holds files of several kinds", "Keep one kind."


def _stage(subject: Subject, dataset: Dataset) -> Iterator[Said]:
    """Whether the stage can use what the entry holds; where it cannot, upstream drops every row."""
    if subject.verb != "train":
        return
    columns = dataset.entry.get("columns", {})
    ranking, judged = dataset.entry.get("ranking") is True, isinstance(columns, dict) and "kto_tag" in columns
    if subject.stage in ("rm", "dpo") and not ranking:
        yield (
            "error",
            f"stage {subject.stage} needs pairs, and the entry has no ranking",
            "Convert with --format preference.",
        )
    elif ranking and subject.stage not in ("rm", "dpo", "sft"):  # data/loader.py, which refuses them
        yield "error", f"stage {subject.stage} does not take pairs", "Set stage: dpo."
    elif subject.stage == "kto" and not judged:
        yield "error", "stage kto needs judged answers, and columns has no kto_tag", "Convert with --format kto."
    elif subject.stage == "sft" and (ranking or judged):
        what = "pairs" if ranking else "judged answers"
        yield "error", f"stage sft drops {what}", "Set stage: dpo." if ranking else "Set stage: kto."
    elif subject.stage == "pt" and isinstance(columns, dict) and {"response", "messages"} & set(columns):
        yield (
            "error",
            "stage pt trains on the first question alone: answers are left out",
            "Convert with --format pretrain.",
        )
