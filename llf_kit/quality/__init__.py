"""What a registered dataset is worth, and which of its rows need a person: for a page, JSON and a sheet.

It looks at what was written, whoever wrote it, and at what the conversion has left in ``.llf-kit/converted``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit import registered
from llf_kit.labelling import shares
from llf_kit.project import Settings
from llf_kit.quality import checks, figures, persons
from llf_kit.quality.judge import Endpoint, judge
from llf_kit.quality.persons import Person
from llf_kit.quality.rows import PLACE, language_of, place, view
from llf_kit.quality.words import Language
from llf_kit.registered import Registered, converted
from llf_kit.screening import laboratory, quality, standard
from llf_kit.screening.standard import Standard

__all__ = ["Endpoint", "Report", "look"]

_SHOWN = 20  # of the worst, of the best, of everything that is shown one by one
_LOW = 70.0  # below this score a row needs a person, where the project names no other


@dataclass(frozen=True)
class Report:
    """What was found.

    ``rows`` has a row a sample, with its place, score and flags; ``persons`` are those that need one, the most urgent
    first; ``figures`` is what ``quality --json`` prints, in ``language``.
    """

    dataset: Registered
    language: Language
    standard: Standard
    rows: pl.DataFrame
    persons: list[Person]
    figures: dict[str, Any]

    def lines(self) -> list[str]:
        """The figures that matter most, for a terminal."""
        data = self.figures
        said = [f"{data['rows']} rows; score {data['scores']['mean'] or '–'} on average"]
        said += [f"{one['rows']} × {one['says']} (−{one['points']:g})" for one in data["scores"]["faults"][:5]]
        said += [f"{one['rows']} × flagged: {one['says']}" for one in data["flags"]]
        for key, what in (
            ("refused", "not trained on by LLaMA-Factory"),
            ("contradictions", "contradiction between answers"),
            ("near_duplicates", "cluster of near duplicates"),
            ("contamination", "row that stands in a test set or among the probes"),
        ):
            if data[key]:
                said.append(f"{len(data[key])} × {what}")
        said += data["label_problems"]
        if data["judge"]:
            judged = data["judge"]
            said.append(
                f"{judged['model']} judged {judged['judged']} of {judged['rows']} rows: {judged['mean']} on average"
            )
            if judged["partial"]:
                said.append(f"partial: {judged['partial']} Run it again to go on.")
        return [*said, f"{len(self.persons)} rows need a person"]


def look(
    directory: Path, name: str, settings: Settings, language: Language | None = None, endpoint: Endpoint | None = None
) -> Report:
    """Look at the dataset ``name`` that is registered in ``directory``; with an ``endpoint`` a model judges it too.

    Raises:
        UsageError: there is no such dataset.
        ConfigError: dataset_info.json or the standard is broken.
        DataError: the file cannot be read.
        JudgeError: the judge does not answer at all.
    """
    dataset = registered.find(directory, name)
    scoring = standard.load(directory / settings.standard if settings.standard else None)
    samples = checks.flags(registered.samples(dataset))
    rows = quality.stage(samples.lazy(), scoring).with_columns(place()).collect()
    chosen = language or language_of(samples)
    judged = judge(rows, scoring, endpoint, directory) if endpoint else None
    rows = rows.with_columns(judged=judged.scores if judged else pl.lit(None, dtype=pl.Float64))

    contradictions = laboratory.contradictions(samples)
    texts = rows.select(text=pl.concat_str(*quality.said(), separator="\n", ignore_nulls=True))["text"]
    clusters = checks.near_duplicates(samples)
    leaks = checks.leaked(dataset, samples)
    low = settings.min_score if settings.min_score is not None else _LOW
    needing = persons.choose(_reasons(rows, contradictions, clusters, leaks, low))

    shown = _Shown(rows, scoring, chosen)
    counts = Counter(label or shares.UNKNOWN for label in rows["label"])
    record = converted.summary(directory, name)
    refused = rows.filter(pl.col("reason").is_not_null())
    data: dict[str, Any] = {
        "name": name,
        "file": dataset.entry["file_name"],
        "language": chosen,
        "rows": rows.height,
        "persons": len(needing),
        "conversion": record,
        "refused": [{"place": one[PLACE], "reason": one["reason"]} for one in refused.iter_rows(named=True)],
        "lengths": figures.lengths(rows),
        "labels": [share.to_dict() for share in shares.compare(counts, settings.shares)],
        "label_problems": shares.problems(counts, settings.shares) if settings.shares else [],
        "scores": figures.scores(rows, scoring, chosen),
        "units": figures.units(texts),
        "flags": [
            {"kind": kind, "says": checks.say(kind, chosen), "rows": number}
            for kind, number in figures.flags(rows).items()
        ],
        "flagged_rows": len(_flagged(rows)),
        "flagged": [shown.row(row) for row in _flagged(rows)[:_SHOWN]],
        "contradictions": _contradictions(contradictions, shown),
        "near_duplicates": [[shown.row(row) for row in cluster] for cluster in clusters],
        "contamination": [{**shown.row(row), "in": leaks[row]} for row in leaks.is_not_null().arg_true()],
        "worst": [shown.row(row) for row in _by_score(rows, descending=False)],
        "best": [shown.row(row) for row in _by_score(rows, descending=True)],
        "judge": judged.to_dict() if judged else None,
    }
    return Report(dataset, chosen, scoring, rows, needing, data)


def _flagged(rows: pl.DataFrame) -> list[int]:
    return (rows["flags"].list.len() > 0).arg_true().to_list()


def _by_score(rows: pl.DataFrame, *, descending: bool) -> list[int]:
    numbered = rows.with_row_index("number").filter(pl.col(quality.SCORE).is_not_null())
    ordered = numbered.sort(quality.SCORE, "number", descending=[descending, False])
    return ordered.head(_SHOWN)["number"].to_list()


def _reasons(
    rows: pl.DataFrame, contradictions: pl.DataFrame, clusters: list[list[int]], leaks: pl.Series, low: float
) -> Iterator[tuple[int, str, str]]:
    """Why rows need a person: the row, the kind, and what it is about."""
    places = rows[PLACE].to_list()
    number = {one: row for row, one in enumerate(places)}
    for row in leaks.is_not_null().arg_true():
        yield row, persons.LEAKED, leaks[row]
    for _, group in contradictions.group_by("group", maintain_order=True) if contradictions.height else ():
        sides = [f"{source}:{row}" for source, row in group.select("source", "row").iter_rows()]
        for side in sides:
            yield number[side], persons.CONTRADICTION, ", ".join(other for other in sides if other != side)
    for row in _flagged(rows):
        for flag in rows["flags"][row]:
            yield row, persons.FLAG, f"{flag['kind']}\0{flag['detail'] or ''}"
    for row in rows["reason"].is_not_null().arg_true():
        yield row, persons.REFUSED, rows["reason"][row]
    for cluster in clusters:
        for row in cluster[1:]:
            yield row, persons.NEAR, places[cluster[0]]
    for row in (rows[quality.SCORE] < low).fill_null(False).arg_true():
        yield row, persons.SCORE, f"{rows[quality.SCORE][row]:g}"


def _contradictions(found: pl.DataFrame, shown: _Shown) -> list[dict[str, Any]]:
    if not found.height:
        return []
    groups = []
    for _, group in found.group_by("group", maintain_order=True):
        sides = [
            {**shown.at(f"{one['source']}:{one['row']}"), "values": one["values"]}
            for one in group.iter_rows(named=True)
        ]
        groups.append({"question": sides[0]["question"], "sides": sides})
    return groups


class _Shown:
    """How rows are shown: by their number or by their place."""

    def __init__(self, rows: pl.DataFrame, scoring: Standard, language: Language) -> None:
        self._rows, self._scoring, self._language = rows, scoring, language
        self._points = figures.losses(scoring)
        self._numbers = {one: number for number, one in enumerate(rows[PLACE])}

    def at(self, place_: str) -> dict[str, Any]:
        """The row at a place."""
        return self.row(self._numbers[place_])

    def row(self, number: int) -> dict[str, Any]:
        """The row of a number, from 0."""
        one = self._rows.row(number, named=True)
        return {
            "place": one[PLACE],
            "label": one["label"],
            "score": one[quality.SCORE],
            "judged": one["judged"],
            "faults": [
                {"fault": fault, "says": self._scoring.say(fault, self._language), "points": self._points[fault]}
                for fault in one[quality.FAULTS] or []
            ],
            "flags": [{**flag, "says": checks.say(flag["kind"], self._language)} for flag in one["flags"] or []],
            **view(one, self._language),
        }
