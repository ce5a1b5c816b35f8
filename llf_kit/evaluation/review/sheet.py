"""The Excel sheet of one rater: what stands in it, which of its cells can be filled in, and how it prints.

Nothing in it tells a model: no name, no hidden sheet, no property. What it is compared with stands in the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llf_kit import spreadsheet
from llf_kit.evaluation.review.blinding import LETTERS, Key, Rater
from llf_kit.evaluation.review.rubric import NEITHER, SAME, SCORES, levels, scales, words
from llf_kit.project import atomic_path

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_WIDTHS = {"id": 12, "question": 36, "wanted": 36, "answer": 52, "score": 9, "better": 11, "corrected": 52}


@dataclass(frozen=True)
class Column:
    """A column: what it holds, whose answer it is about and on which scale, its heading, and whether it is filled in.

    ``kind`` is id, question, wanted, answer, score, better, corrected or comment.
    """

    kind: str
    heading: str
    letter: str = ""
    scale: str = ""

    @property
    def filled(self) -> bool:
        """Whether the rater writes here."""
        return self.kind in ("score", "better", "corrected", "comment")


def columns(key: Key) -> list[Column]:
    """The columns of every sheet of a review, from left to right."""
    said = words(key.language)
    letters = LETTERS[: len(key.models)]
    scored = [(letter, scale) for letter in letters for scale in scales("people", key.language)]
    return [
        Column("id", said["id"]),
        Column("question", said["question"]),
        *([Column("wanted", said["wanted"])] if key.wanted else []),
        *(Column("answer", said["answer"].format(letter=letter), letter) for letter in letters),
        *(
            Column("score", said["scored"].format(letter=letter, scale=scale.name), letter, scale.key)
            for letter, scale in scored
        ),
        *(Column(kind, said[kind]) for kind in ("better", "corrected", "comment")),
    ]


def choices(key: Key) -> dict[str, str]:
    """What can be chosen as better: the word on the sheet, and the letter, ``same`` or ``neither`` that it means."""
    said = words(key.language)
    return {letter: letter for letter in LETTERS[: len(key.models)]} | {said[one]: one for one in (SAME, NEITHER)}


def write(key: Key, rater: Rater, path: Path) -> None:
    """Write the sheet of ``rater``; only its owner can read it."""
    from openpyxl import Workbook

    said = words(key.language)
    book = Workbook()
    book.properties.creator = "llf-kit"
    sheet = book.active
    sheet.title = said["sheet_rows"]
    named = columns(key)
    spreadsheet.append(sheet, [column.heading for column in named])
    for number in range(len(key.questions)):
        spreadsheet.append(sheet, [rater.id(number), *key.texts(rater, number)])
    spreadsheet.dress(sheet, [_look(column) for column in named], stays="C2")  # the id and the question
    _ask(sheet, named, key)
    guide = book.create_sheet(said["sheet_help"])
    _explain(guide, key, rater)
    with atomic_path(path, mode=0o600) as temporary:
        book.save(temporary)


def _look(column: Column) -> spreadsheet.Look:
    return spreadsheet.Look(
        _WIDTHS.get(column.kind, 30),
        filled=column.filled,
        number=column.kind == "score",
        centred=column.kind in ("id", "score", "better"),
    )


def _ask(sheet: Worksheet, named: list[Column], key: Key) -> None:
    """The drop-downs."""
    said = words(key.language)
    for number, column in enumerate(named, start=1):
        letter = sheet.cell(1, number).column_letter
        if column.kind == "score":
            spreadsheet.choices(sheet, letter, map(str, SCORES), said["score_error"])
        elif column.kind == "better":
            spreadsheet.choices(sheet, letter, choices(key), said["better_error"])


def _explain(guide: Worksheet, key: Key, rater: Rater) -> None:
    """The page of instructions: what to do, the scales in words, what each score stands for."""
    from openpyxl.styles import Font

    said = words(key.language)
    told: dict[str, Any] = {
        "name": key.name,
        "rater": rater.name,
        "rows": len(key.questions),
        "letters": ("、" if key.language == "zh" else ", ").join(LETTERS[: len(key.models)]),
        **{one: said[one] for one in (SAME, NEITHER)},
    }
    spreadsheet.explain(guide, (line.format(**told) for line in said["help_lines"]))
    for scale in scales("people", key.language):
        spreadsheet.append(guide, [f"{scale.name}: {scale.means}"])
        guide.cell(guide.max_row, 1).font = Font(bold=True)
    spreadsheet.append(guide, ["; ".join(f"{score} {word}" for score, word in levels(key.language).items())])
    spreadsheet.explain(guide, (line.format(**told) for line in said["help_after"]))
