"""The sheet on which a person says what no measure can: the symptom, and what the input was like.

It has the headings that CASES are read by, so that it is a file of cases itself. A hidden page holds its ids, so that
rows that were deleted or changed are noticed (:mod:`.returned`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from llf_kit import spreadsheet
from llf_kit.diagnosis import Diagnosis
from llf_kit.diagnosis.cases import Examined
from llf_kit.diagnosis.rules import GOOD, Rules
from llf_kit.project import atomic_path
from llf_kit.schema import Language

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

HIDDEN = "llf-kit diagnose"
WIDTHS = {"id": 14, "place": 22, "question": 40, "prompt": 24, "answer": 52, "expected": 36, "found": 34}
_SYMPTOM_WIDTH, _ANSWER_WIDTH, _COMMENT_WIDTH = 20, 12, 40


def headings(rules: Rules, language: Language, answers: int) -> dict[str, str]:
    """The headings by what stands below them, from left to right; ``answers`` is the most that a case has."""
    said = rules.words[language]
    more = {f"answer {number}": said["answer_number"].format(number=number) for number in range(2, answers + 1)}
    questions = {name: str(getattr(one, f"short_{language}")) for name, one in rules.questions.items()}
    shown = {name: str(said[name]) for name in ("id", "place", "question", "prompt", "answer")}
    return {
        **shown,
        **more,
        **{name: str(said[name]) for name in ("expected", "found", "symptom")},
        **questions,
        "comment": said["comment"],
    }


def is_text(name: str) -> bool:
    """Whether nobody may change what stands in this column: it was measured."""
    return name in ("place", "question", "prompt", "answer", "expected") or name.startswith("answer ")


def digest(cells: Mapping[str, str]) -> str:
    """An id of a row by its texts, whichever blanks a program puts between them."""
    texts = [f"{name} {text}" for name, text in cells.items() if is_text(name) and text.strip()]
    plain = "\0".join(" ".join(spreadsheet.shown(text).split()) for text in texts)
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


def write(found: Diagnosis, path: Path) -> None:
    """Write the sheet; identifiers are masked, and only its owner can read it."""
    from openpyxl import Workbook

    rules, language = found.rules, found.language
    said = rules.words[language]
    book = Workbook()
    book.properties.creator = "llf-kit"
    sheet = book.active
    sheet.title = said["sheet_rows"]
    most = max(len(row.case.answers) for row in found.rows)
    named = headings(rules, language, most)
    spreadsheet.append(sheet, list(named.values()))
    kept = []
    for number, row in enumerate(found.rows, start=1):
        cells = _cells(row, found)
        spreadsheet.append(sheet, [cells.get(name) for name in named])
        line = dict(zip(named, sheet[number + 1], strict=True))
        # of what the cells hold: a text that is too long for one has been cut
        kept.append(f"{number:03d}-{digest({name: str(line[name].value or '') for name in named})}")
        line["id"].value = kept[-1]
    filled = {"symptom", *rules.questions, "comment"}
    looks = [
        spreadsheet.Look(_width(name), filled=name in filled, centred=name in rules.questions or name == "id")
        for name in named
    ]
    spreadsheet.dress(sheet, looks, stays="D2")  # what is left of the answer
    _ask(sheet, list(named), rules, language)
    spreadsheet.explain(book.create_sheet(said["sheet_help"]), said["help_lines"])
    hidden = book.create_sheet(HIDDEN)
    hidden.sheet_state = "veryHidden"
    for one in kept:
        spreadsheet.append(hidden, [one])
    with atomic_path(path, mode=0o600) as temporary:
        book.save(temporary)


def _cells(row: Examined, found: Diagnosis) -> dict[str, str]:
    rules, language, case = found.rules, found.language, row.case.masked
    said = rules.words[language]
    symptoms = [rules.say(name, language) for name in case.symptoms] or list(case.unknown)
    texts = {"question": case.question, "prompt": case.prompt, "expected": case.expected}
    answers = {f"answer {number}" if number > 1 else "answer": text for number, text in enumerate(case.answers, 1)}
    return {
        **texts,
        **answers,
        "place": case.place,
        "found": "\n".join(filter(None, (row.why, *row.notes))),
        "symptom": rules.good[0 if language == "zh" else _english(rules)] if case.good else "; ".join(symptoms),
        **{name: said["said_yes" if answer else "said_no"] for name, answer in case.told.items()},
    }


def _english(rules: Rules) -> int:
    return rules.good.index(GOOD)


def _width(name: str) -> int:
    if name in WIDTHS or is_text(name):
        return WIDTHS.get(name, WIDTHS["answer"])
    return {"symptom": _SYMPTOM_WIDTH, "comment": _COMMENT_WIDTH}.get(name, _ANSWER_WIDTH)


def _ask(sheet: Worksheet, named: list[str], rules: Rules, language: Language) -> None:
    """The drop-downs."""
    said = rules.words[language]
    good = rules.good[0 if language == "zh" else _english(rules)]
    symptoms = [*(getattr(one, language) for one in rules.symptoms.values()), good]
    for number, name in enumerate(named, start=1):
        letter = sheet.cell(1, number).column_letter
        if name == "symptom":
            spreadsheet.choices(sheet, letter, symptoms, said["choose"])
        elif name in rules.questions:
            spreadsheet.choices(sheet, letter, (said["said_yes"], said["said_no"]), said["choose"])
