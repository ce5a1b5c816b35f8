"""An Excel sheet of the rows that need a person: to decide, to correct, and to be read back by :mod:`.corrections`.

No cell is a formula, whatever its text begins with. A hidden sheet holds what was written, so that rows that were
deleted or changed are noticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llf_kit import spreadsheet
from llf_kit.project import atomic_path
from llf_kit.quality import Report, checks, persons
from llf_kit.quality.rows import PLACE, digest, masked, view
from llf_kit.quality.words import Language, words
from llf_kit.screening import quality

# The columns by the names of their headings in words.yaml, with their widths in characters.
COLUMNS = {
    "place": 26,
    "id": 18,
    "label": 14,
    "score": 8,
    "judged": 8,
    "why": 36,
    "before": 30,
    "question": 40,
    "answer": 60,
    "decision": 10,
    "new_question": 40,
    "new_answer": 60,
}
HIDDEN = "llf-kit"
DECISIONS = ("keep", "edit", "drop")
MOST = 20_000  # rows of a sheet; nobody goes through more in one

_SHADED = {"decision", "new_question", "new_answer"}


def write(report: Report, path: Path) -> int:
    """Write the rows that need a person, the most urgent first; how many there are in the sheet."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill

    said = words(report.language)
    book = Workbook()
    sheet = book.active
    sheet.title = said["sheet_rows"]
    spreadsheet.append(sheet, [said[name] for name in COLUMNS])
    chosen = report.persons[:MOST]
    kept: list[tuple[str, str]] = []
    for person in chosen:
        row = report.rows.row(person.row, named=True)
        kept.append((row[PLACE], digest(row)))
        spreadsheet.append(sheet, _cells(row, person, report.language, kept[-1][1]))
    top = Alignment(vertical="top", wrap_text=True)
    shade = PatternFill("solid", fgColor="FFF7E0")
    for number, (name, width) in enumerate(COLUMNS.items(), start=1):
        column = sheet.cell(1, number).column_letter
        sheet.column_dimensions[column].width = width
        sheet.cell(1, number).font = Font(bold=True)
        for cell in sheet[column][1:]:
            cell.alignment = top
            if name in _SHADED:
                cell.fill = shade
                cell.number_format = spreadsheet.AS_TEXT
    letter = sheet.cell(1, list(COLUMNS).index("decision") + 1).column_letter
    spreadsheet.choices(sheet, letter, (said["decisions_named"][decision] for decision in DECISIONS))
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions
    guide = book.create_sheet(said["sheet_help"])
    guide.column_dimensions["A"].width = 100
    for line in said["help_lines"]:
        spreadsheet.append(guide, [line.format(name=report.dataset.name)])
    hidden = book.create_sheet(HIDDEN)
    hidden.sheet_state = "veryHidden"
    spreadsheet.append(hidden, [report.dataset.name, report.language])
    for pair in kept:
        spreadsheet.append(hidden, list(pair))
    with atomic_path(path, mode=0o600) as temporary:
        book.save(temporary)
    return len(chosen)


def _cells(row: dict[str, Any], person: persons.Person, language: Language, digested: str) -> list[Any]:
    shown = view(row, language)
    values = {
        "place": row[PLACE],
        "id": digested,
        "label": row["label"],
        "score": row[quality.SCORE],
        "judged": row["judged"],
        "why": "\n".join(_why(kind, detail, language) for kind, detail in person.reasons),
        **shown,
    }
    return [values.get(name) for name in COLUMNS]


def _why(kind: str, detail: str, language: Language) -> str:
    if kind == persons.FLAG:
        flag, _, about = detail.partition("\0")
        detail = checks.say(flag, language) + (f": {masked(about)}" if about else "")
    return str(words(language)["why_named"][kind].format(detail=detail))
