"""Sheets that come back: every slip is told with its cell, all at once; only then names come back in.

A row that is missing or empty is one that its rater skipped, and one that is half filled in counts for what it has.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llf_kit import spreadsheet
from llf_kit.errors import DataError
from llf_kit.evaluation.review.blinding import LETTERS, Key, Rater
from llf_kit.evaluation.review.rubric import HIGHEST, LOWEST, NEITHER, SAME, SCORES
from llf_kit.evaluation.review.sheet import Column, choices, columns
from llf_kit.project import private_directory, write_text

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_WRITER = "llf-kit review export"
_ID = re.compile(r"(\w{5})-(\d{3,})", re.ASCII)


@dataclass(frozen=True)
class Rating:
    """What one rater says of one question (a number, from 0): ``scores`` by model and scale, what there is of them.

    ``better`` is a model, ``same``, ``neither``, or None where nothing was chosen.
    """

    question: int
    rater: str
    scores: dict[str, dict[str, int]]
    better: str | None = None
    corrected: str = ""
    comment: str = ""


Rows = list[tuple[int, list[Rating]]]  # questions, by their number, with what each rater says


@dataclass(frozen=True)
class Returned:
    """The ratings of all sheets, and how many rows each rater has ``rated``, how many of these in part (``partial``),
    and how many came back ``empty`` or were ``deleted``."""

    ratings: list[Rating]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def read(key: Key, paths: list[Path]) -> Returned:
    """Read the sheets in ``paths`` back.

    Raises:
        DataError: one is no sheet of this review, or something in it is wrong; all of it at once.
    """
    problems: list[str] = []
    by_code = {rater.code: rater for rater in key.raters}
    seen: dict[str, Path] = {}
    returned = Returned([])
    for path in paths:
        try:
            sheet, headings = _sheet(key, path)
        except DataError as error:
            problems += error.problems
            continue
        rater = _rater(sheet, headings, by_code)
        if rater is None:
            problems.append(f"{path.name}: is a sheet of another review. Give the sheets of {key.name}.")
        elif rater.name in seen:
            problems.append(
                f"{path.name}: is a second sheet of {rater.name}, after {seen[rater.name].name}. Give one of them; "
                "another rater needs a sheet of their own."
            )
        else:
            seen[rater.name] = path
            _Reader(key, rater, path.name, headings, problems).read(sheet, returned)
    if problems:
        raise DataError(*problems)
    if not returned.ratings:
        raise DataError(f"{', '.join(path.name for path in paths)}: nothing is filled in. Give sheets that are.")
    returned.ratings.sort(key=lambda one: (one.question, one.rater))
    return returned


def _sheet(key: Key, path: Path) -> tuple[Worksheet, dict[Column, int]]:
    """The page of the workbook that has the rows, and the number of each column in it.

    Raises:
        DataError: it is no xlsx, or lacks columns.
    """
    book = spreadsheet.load(path, _WRITER)
    named = columns(key)
    best: dict[Column, int] = {}
    for sheet in book.worksheets:
        places = {str(cell.value).strip(): cell.column for cell in sheet[1] if cell.value is not None}
        found = {column: places[column.heading] for column in named if column.heading in places}
        if len(found) == len(named):
            return sheet, found
        best = max(best, found, key=len)
    if not best:
        raise DataError(f"{path.name}: was not written by {_WRITER}. Give a sheet that was.")
    missing = ", ".join(column.heading for column in named if column not in best)
    raise DataError(f"{path.name}: has no column {missing}. Put back the headings, or give a sheet of {key.name}.")


def _rater(sheet: Worksheet, headings: dict[Column, int], by_code: dict[str, Rater]) -> Rater | None:
    """Whose sheet it is: most of its ids say so."""
    place = next(number for column, number in headings.items() if column.kind == "id")
    codes = [_ID.fullmatch(_text(line[place - 1])) for line in sheet.iter_rows(min_row=2, min_col=1)]
    known = [match[1] for match in codes if match and match[1] in by_code]
    return by_code[max(known, key=known.count)] if known else None


@dataclass
class _Reader:
    """Reads the rows of one sheet; what is wrong goes into ``problems``."""

    key: Key
    rater: Rater
    name: str
    headings: dict[Column, int]
    problems: list[str]

    def read(self, sheet: Worksheet, returned: Returned) -> None:
        """Add what stands in ``sheet`` to what was returned."""
        ids = {self.rater.id(number): number for number in range(len(self.key.questions))}
        rows: dict[int, Rating | None] = {}
        for line in sheet.iter_rows(min_row=2):
            cells = {column: line[place - 1] for column, place in self.headings.items()}
            if all(not _text(cell) for cell in cells.values()):
                continue
            about = next(cell for column, cell in cells.items() if column.kind == "id")
            number = ids.get(_text(about))
            if number is None:
                self._wrong(about, "this id was changed, or the row is new. Put it back as it was")
            elif number in rows:
                self._wrong(about, f"the id {_text(about)} stands twice. Delete the copy")
            else:
                rows[number] = self._rating(number, cells)
        ratings = [rating for rating in rows.values() if rating]
        returned.ratings.extend(ratings)
        returned.counts[self.rater.name] = {
            "rated": len(ratings),
            "partial": sum(not self._whole(rating) for rating in ratings),
            "empty": len(rows) - len(ratings),
            "deleted": len(ids) - len(rows),
        }

    def _rating(self, number: int, cells: dict[Column, Cell]) -> Rating | None:
        """What a row says; None where nothing is filled in."""
        for cell, text in zip(
            (cell for column, cell in cells.items() if not column.filled and column.kind != "id"),
            self.key.texts(self.rater, number),
            strict=True,
        ):
            if _plain(cell) != " ".join(text.split()):
                self._wrong(cell, "the text was changed. Put it back as it was exported; corrections have their column")
        order = dict(zip(LETTERS, self.rater.orders[number], strict=False))
        scores: dict[str, dict[str, int]] = {}
        told: dict[str, str] = {}
        for column, cell in cells.items():
            if not column.filled or not _text(cell):
                continue
            if cell.data_type == "f":
                self._wrong(cell, "is a formula. Enter it as text, with ' in front")
            elif column.kind == "score":
                score = self._score(cell)
                if score is not None:
                    scores.setdefault(order[column.letter], {})[column.scale] = score
            else:
                told[column.kind] = _text(cell)
                if column.kind == "better":
                    told["better"] = self._better(cell, order)
        if not scores and not told:
            return None
        return Rating(
            number,
            self.rater.name,
            scores,
            told.get("better"),
            told.get("corrected", ""),
            told.get("comment", ""),
        )

    def _score(self, cell: Cell) -> int | None:
        text = unicodedata.normalize("NFKC", _text(cell))  # full-width digits
        if match := re.fullmatch(r"([0-9])(?:\.0+)?", text):
            score = int(match[1])
            if score in SCORES:
                return score
        self._wrong(cell, f"is no whole number from {LOWEST} to {HIGHEST}. Correct it, or clear it")
        return None

    def _better(self, cell: Cell, order: dict[str, str]) -> str:
        known = {_folded(word): means for word, means in choices(self.key).items()}
        means = known.get(_folded(_text(cell)))
        if means is None:
            self._wrong(cell, f"is not one of: {', '.join(choices(self.key))}. Choose one, or clear it")
        return means if means in (SAME, NEITHER) else order.get(str(means), "")

    def _whole(self, rating: Rating) -> bool:
        scored = [column for column in self.headings if column.kind == "score"]
        return rating.better is not None and sum(map(len, rating.scores.values())) == len(scored)

    def _wrong(self, cell: Cell, what: str) -> None:
        self.problems.append(f"{self.name}:{cell.coordinate}: {what}.")


def _text(cell: Cell) -> str:
    """What stands in a cell; numbers as they are written."""
    value: Any = cell.value
    return "" if value is None else str(value).strip()


def _plain(cell: Cell) -> str:
    """A text without its blanks, which programs write in their own ways."""
    return " ".join(spreadsheet.shown(_text(cell)).split())


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().strip()


def rows_of(returned: Returned) -> Rows:
    """The questions that were rated, in their order, with what each rater said."""
    by_question: dict[int, list[Rating]] = {}
    for rating in returned.ratings:
        by_question.setdefault(rating.question, []).append(rating)
    return sorted(by_question.items())


def keep(key: Key, returned: Returned, directory: Path) -> None:
    """Keep what the raters said, beside the key, for a judge to be compared with."""
    text = json.dumps([asdict(one) for one in returned.ratings], ensure_ascii=False)
    write_text(_kept(key, directory), text + "\n", mode=0o600)


def kept(key: Key, directory: Path) -> Rows | None:
    """What :func:`keep` has kept; None where nothing is."""
    try:
        ratings = [Rating(**one) for one in json.loads(_kept(key, directory).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return None
    return rows_of(Returned(ratings))


def _kept(key: Key, directory: Path) -> Path:
    return private_directory(directory) / "review" / "ratings" / f"{key.name}.json"
