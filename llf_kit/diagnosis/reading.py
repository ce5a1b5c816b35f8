"""CASES → cases: from any file that `convert` reads too, by the names of its columns."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from llf_kit import readers
from llf_kit.cleaning import identifiers
from llf_kit.diagnosis.cases import Case, Read
from llf_kit.diagnosis.rules import GOOD, Rules
from llf_kit.errors import DataError, UsageError, did_you_mean, nearest
from llf_kit.mapping.columns import find, plain
from llf_kit.mapping.rows import value_of
from llf_kit.project import private_directory
from llf_kit.schema import NOTHING, Language, RawTable, mostly

_SEVERAL = re.compile(r"[;；|｜\n、，,]+")  # between two symptoms in a cell
_NOTHING = re.compile(NOTHING)
_SHOWN = 30  # characters of a word that is not understood


@dataclass(frozen=True)
class Row:
    """A row that asks something: its texts by role, and every answer to it."""

    place: str
    cells: Mapping[str, str]
    answers: tuple[str, ...]


def read(directory: Path, path: Path, given: Mapping[str, str], rules: Rules, language: Language | None = None) -> Read:
    """The cases in ``path``; ``given`` names the column of a role and wins over what is found.

    A row without a question is no case and counted; words for a symptom or an answer that are not understood are told.

    Raises:
        UsageError: a role of ``given`` is not known.
        DataError: the file cannot be read, has no question, or a given column is not there.
    """
    for role in given:
        if role not in rules.columns:
            raise UsageError(f"--map {role}=…: there is no such role. {did_you_mean(role, rules.columns)}")
    files = readers.find([path])
    left: Counter[str] = Counter()
    columns: dict[str, str] = {}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=private_directory(directory), prefix="work-") as work:
        # As in `convert`: the fast parser refuses a damaged table, the careful one takes it apart.
        for careful in (False, True):
            try:
                tables = [
                    one for file in files for one in readers.read(file, readers.Opening(Path(work), None, careful))
                ]
                left.clear()
                columns, rows = _rows(path, tables, given, rules, left)
                break
            except pl.exceptions.PolarsError as error:  # its message may quote a cell
                failed = type(error).__name__
        else:
            raise DataError(f"{path}: cannot be read ({failed}). Save it as xlsx or UTF-8 csv.")
    if not rows:
        why = "; ".join(f"{number} rows: {reason}" for reason, number in left.items())
        found = f"holds no case ({why})" if why else "holds no case"
        raise DataError(f"{path}: {found}. Give a question a row, with its answer and its symptom.")
    return cases(rows, columns, left, rules, language or mostly(row.cells["question"] for row in rows))


def _rows(
    path: Path, tables: Sequence[RawTable], given: Mapping[str, str], rules: Rules, left: Counter[str]
) -> tuple[dict[str, str], list[Row]]:
    filled = [table for table in tables if table.columns]
    if not filled:
        raise DataError(*(f"{table.source}: {table.why}. Give a table with a header and rows." for table in tables))
    every = list(dict.fromkeys(name for table in filled for name in table.columns))
    if missing := [f"--map {role}={name}" for role, name in given.items() if name not in every]:
        raise DataError(*(f"{one}: {path} has no such column. There are: {', '.join(every)}." for one in missing))
    columns: dict[str, str] = {}
    rows: list[Row] = []
    for table in filled:
        roles, more = _roles(table.columns, given, rules)
        if "question" not in roles:
            left["in a table without a column of questions"] += table.rows.select(pl.len()).collect().item()
            continue
        columns = columns or roles
        for row in table.rows.select("source", "row", "reason", "raw").collect().iter_rows(named=True):
            if row["reason"] is not None:
                left[row["reason"]] += 1
                continue
            # `无` says nothing in a text, and no to a question
            cells = {
                role: (row["raw"][name] or "").strip() if role in rules.questions else _cell(row["raw"][name])
                for role, name in roles.items()
            }
            if not cells["question"]:
                left["without a question"] += 1
                continue
            said = (cells.get("answer", ""), *(_cell(row["raw"][name]) for name in more), *_listed(cells))
            rows.append(Row(f"{row['source']}:{row['row']}", cells, tuple(filter(None, said))))
    if not columns:
        raise DataError(f"{path}: no column of questions among: {', '.join(every)}. Name it: --map question=COLUMN")
    return columns, rows


def _roles(columns: Sequence[str], given: Mapping[str, str], rules: Rules) -> tuple[dict[str, str], list[str]]:
    """Role → heading, and the headings of further answers (``回答2``, ``answer 3``)."""
    here = {role: name for role, name in given.items() if name in columns}
    roles = find(columns, here, {role: tuple(map(plain, names)) for role, names in rules.columns.items()})
    if "question" not in roles and "prompt" in roles:
        roles["question"] = roles.pop("prompt")  # what was asked is all that was given
    answers = "|".join(map(re.escape, map(plain, rules.columns["answer"])))
    free = [name for name in columns if name not in roles.values()]
    more = [name for name in free if re.fullmatch(rf"(?:{answers})\d+", plain(name))]
    return roles, more


def _listed(cells: Mapping[str, str]) -> list[str]:
    """Several answers in one cell: a list of texts, else a line each."""
    listed = value_of(cells.get("answers"))
    if isinstance(listed, list):
        return [one.strip() for one in listed if isinstance(one, str)]
    return [line.strip() for line in cells.get("answers", "").splitlines()]


def _cell(value: str | None) -> str:
    text = (value or "").strip()
    return "" if _NOTHING.match(text) else text


def cases(
    rows: Sequence[Row], columns: dict[str, str], left: Mapping[str, int], rules: Rules, language: Language
) -> Read:
    """The rows as cases; words that are not understood are told in the notes."""
    said = rules.words[language]
    notes: list[str] = []
    made = []
    for row in rows:
        symptoms, unknown = named(row.cells.get("symptom", ""), rules)
        for word in unknown:
            near = nearest(word, rules.known()) if len(word) <= _SHOWN else None
            names = ", ".join(
                sorted(rules.say(name, language) for name in rules.symptoms)
            )  # not all of their spellings
            hint = said["meant"].format(near=near) if near else said["known"].format(names=names)
            shown = identifiers.mask(word)[:_SHOWN]
            notes.append(f"{row.place}: {said['unknown_symptom'].format(text=shown, hint=hint)}")
        told = {}
        for question in rules.questions:
            word = row.cells.get(question, "")
            answer = rules.yes(word) if word else None
            if answer is not None:
                told[question] = answer
            elif word:
                notes.append(f"{row.place}: {columns[question]}: neither yes nor no. Write one of: "
                             f"{', '.join(sorted({*said_words(rules)}))}.")  # fmt: skip
        wrong = tuple(one for one in symptoms if one != GOOD)
        good = GOOD in symptoms and not wrong
        made.append(
            Case(
                row.place,
                row.cells["question"],
                row.answers,
                row.cells.get("expected", ""),
                row.cells.get("prompt", ""),
                wrong,
                tuple(unknown),
                good,
                told,
            )
        )
    return Read(made, notes, dict(left), columns)


def named(text: str, rules: Rules) -> tuple[list[str], list[str]]:
    """The symptoms that a cell names, one or several, and the words in it that name none."""
    if not text:
        return [], []
    if (whole := rules.symptom(text)) is not None:
        return [whole], []
    known: list[str] = []
    unknown: list[str] = []
    for word in filter(None, (part.strip() for part in _SEVERAL.split(text))):
        found = rules.symptom(word)
        if found is None:
            unknown.append(word)
        elif found not in known:
            known.append(found)
    return known, unknown


def said_words(rules: Rules) -> Iterator[str]:
    """How yes and no are written on a sheet."""
    for words in rules.words.values():
        yield from (words["said_yes"], words["said_no"])
