"""Evaluations of the same dataset against each other, row by row."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from llf_kit.errors import UsageError
from llf_kit.evaluation import paired
from llf_kit.evaluation.comparison import Change, Comparison, Difference, Spread
from llf_kit.evaluation.metrics import NAMES
from llf_kit.evaluation.results import Evaluation, Row
from llf_kit.evaluation.wording import LANGUAGES, chance, listed, number, said, signed

# The metric of the sentence: what a laboratory lives by comes before overlap of words.
MAIN = ("value_accuracy", "accuracy", "exact_match", "rouge-l", "chrf", "bleu-4", "perplexity")
_UNBOUNDED = frozenset(name for name, about in NAMES.items() if not about.percent)
# What is counted over all rows at once is no mean of rows, and a difference of pairs would not be its difference.
POOLED = frozenset(
    {"auc", "bleu", "r2", *(f"{name}{of}" for name in ("precision", "recall", "f1") for of in ("", "_micro"))}
)
_KINDS = "kinds"


@dataclass(frozen=True)
class _Pair:
    base: list[Row]
    other: list[Row]

    def scores(self, metric: str) -> tuple[float, float] | None:
        """What both sides got for the row; the mean over the runs of a side. None where one has no score."""
        base, other = _mean(self.base, metric), _mean(self.other, metric)
        return None if base is None or other is None else (base, other)


def compare(
    base: Sequence[Evaluation], other: Sequence[Evaluation], *, main: str | None = None, forgetting: bool = False
) -> Comparison:
    """``other`` against ``base``: each one evaluation, or several of runs that differ in seed or fold alone.

    Rows are the same where place, question and wanted answer are; of a file without places, question (or prompt) and
    wanted answer. A row of several runs has the mean of their scores. ``forgetting`` says that the questions are
    general ones, of which a tuned model should not lose any.

    Raises:
        UsageError: they are of different datasets, were read in different ways, or share no metric.
    """
    pairs, only_base, only_other = _pairs(base, other)
    metrics = [name for name in _names(base) if name in set(_names(other))]
    if not metrics:
        raise UsageError(f"{_name(other)}: shares no metric with {_name(base)}. Evaluate both in the same way.")
    if main is not None and main not in metrics:
        raise UsageError(f"{main!r}: is no metric of both. Give one of: {', '.join(metrics)}.")
    scored = {metric: _scored(metric, pairs) for metric in metrics}
    differences = {name: paired.difference(name, [pair for _, pair in found]) for name, found in scored.items()}
    main = main or _main(differences)
    scenarios = _scenarios(scored)
    spread = _spread(metrics, base, other) if len(base) > 1 or len(other) > 1 else {}
    made = Comparison(
        base=_name(base),
        other=_name(other),
        dataset=_datasets(base) or _datasets(other),
        main=main,
        rows=len(pairs),
        only_base=only_base,
        only_other=only_other,
        differences=differences,
        scenarios=scenarios,
        changes=tuple(_changes(main, scored[main])),
        sentences={},
        notes={},
        spread=spread,
    )
    partial = [(one.name, one.partial) for one in (*base, *other) if one.partial]
    return replace(
        made,
        sentences={language: _sentence(made, language, forgetting) for language in LANGUAGES},
        notes={language: tuple(_notes(made, language, partial)) for language in LANGUAGES},
    )


def spread(metric: str, evaluations: Sequence[Evaluation]) -> Spread | None:
    """``metric`` over several runs; None where none of them has it."""
    found = [one.metrics[metric].value for one in evaluations if metric in one.metrics]
    return Spread.of([value for value in found if value is not None])


def _pairs(base: Sequence[Evaluation], other: Sequence[Evaluation]) -> tuple[list[_Pair], int, int]:
    everything = [*base, *other]
    by = _key(everything)
    first, second = _rows(base, by), _rows(other, by)
    shared = [key for key in first if key in second]
    if 2 * len(shared) < min(len(first), len(second)) or not shared:
        names = " and ".join(dict.fromkeys(filter(None, (_datasets(base), _datasets(other)))))
        raise UsageError(
            f"{_name(other)}: answers other questions than {_name(base)} (datasets: {names}; {len(shared)} of "
            f"{len(first)} and {len(second)} rows are the same). Compare models on the same dataset."
        )
    changed = [key for key in shared if _asked(first[key][0]) != _asked(second[key][0])]
    if changed:
        raise UsageError(
            f"{first[changed[0]][0].prediction.place}: asks or wants something else for {_name(other)} than for "
            f"{_name(base)}, as do {len(changed) - 1} more rows: the dataset was changed. Predict again with both."
        )
    whole = [one for one in everything if len(one.rows) == len(first) == len(second) == len(shared)]
    read_as = {_counts(one.details[_KINDS]) for one in whole if _KINDS in one.details}
    if len(read_as) > 1:  # of the same wanted answers: somebody said what they are, such as evaluate --kind
        raise UsageError(
            f"{_name(other)}: its answers were read as others than those of {_name(base)} "
            f"({' / '.join(sorted(read_as))}). Evaluate both in the same way."
        )
    return [_Pair(first[key], second[key]) for key in shared], len(first) - len(shared), len(second) - len(shared)


def _key(evaluations: Sequence[Evaluation]) -> str:
    """By what rows are told apart: the best that all of them have."""
    rows = [row.prediction for one in evaluations for row in one.rows]
    if all(row.place for row in rows):
        return "place"
    return "question" if all(row.question for row in rows) else "prompt"


def _rows(evaluations: Sequence[Evaluation], by: str) -> dict[Hashable, list[Row]]:
    """The rows by their key; of a question that is asked twice, the first and the second."""
    found: dict[Hashable, list[Row]] = {}
    for one in evaluations:
        seen = Counter[Hashable]()
        for row in one.rows:
            text = getattr(row.prediction, by)
            key = text if by == "place" else (text, row.prediction.label)
            found.setdefault((key, seen[key]), []).append(row)
            seen[key] += 1
    return found


def _counts(kinds: dict[str, int]) -> str:
    return ", ".join(f"{number} × {kind}" for kind, number in sorted(kinds.items()))


def _asked(row: Row) -> tuple[str, str]:
    return row.prediction.question, row.prediction.label


def _mean(rows: Sequence[Row], metric: str) -> float | None:
    values = [score for row in rows if (score := row.scores.get(metric)) is not None]
    return statistics.fmean(values) if values else None


def _names(evaluations: Sequence[Evaluation]) -> list[str]:
    """The metrics that rows have a score of, in their order."""
    return list(
        dict.fromkeys(name for one in evaluations for row in one.rows for name in row.scores if name not in POOLED)
    )


def _name(evaluations: Sequence[Evaluation]) -> str:
    return " + ".join(dict.fromkeys(one.name for one in evaluations))


def _datasets(evaluations: Sequence[Evaluation]) -> str:
    return " + ".join(dict.fromkeys(one.dataset for one in evaluations if one.dataset))


def _scored(metric: str, pairs: Sequence[_Pair]) -> list[tuple[_Pair, tuple[float, float]]]:
    return [(pair, scores) for pair in pairs if (scores := pair.scores(metric)) is not None]


def _main(differences: dict[str, Difference]) -> str:
    """The first of :data:`MAIN` that has rows enough, else the metric that most rows have."""
    for name in MAIN:
        if name in differences and differences[name].rows >= paired.FEW:
            return name
    return max(differences, key=lambda name: (differences[name].rows, name in MAIN))


def _scenarios(
    scored: dict[str, list[tuple[_Pair, tuple[float, float]]]],
) -> dict[str, dict[str, Difference]]:
    found: dict[str, dict[str, Difference]] = {}
    for metric, rows in scored.items():
        by_label: dict[str, list[tuple[float, float]]] = {}
        for pair, scores in rows:
            if label := pair.base[0].prediction.scenario or pair.other[0].prediction.scenario:
                by_label.setdefault(label, []).append(scores)
        one = paired.corrected({label: paired.difference(metric, pairs) for label, pairs in by_label.items()})
        for label, difference in one.items():
            found.setdefault(label, {})[metric] = difference
    return found


def _changes(metric: str, scored: list[tuple[_Pair, tuple[float, float]]]) -> list[Change]:
    better = -1 if metric in paired.LOWER_IS_BETTER else 1
    changed = [
        Change(
            place=pair.base[0].prediction.place,
            question=pair.base[0].prediction.question or pair.base[0].prediction.prompt,
            scenario=pair.base[0].prediction.scenario,
            wanted=pair.base[0].prediction.label,
            base_answer=pair.base[0].prediction.predict,
            other_answer=pair.other[0].prediction.predict,
            base=base,
            other=other,
            note=pair.other[0].notes.get(metric, ""),
        )
        for pair, (base, other) in scored
        if base != other
    ]
    return sorted(changed, key=lambda one: better * (one.other - one.base))


def _spread(
    metrics: Sequence[str], base: Sequence[Evaluation], other: Sequence[Evaluation]
) -> dict[str, dict[str, Spread]]:
    found = {name: {"base": spread(name, base), "other": spread(name, other)} for name in metrics}
    return {
        name: {side: one for side, one in sides.items() if one is not None}
        for name, sides in found.items()
        if all(sides.values())
    }


def _sentence(made: Comparison, language: str, general: bool) -> str:
    one = made.differences[made.main]
    name = ("forgetting_" if general else "") + one.outcome
    if name == "better" and made.main in paired.LOWER_IS_BETTER:
        name = "better_lower"
    points = "" if made.main in _UNBOUNDED else said("points", language)
    return said(
        name,
        language,
        base=made.base,
        other=made.other,
        dataset=made.dataset,
        metric=made.main,
        before=number(one.base),
        after=number(one.other),
        difference=signed(one.difference) + points,
        low=signed(one.low),
        high=signed(one.high),
        rows=one.rows,
        wins=one.wins,
        ties=one.ties,
        losses=one.losses,
        test=said(one.test, language),
        p=chance(one.p),
        least=paired.FEW,
    )


def _notes(made: Comparison, language: str, partial: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    for name, why in partial:
        yield said("partial", language, name=name, why=why)
    if made.only_base or made.only_other:
        counts = {"only_base": made.only_base, "only_other": made.only_other}
        yield said("only", language, base=made.base, other=made.other, **counts)
    unscored = made.rows - made.differences[made.main].rows
    if unscored:
        yield said("unscored", language, metric=made.main, rows=made.rows, unscored=unscored)
    scenarios = {label: found[made.main] for label, found in made.scenarios.items() if made.main in found}
    if worse := [label for label, one in scenarios.items() if one.outcome == "worse"]:
        yield said("scenarios_worse", language, names=listed(worse, language))
    if few := [label for label, one in scenarios.items() if one.outcome == "few"]:
        yield said("scenarios_few", language, names=listed(few, language), least=paired.FEW)
    if tested := sum(one.holm is not None for one in scenarios.values()):
        yield said("scenarios_tested", language, number=tested)
    if made.main in made.spread:
        yield _runs_apart(made, language)


def _runs_apart(made: Comparison, language: str) -> str:
    sides = made.spread[made.main]
    difference = sides["other"].mean - sides["base"].mean
    widest = max(one.deviation or 0.0 for one in sides.values())
    verdict = said("spread_beyond" if abs(difference) > widest else "spread_within", language,
                   difference=signed(difference))  # fmt: skip
    told = {side: _told(one, language) for side, one in sides.items()}
    return said("spread", language, metric=made.main, base=made.base, base_spread=told["base"], other=made.other,
                other_spread=told["other"], verdict=verdict)  # fmt: skip


def _told(one: Spread, language: str) -> str:
    if one.deviation is None:
        return said("one_run", language, mean=number(one.mean))
    return said("runs", language, mean=number(one.mean), deviation=number(one.deviation), low=number(one.low),
                high=number(one.high), runs=one.runs)  # fmt: skip
