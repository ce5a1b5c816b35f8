"""CASES: a sheet of ours that comes back filled in, every slip told with its cell, or any other file of cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llf_kit import spreadsheet
from llf_kit.diagnosis import reading
from llf_kit.diagnosis.cases import Read
from llf_kit.diagnosis.rules import Rules
from llf_kit.diagnosis.sheet import HIDDEN, digest, headings, is_text
from llf_kit.errors import DataError
from llf_kit.schema import LANGUAGES, Language

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_WRITER = "llf-kit diagnose --excel"
_MOST = 100  # answers to one question on a sheet


def read(directory: Path, path: Path, given: Mapping[str, str], rules: Rules, language: Language | None = None) -> Read:
    """The cases in ``path``.

    Raises:
        UsageError, DataError: as :func:`.reading.read`; a sheet of ours has slips, all of them at once.
    """
    if _is_ours(path):
        return _read_sheet(path, rules)
    return reading.read(directory, path, given, rules, language)


def _is_ours(path: Path) -> bool:
    if path.suffix.lower() != ".xlsx" or not path.is_file():
        return False
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True)
    except Exception:  # openpyxl's have no common root; the reader of cases says what is wrong
        return False
    try:
        return HIDDEN in book.sheetnames
    finally:
        book.close()


def _read_sheet(path: Path, rules: Rules) -> Read:
    book = spreadsheet.load(path, _WRITER)
    language, sheet, places = _page(book, path, rules)
    wanted = [str(line[0].value) for line in book[HIDDEN].iter_rows() if line[0].value]
    problems: list[str] = []
    rows: dict[str, reading.Row] = {}
    for line in sheet.iter_rows(min_row=2):
        cells = {name: line[place - 1] for name, place in places.items()}
        texts = {name: _text(cell) for name, cell in cells.items()}
        if not any(texts.values()):
            continue
        where = f"{path.name}:{cells['id'].coordinate}"
        if texts["id"] not in wanted:
            problems.append(f"{where}: this id was changed, or the row is new. Put it back as it was.")
        elif texts["id"] in rows:
            problems.append(f"{where}: the id {texts['id']} stands twice. Delete the copy.")
        elif texts["id"].partition("-")[2] != digest(texts):
            problems.append(f"{where}: a text of this row was changed. Put back question and answers as they were.")
        else:
            rows[texts["id"]] = _row(texts)
        problems += (
            f"{path.name}:{cell.coordinate}: is a formula. Enter it as text, with ' in front."
            for name, cell in cells.items() if not is_text(name) and cell.data_type == "f"
        )  # fmt: skip
    if problems:
        raise DataError(*problems)
    if not rows:
        raise DataError(f"{path.name}: holds no case any more. Give the sheet that {_WRITER} wrote.")
    deleted = len(wanted) - len(rows)
    left = {"deleted from the sheet": deleted} if deleted else {}
    columns = {name: str(sheet.cell(1, place).value) for name, place in places.items() if name in rules.columns}
    return reading.cases(list(rows.values()), columns, left, rules, language)


def _page(book: Workbook, path: Path, rules: Rules) -> tuple[Language, Worksheet, dict[str, int]]:
    """The page of the cases, its language, and the number of each column.

    Raises:
        DataError: a heading is missing.
    """
    missing: Sequence[str] = ()
    for sheet in book.worksheets:
        there = {str(cell.value).strip(): cell.column for cell in sheet[1] if cell.value is not None}
        for language in LANGUAGES:
            named = headings(rules, language, _MOST)
            found = {name: there[heading] for name, heading in named.items() if heading in there}
            lacking = [
                heading for name, heading in named.items() if name not in found and not name.startswith("answer ")
            ]
            if not lacking:
                return language, sheet, found
            if found and (not missing or len(lacking) < len(missing)):
                missing = lacking
    raise DataError(f"{path.name}: has no column {', '.join(missing)}. Put back the headings.")


def _row(texts: Mapping[str, str]) -> reading.Row:
    answers = [text for name, text in texts.items() if name == "answer" or name.startswith("answer ")]
    return reading.Row(texts["place"], texts, tuple(filter(None, answers)))


def _text(cell: Cell) -> str:
    return "" if cell.value is None else str(cell.value).strip()
