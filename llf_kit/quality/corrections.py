"""An edited sheet, read back: everything is checked first, then the dataset is corrected, all of it or nothing.

A row that was dropped, and the old text of one that was edited, stay in ``.llf-kit/quality/NAME_changes.jsonl``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit import cleaning, registered, spreadsheet
from llf_kit.errors import DataError
from llf_kit.project import private_directory
from llf_kit.quality.rows import PLACE, digest, ends, place
from llf_kit.quality.sheet import COLUMNS, DECISIONS, HIDDEN
from llf_kit.quality.words import LANGUAGES, words
from llf_kit.registered import converted, editing
from llf_kit.schema import NOTHING, SAMPLE

_NEW = ("question", "answer")


@dataclass(frozen=True)
class Applied:
    """What was done: rows by decision, how many ``rows`` the dataset has now, and what ``changes`` each place had.

    ``masked`` counts identifiers that stood in the new texts, by kind; ``listed`` is the file with old and new texts.
    """

    kept: int
    edited: int
    dropped: int
    undecided: int
    rows: int
    changes: list[tuple[str, str]]
    masked: dict[str, int] = field(default_factory=dict)
    listed: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """What ``quality --apply --json`` prints."""
        return asdict(self)


@dataclass(frozen=True)
class _Line:
    """A line of the sheet: its number, and its cells by the names of the columns."""

    number: int
    cells: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A cell's text; empty where there is none."""
        value = self.cells[name]
        return "" if value is None else str(value).strip()


def apply(directory: Path, name: str, path: Path) -> Applied:
    """Correct the dataset ``name`` by the sheet in ``path``.

    Raises:
        DataError: the sheet is not one of this dataset, something in it is wrong, or the data have changed since; all
            of it at once, and nothing is written.
        UsageError: there is no such dataset.
    """
    dataset = registered.find(directory, name)
    lines, written, decisions, problems = _read(path, name)
    samples = registered.samples(dataset).with_columns(place())
    rows = {row[PLACE]: row for row in samples.iter_rows(named=True)}
    problems += _compared(path, lines, written, rows)
    chosen: dict[str, tuple[str, dict[str, str]]] = {}
    for line in lines:
        where = f"{path.name}:{line.number}"
        decision = decisions.get(line.text("decision").casefold(), "" if not line.text("decision") else None)
        new = {one: line.text(f"new_{one}") for one in _NEW if line.text(f"new_{one}")}
        if decision is None:
            known = ", ".join(sorted(decisions))
            problems.append(f"{where}: the decision is not one of: {known}. Choose one, or leave it empty.")
            continue
        if new and decision != "edit":
            problems.append(f"{where}: has a corrected text, and the decision is not edit. Choose edit, or clear it.")
        if decision == "edit" and not new:
            problems.append(f"{where}: says edit and has no corrected text. Write it, or choose another decision.")
        if rows.get(line.text("place")) and new:
            asked, answer = ends(rows[line.text("place")]["messages"] or [])
            if ("question" in new and asked is None) or ("answer" in new and answer is None):
                problems.append(f"{where}: corrects a text that this row does not have. Clear it.")
        chosen[line.text("place")] = (decision, new)
    if problems:
        raise DataError(*problems)
    edits = {where: new for where, (decision, new) in chosen.items() if decision == "edit"}
    drops = {where for where, (decision, _) in chosen.items() if decision == "drop"}
    if len(drops) == len(rows):
        raise DataError(f"{path}: drops every row of {name}. Remove the dataset instead, or keep some.")
    edits, masked = _cleaned(edits, directory, name, path)
    listed = _list(directory, name, edits, drops, rows)
    if edits or drops:
        editing.edit(dataset, edits, drops)
    counts = Counter(decision for decision, _ in chosen.values())
    changes = [(where, "edited: " + ", ".join(new)) for where, new in edits.items()]
    changes += [(where, "dropped") for where in sorted(drops)]
    left = len(rows) - len(drops)
    kept, edited, dropped, undecided = (counts[decision] for decision in (*DECISIONS, ""))
    return Applied(kept, edited, dropped, undecided, left, changes, dict(sorted(masked.items())), listed)


def _read(path: Path, name: str) -> tuple[list[_Line], list[tuple[str, str]], dict[str, str], list[str]]:
    """The lines of the sheet, the places and ids that were written, the decisions by their words, and what is wrong."""
    book = spreadsheet.load(path, "--excel")
    if HIDDEN not in book.sheetnames:
        raise DataError(f"{path}: was not written by llf-kit quality. Make one: llf-kit quality {name} --excel FILE.")
    (made_for, language), *written = ((row[0], row[1]) for row in book[HIDDEN].iter_rows(max_col=2, values_only=True))
    if made_for != name or language not in LANGUAGES:
        raise DataError(f"{path}: is a sheet of the dataset {made_for!r}. Give --apply that of {name!r}.")
    said = words(language)
    sheet = book[book.sheetnames[0]]
    headings = {str(cell.value): cell.column for cell in sheet[1] if cell.value is not None}
    missing = [said[column] for column in COLUMNS if said[column] not in headings]
    if missing:
        raise DataError(f"{path}: has no column {', '.join(missing)}. Put back the headings, or make the sheet anew.")
    lines, problems = [], []
    for cells in sheet.iter_rows(min_row=2):
        named = {column: cells[headings[said[column]] - 1] for column in COLUMNS}
        if all(cell.value is None for cell in named.values()):
            continue
        number = cells[0].row
        problems += [
            f"{path.name}:{number}: {said[column]} is a formula. Enter it as text, with ' in front."
            for column in ("new_question", "new_answer", "decision")
            if named[column].data_type == "f"
        ]
        lines.append(_Line(number, {column: cell.value for column, cell in named.items()}))
    decisions = {word.casefold(): decision for decision, word in said["decisions_named"].items()}
    return lines, [(str(one), str(two)) for one, two in written], decisions, problems


def _compared(
    path: Path, lines: list[_Line], written: list[tuple[str, str]], rows: Mapping[str, dict[str, Any]]
) -> Iterator[str]:
    """What is wrong with the places and ids of the sheet, against what was written into it and against the dataset."""
    ids = dict(written)
    seen: set[str] = set()
    for line in lines:
        where, told = f"{path.name}:{line.number}", line.text("place")
        if told not in ids:
            yield f"{where}: its place was changed, or the line is new. Put it back as it was."
        elif told in seen:
            yield f"{where}: its place stands twice. Delete the copy."
        elif line.text("id") != ids[told]:
            yield f"{where}: its id was changed. Put it back: {ids[told]}."
        elif told not in rows or digest(rows[told]) != ids[told]:
            yield f"{where}: the row has changed since the sheet was made. Make the sheet anew, and edit that one."
        seen.add(told)
    for gone in ids.keys() - seen:
        yield f"{path.name}: the line of {gone} was deleted. Put it back; to delete the row itself, choose drop."


def _cleaned(
    edits: Mapping[str, dict[str, str]], directory: Path, name: str, path: Path
) -> tuple[dict[str, dict[str, str]], Mapping[str, int]]:
    """The new texts as the conversion would have cleaned them: a person may type a name, too. And what was masked.

    Where the conversion rejects rows with identifiers, these are masked: the person has decided to keep the row.

    Raises:
        DataError: nothing is left of one.
    """
    texts = [(where, one, text) for where, new in edits.items() for one, text in new.items()]
    frame = pl.DataFrame(
        [
            {"source": where, "row": number, "messages": [{"role": "user", "content": text}]}
            for number, (where, _, text) in enumerate(texts)
        ],
        schema=SAMPLE,
    )
    done = cleaning.Cleaned()
    record = converted.made_by(directory, name) or {}
    made = cleaning.as_converted(frame.lazy(), record, private_directory(directory), done).sort("row").collect()
    cleaned: dict[str, dict[str, str]] = {}
    for (where, one, _), turns in zip(texts, made["messages"].to_list(), strict=True):
        cleaned.setdefault(where, {})[one] = turns[0]["content"]
    empty = pl.Series([text for new in cleaned.values() for text in new.values()], dtype=pl.String).str.contains(
        NOTHING
    )
    if empty.any():
        raise DataError(f"{path}: {int(empty.sum())} corrected texts say nothing. Write them, or choose drop.")
    return cleaned, done.found.counts


def _list(
    directory: Path,
    name: str,
    edits: Mapping[str, dict[str, str]],
    drops: set[str],
    rows: Mapping[str, dict[str, Any]],
) -> str | None:
    """Note old and new texts before anything is replaced; where."""
    if not edits and not drops:
        return None
    path = private_directory(directory) / "quality" / f"{name}_changes.jsonl"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as notes:
        for where in (*edits, *sorted(drops)):
            note = {"place": where, "decision": "edit" if where in edits else "drop", "new": edits.get(where)}
            old = {key: rows[where][key] for key in ("messages", "system", "rejected", "label")}
            notes.write(json.dumps({**note, "old": old}, ensure_ascii=False) + "\n")
    return str(path.relative_to(directory))
