"""What can be measured of cases without a model; what each measure is stands at the head of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import polars as pl

from llf_kit.diagnosis.cases import Case, Measures
from llf_kit.diagnosis.relevance import relevance
from llf_kit.diagnosis.rules import MEASURES, Rules
from llf_kit.evaluation import answers, stability, values
from llf_kit.evaluation.metrics import formats, text
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.probes import Probe, judge_values
from llf_kit.evaluation.values import Found, Value
from llf_kit.schema import ASSISTANT, USER
from llf_kit.screening import quality, standard

_MOST = 20  # answers to one question that are compared, each with each


def measure(cases: Sequence[Case], rules: Rules, wanted_format: str | None = None) -> list[Measures]:
    """The measures of every case, in the order of the cases; of several answers the mean.

    ``wanted_format`` is a regular expression or the file of a JSON schema.

    Raises:
        UsageError: the format is neither.
        NotInstalledError: a package of the extra ``eval`` is missing.
    """
    rows = [
        Prediction(case.prompt, answers.said(answer), case.expected, question=case.question)
        for case in cases
        for answer in case.answers
    ]
    found: list[Measures] = [{} for _ in rows]
    for name, column in {
        "relevance": [relevance(row.question, row.predict or "", rules) for row in rows],
        **_overlap(rows),
        **_values(rows),
        **_quality(rows),
        **({"format": formats.column(rows, wanted_format).values} if wanted_format else {}),
    }.items():
        for row, value in zip(found, column, strict=True):
            row[name] = value
    rest = iter(found)
    made: list[Measures] = []
    for case, steady in zip(cases, _stability(cases), strict=True):
        mine = [next(rest) for _ in case.answers]
        made.append({name: _mean([row.get(name) for row in mine]) for name in MEASURES} | steady)
    return made


def _mean(given: Sequence[float | None]) -> float | None:
    known = [value for value in given if value is not None]
    return round(fmean(known), 1) if known else None


def _overlap(rows: Sequence[Prediction]) -> dict[str, Sequence[float | None]]:
    """With the wanted answer, where there is one."""
    places = [place for place, row in enumerate(rows) if row.label]
    made: dict[str, list[float | None]] = {name: [None] * len(rows) for name in ("chrf", "rouge-l")}
    if places:
        columns = text.columns([rows[place] for place in places], text.cutter())
        for name, column in made.items():
            for place, value in zip(places, columns[name].values, strict=True):
                column[place] = value
    return dict(made)


def _values(rows: Sequence[Prediction]) -> dict[str, Sequence[float | None]]:
    """The wanted values and units in the answer, and the values of the question that it takes up."""
    wanted, asked, said = (
        values.found([getattr(row, name) or "" for row in rows]) for name in ("label", "question", "predict")
    )
    right: list[float | None] = []
    units: list[float | None] = []
    taken: list[float | None] = []
    for row, expected, given, there in zip(rows, wanted, asked, said, strict=True):
        looked = _looked_for(expected)
        judged = judge_values(Probe(row.question, looked), there) if looked else None
        right.append(None if judged is None else 100 * judged.numbers)
        # a unit is asked of values that have one
        units.append(None if judged is None or not any(one.unit for one in looked) else 100 * judged.units)
        own = _looked_for(given)
        up = [any(values.same_digits(one, value) for one in there) for value in own]
        taken.append(100 * fmean(up) if len(own) > 1 else None)
    return {"values": right, "units": units, "taken_up": taken}


def _looked_for(found: Sequence[Found]) -> tuple[Value, ...]:
    made = [values.value(one) for one in found]
    return tuple(one for one in dict.fromkeys(made) if one.problem() is None)


def _quality(rows: Sequence[Prediction]) -> dict[str, Sequence[float | None]]:
    """Parts of the quality score, by the standard that scores datasets."""
    samples = pl.LazyFrame(
        {
            "messages": [
                [{"role": USER, "content": row.question}, {"role": ASSISTANT, "content": row.predict or ""}]
                for row in rows
            ]
        },
        schema={"messages": pl.List(pl.Struct({"role": pl.String, "content": pl.String}))},
    )
    rule = standard.load()
    scored = quality.stage(samples, rule).select(quality.PARTS, quality.FAULTS).collect().to_dicts()

    def part(name: str) -> list[float | None]:
        return [one[quality.PARTS][name] if row.predict else None for one, row in zip(scored, rows, strict=True)]

    language: list[float | None] = [
        None if not row.predict else 0.0 if "other_language" in one[quality.FAULTS] else 100.0
        for one, row in zip(scored, rows, strict=True)
    ]
    return {"specificity": part("specificity"), "terms": _terms(rows, rule.term), "language": language}


def _terms(rows: Sequence[Prediction], term: str) -> list[float | None]:
    wanted, said = (
        pl.Series(texts, dtype=pl.String).str.to_lowercase().str.extract_all(term).to_list()
        for texts in ([row.label or row.question for row in rows], [row.predict or "" for row in rows])
    )
    return [
        100 * len({*asked} & {*there}) / len({*asked}) if asked else None
        for asked, there in zip(wanted, said, strict=True)
    ]


def _stability(cases: Sequence[Case]) -> list[Measures]:
    """How far the answers to one question agree, wherever they stand."""
    groups: dict[Any, list[str]] = {}
    for case in cases:
        groups.setdefault(_asked(case), []).extend(answers.said(answer) for answer in case.answers)
    agreed = {key: stability.agreement(said[:_MOST]) for key, said in groups.items() if len(said) > 1}
    found: list[Measures] = []
    for case in cases:
        one = agreed.get(_asked(case))
        found.append({"stability": one.text if one else None, "stable_values": one.values if one else None})
    return found


def _asked(case: Case) -> tuple[str, str]:
    return " ".join(case.question.split()), " ".join(case.prompt.split())
