"""The page of a diagnosis: one file that loads nothing, every text escaped, identifiers masked."""

from __future__ import annotations

from typing import Any

from llf_kit import pages
from llf_kit.diagnosis import Diagnosis
from llf_kit.diagnosis.cases import Examined

MOST = 200  # cases that are shown one by one


def html(found: Diagnosis) -> str:
    """The page of ``found``."""
    rules, language = found.rules, found.language
    shown = sorted(found.rows, key=lambda row: row.case.good)[:MOST]
    return pages.html(
        "diagnosis/page.html.j2",
        {
            "found": found,
            "w": rules.words[language],
            "language": language,
            "groups": {name: rules.groups[language][one.group] for name, one in rules.causes.items()},
            "means": [
                {
                    "name": rules.say(one.name, language),
                    "does": getattr(rules.means[one.name], f"does_{language}"),
                    "needs": getattr(rules.means[one.name], f"needs_{language}"),
                    "advice": one,
                }
                for one in found.means
            ],
            "rows": [_row(row, found) for row in shown],
            "more": len(found.rows) - len(shown),
        },
        named=lambda name: rules.say(name, language),
    )


def _row(row: Examined, found: Diagnosis) -> dict[str, Any]:
    names = found.rules.words[found.language]["measure_names"]
    case = row.case.masked
    return {
        "place": case.place,
        "symptoms": row.symptoms,
        "causes": row.causes,
        "suggested": row.suggested,
        "notes": [note for note in (row.why, *row.notes) if note],
        "question": case.question,
        "prompt": case.prompt,
        "answers": case.answers,
        "expected": case.expected,
        "measures": [(names[name], value) for name, value in row.measures.items() if value is not None],
    }
