"""Predictions → an evaluation: every metric that the rows allow, in all, by sub-scenario and row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from llf_kit.evaluation import gate, intervals, kinds, probes, values
from llf_kit.evaluation.kinds import Kind
from llf_kit.evaluation.metrics import (
    NAMES,
    Column,
    classification,
    extraction,
    formats,
    numbers,
    percent,
    text,
    variety,
)
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.probes import Judged, Probe
from llf_kit.evaluation.results import Evaluation, Metric, Row


@dataclass(frozen=True)
class Wanted:
    """How to measure, where the wanted answers do not say it themselves.

    ``kind`` is that of every row (:mod:`.kinds`), ``labels`` the set that a label is out of, ``answer_format`` a
    regular expression or the file of a JSON schema (:mod:`.metrics.formats`).
    """

    kind: Kind | None = None
    labels: Sequence[str] = ()
    answer_format: str | None = None


def evaluate(
    rows: Sequence[Prediction],
    *,
    name: str,
    dataset: str,
    probing: Sequence[Probe] = (),
    wanted: Wanted | None = None,
    lacking: str | None = None,
) -> Evaluation:
    """Measure ``rows``; ``name`` says who answered, ``dataset`` what was asked, ``lacking`` which rows are missing.

    ``probing`` are probes, some of whose questions stand among the rows (:func:`probed`). Without them, a row of kind
    ``number`` is its own probe, by its wanted answer.

    Raises:
        NotInstalledError: a package of the extra ``eval`` is missing.
        UsageError: the answer format cannot be used.
    """
    wanted = wanted or Wanted()
    found = [wanted.kind] * len(rows) if wanted.kind else kinds.kinds(rows, wanted.labels)
    columns, details = _columns(rows, found, probing, wanted)
    unanswered = sum(row.predict is None for row in rows)
    if unanswered:
        lacking = "; ".join(filter(None, (lacking, f"{unanswered} of {len(rows)} predictions are missing")))
    scored = [_row(row, place, columns) for place, row in enumerate(rows)]
    return Evaluation(
        name,
        dataset,
        tuple(scored),
        _measure(columns, np.arange(len(rows))),
        {label: _measure(columns, places) for label, places in _scenarios(rows).items()},
        {"kinds": {kind: found.count(kind) for kind in kinds.KINDS if kind in found}, **_answers(rows), **details},
        partial=lacking,
    )


def judged(evaluation: Evaluation, thresholds: Mapping[str, float]) -> tuple[Evaluation, list[gate.Judgement]]:
    """The evaluation with its verdict by the release gate; one whose predictions are not all there has failed.

    Raises:
        ConfigError, UsageError: as :func:`.gate.check`.
    """
    gate.check(thresholds)
    found = gate.judge(evaluation.metrics, thresholds)
    passed = all(one.passed for one in found) and evaluation.partial is None
    return replace(evaluation, gate="passed" if passed else "failed"), found


def probed(rows: Sequence[Prediction], asked: Sequence[Probe]) -> dict[int, Probe]:
    """The probe of each row whose question it is; where several stand in a prompt, the longest one.

    By the row's own question where it is known, else by the prompt, in which it has to stand word for word.
    """
    by_question = {_plain(probe.question): probe for probe in asked}
    longest = sorted(by_question, key=len, reverse=True)
    found: dict[int, Probe] = {}
    for place, row in enumerate(rows):
        prompt = _plain(row.question or row.prompt)
        question = prompt if prompt in by_question else next((one for one in longest if one in prompt), None)
        if question is not None:
            found[place] = by_question[question]
    return found


def _columns(
    rows: Sequence[Prediction], found: Sequence[Kind], probing: Sequence[Probe], wanted: Wanted
) -> tuple[dict[str, Column], dict[str, Any]]:
    asked = probed(rows, probing)
    every = asked if probing else _own(rows, found)
    cut = text.cutter()
    chosen, about = classification.columns(rows, found, wanted.labels)
    errors, more = numbers.columns(rows, found)
    columns = {
        **_probe_columns(rows, every),
        **chosen,
        **errors,
        **extraction.columns(rows, found),
        **text.columns(rows, cut),
        **variety.columns(rows, cut),
    }
    if wanted.answer_format:
        columns["format"] = formats.column(rows, wanted.answer_format)
    details: dict[str, Any] = {**about, **more}
    if probing:
        used = {id(probe) for probe in asked.values()}
        details["probes"] = {
            "asked": len(used),
            "not_asked": [probe.id for probe in probing if id(probe) not in used],
        }
    return {name: columns[name] for name in NAMES if name in columns}, details


def _own(rows: Sequence[Prediction], found: Sequence[Kind]) -> dict[int, Probe]:
    """The probes that rows of kind ``number`` are themselves."""
    places = [place for place, kind in enumerate(found) if kind == "number"]
    holds = values.found([rows[place].label for place in places])
    return {
        place: Probe(rows[place].question, (values.value(one[0]),), analyte=one[0].analyte or "")
        for place, one in zip(places, holds, strict=True)
        if one
    }


def _probe_columns(rows: Sequence[Prediction], asked: Mapping[int, Probe]) -> dict[str, Column]:
    places = [place for place in sorted(asked) if rows[place].predict is not None]
    if not places:
        return {}
    results = probes.judge([asked[place] for place in places], [rows[place].predict or "" for place in places])
    by_place: dict[int, Judged] = dict(zip(places, results, strict=True))
    notes = {place: result.note for place, result in by_place.items() if result.note}
    names = (probes.METRIC, probes.NUMBERS, probes.INTERVALS, probes.UNITS)

    def column(name: str) -> list[float | None]:
        scores = [by_place[place].scores[name] if place in by_place else None for place in range(len(rows))]
        return [None if score is None else percent(score) for score in scores]

    return {name: Column(column(name), notes if name == probes.METRIC else {}) for name in names}


def _row(row: Prediction, place: int, columns: Mapping[str, Column]) -> Row:
    notes = {name: column.notes[place] for name, column in columns.items() if column.notes.get(place)}
    return Row(row, {name: column.values[place] for name, column in columns.items()}, notes)


def _scenarios(rows: Sequence[Prediction]) -> dict[str, np.ndarray]:
    labels = sorted({row.scenario for row in rows if row.scenario})
    return {label: np.array([place for place, row in enumerate(rows) if row.scenario == label]) for label in labels}


def _measure(columns: Mapping[str, Column], places: np.ndarray) -> dict[str, Metric]:
    """Each metric of these rows; those with the same number of scored rows share their draws."""
    tables = {name: column.table[places] for name, column in columns.items()}
    tables = {name: table[~np.isnan(table[:, 0])] for name, table in tables.items()}
    found: dict[str, Metric] = {}
    for rows in {len(table) for table in tables.values()}:
        names = [name for name, table in tables.items() if len(table) == rows]
        if not rows:
            found |= dict.fromkeys(names, Metric(None, None, None, 0))
            continue
        of = [partial(columns[name].of, tables[name]) for name in names]
        edges = intervals.weighted(rows, of)
        for name, one, (low, high) in zip(names, of, edges, strict=True):
            value = float(one(np.ones((1, rows)))[0])
            found[name] = Metric(None, None, None, 0) if math.isnan(value) else Metric(value, low, high, rows)
    return {name: found[name] for name in columns}


def _answers(rows: Sequence[Prediction]) -> dict[str, int]:
    """How many answers are none, or not whole; how long a model of LLaMA-Factory's went on is not known."""
    return {
        "missing": sum(row.predict is None for row in rows),
        "empty": sum(row.predict == "" for row in rows),
        "cut_off": sum(row.finished is False for row in rows),
    }


def _plain(text: str) -> str:
    return "".join(text.split())
