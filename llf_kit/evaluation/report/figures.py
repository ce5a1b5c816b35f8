"""What a reader is shown of a report: the verdict first, then each dataset with its tables and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llf_kit.evaluation import probes
from llf_kit.evaluation.comparing import MAIN
from llf_kit.evaluation.comparison import Difference
from llf_kit.evaluation.metrics import NAMES
from llf_kit.evaluation.paired import LOWER_IS_BETTER
from llf_kit.evaluation.report import Asked, Report, charts, marks
from llf_kit.evaluation.report.general import RIGHT
from llf_kit.evaluation.report.marks import Marked
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.pages import LONG
from llf_kit.templating import to_yaml

SHOWN = 60  # rows of a dataset that are shown one by one
_GOOD, _BAD, _PLAIN = "good", "bad", "plain"
_KIND = {"better": _GOOD, "worse": _BAD}
_FITS = {"converging": _GOOD, "unknown": _PLAIN}


def figures(report: Report) -> dict[str, Any]:
    """What the page is made of."""
    fit = report.fit
    return {
        "name": report.name,
        "verdict": _verdict(report),
        "asked": [_asked(one) for one in report.asked],
        "fit": None
        if fit is None
        else {
            "sentence": fit.sentences[report.language],
            "missing": fit.missing.get(report.language, ()),
            "curves": charts.curves(fit.train, fit.validation, fit.turned),
        },
        "config": [(key, to_yaml(_plain(value))) for key, value in sorted(report.config.items())],
        "data": [{"name": name, **_facts(facts)} for name, facts in report.data.items()],
        "rows_in_all": sum(facts.get("rows") or 0 for facts in report.data.values()),
        "versions": report.versions,
        "device": report.device,
        "started": report.started,
        "seconds": report.seconds,
    }


def main_metric(one: Asked) -> str | None:
    """The metric that a dataset is judged by: the comparison's, else the first in its order that was scored."""
    if one.comparison:
        return one.comparison.main
    scored = [name for name, metric in one.tuned.metrics.items() if metric.scored]
    return next((name for name in MAIN if name in scored), scored[0] if scored else None)


def _verdict(report: Report) -> dict[str, Any]:
    """The outcome of the first dataset in a word, its sentence, and what has to be known beside it."""
    if not report.asked:
        return {"outcome": "nothing", "kind": _PLAIN, "sentence": None, "main": None, "beside": [], "notes": ()}
    first = report.asked[0]
    made, main = first.comparison, main_metric(first)
    outcome = made.differences[made.main].outcome if made else "alone"
    beside: list[dict[str, Any]] = []
    if first.seen is None:
        beside.append({"kind": _PLAIN, "word": "seen_unknown"})
    else:
        beside.append({"kind": _BAD if first.seen else _GOOD, "word": "seen" if first.seen else "unseen",
                       "told": {"seen": first.seen, "n": len(first.tuned.rows)}})  # fmt: skip
    if first.tuned.gate:
        beside.append({"kind": _GOOD if first.tuned.gate == "passed" else _BAD, "word": f"gate_{first.tuned.gate}"})
    beside += [
        {"kind": _KIND.get(one.comparison.differences[one.comparison.main].outcome, _PLAIN),
         "text": one.comparison.sentences[report.language]}
        for one in report.asked[1:] if one.comparison
    ]  # fmt: skip
    if report.fit:
        beside.append({"kind": _FITS.get(report.fit.kind, _BAD), "text": report.fit.sentences[report.language]})
    for one in report.asked:
        beside += [{"kind": _BAD, "word": "partial", "told": {"name": side.name, "why": side.partial}}
                   for side in (one.base, one.tuned) if side and side.partial]  # fmt: skip
    notes = made.notes.get(report.language, ()) if made else ()
    return {
        "outcome": outcome,
        "kind": _KIND.get(outcome, _PLAIN),
        "sentence": made.sentences[report.language] if made else None,
        "main": None if main is None else {"name": main, "metric": first.tuned.metrics.get(main)},
        "beside": beside,
        "notes": notes,
    }


def _asked(one: Asked) -> dict[str, Any]:
    main = main_metric(one)
    return {
        "dataset": one.tuned.dataset,
        "general": one.general,
        "n": len(one.tuned.rows),
        "base": one.base.name if one.base else None,
        "tuned": one.tuned.name,
        "others": [other.name for other in one.others],
        "main": main,
        "metrics": list(_metrics(one)),
        "labels": list(_labels(one, main)) if main else [],
        "rows": list(_rows(one, main)),
        "more": max(len(one.tuned.rows) - SHOWN, 0),
        "details": [(side.name, list(_details(side.details))) for side in _sides(one) if side.details],
    }


def _percent(name: str | None) -> bool:
    """Whether a metric goes from 0 to 100."""
    return name == RIGHT or (name is not None and name in NAMES and NAMES[name].percent)


def _sides(one: Asked) -> Iterator[Evaluation]:
    if one.base:
        yield one.base
    yield one.tuned
    yield from one.others


def _metrics(one: Asked) -> Iterator[dict[str, Any]]:
    differences = one.comparison.differences if one.comparison else {}
    names = dict.fromkeys(name for side in _sides(one) for name, metric in side.metrics.items() if metric.scored)
    for name in names:
        yield {
            "name": name,
            "percent": _percent(name),
            "base": one.base.metrics.get(name) if one.base else None,
            "tuned": one.tuned.metrics.get(name),
            "others": [side.metrics.get(name) for side in one.others],
            **_difference(differences.get(name)),
        }


def _labels(one: Asked, main: str) -> Iterator[dict[str, Any]]:
    tested = one.comparison.scenarios if one.comparison else {}

    def at(side: Evaluation | None, label: str) -> Metric | None:
        return side.scenarios.get(label, {}).get(main) if side else None

    labels = dict.fromkeys(label for side in (one.tuned, one.base) if side for label in side.scenarios)
    for label in labels:
        found = at(one.base, label), at(one.tuned, label)
        if any(metric and metric.scored for metric in found):
            yield {
                "label": label,
                "percent": _percent(main),
                "base": found[0],
                "tuned": found[1],
                **_difference(tested.get(label, {}).get(main)),
            }


def _difference(found: Difference | None) -> dict[str, Any]:
    return {"difference": found, "kind": _KIND.get(found.outcome, _PLAIN) if found else _PLAIN}


def _rows(one: Asked, main: str | None) -> Iterator[dict[str, Any]]:
    """The rows with both answers, worst first: what got worse, then what is wrong with both, then what is right."""
    before = {_key(row): row for row in one.base.rows} if one.base else {}

    def score(row: Row | None) -> float | None:
        return row.scores.get(main) if row and main else None

    def worth(row: Row) -> tuple[float, float]:
        sign = -1.0 if main in LOWER_IS_BETTER else 1.0
        mine, theirs = score(row), score(before.get(_key(row)))
        if mine is None:
            return (float("inf"), 0.0)
        gained = 0.0 if theirs is None else sign * (mine - theirs)
        return (min(gained, 0.0), sign * mine)

    ordered = sorted(one.tuned.rows, key=worth)[:SHOWN]
    told = {"base": _marked([before.get(_key(row)) for row in ordered], ordered), "tuned": _marked(ordered, ordered)}
    for place, row in enumerate(ordered):
        asked = row.prediction
        yield {
            "place": asked.place,
            "label": asked.scenario,
            "question": asked.question or asked.prompt,
            "wanted": asked.label,
            "sides": [
                _side(side, name, score(side), main, told[kind][place])
                for kind, name, side in (
                    ("base", one.base.name if one.base else "", before.get(_key(row))),
                    ("tuned", one.tuned.name, row),
                )
                if side
            ],
        }


def _side(row: Row, name: str, score: float | None, main: str | None, marked: Marked) -> dict[str, Any]:
    return {
        "name": name,
        "score": score,
        "percent": _percent(main),
        "right": None if score not in (0, 100) or not _percent(main) else score == 100,
        "answered": row.prediction.predict is not None,
        "pieces": marked.pieces,
        "missing": marked.missing,
        "cut": row.prediction.finished is False,
        "note": row.notes.get(main or "", ""),
    }


def _marked(rows: list[Row | None] | list[Row], asked: list[Row]) -> list[Marked]:
    def short(text: str | None) -> str:
        return (text or "") if len(text or "") <= LONG else (text or "")[:LONG] + " …"

    return marks.mark(
        [short(row.prediction.predict if row else None) for row in rows],
        [row.prediction.label for row in asked],
        [bool(row and row.scores.get(probes.METRIC) == 100) for row in rows],
    )


def _key(row: Row) -> tuple[str, str]:
    said = row.prediction
    return said.place or said.prompt, said.label


def _details(details: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """What is a single figure or text, by its path; tables within are left to the JSON."""
    for name, value in details.items():
        if isinstance(value, Mapping):
            yield from _details(value, f"{before}{name} · ")
        elif isinstance(value, str | int | float):
            yield f"{before}{name}", f"{value:.4g}" if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    """A path without the folders above it: they may bear a person's name."""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    kept = {name: facts.get(name) for name in ("rows", "sha256", "sum")}
    return {"file": Path(str(facts.get("file", ""))).name, **kept}
