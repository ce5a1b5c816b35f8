"""Multiple choice and labels: each row wants a set of classes, its letters or its one label, and gives one.

accuracy
    The set is the wanted one: all letters of several, and no other.
precision, recall, f1
    Of each class, then the plain mean over the classes that are wanted or given (macro, as scikit-learn has it, 0 where
    a class was never given); ``…_micro`` counts all classes together.
auc
    For each letter, whether its probability (``Prediction.options``) is higher where it is right: area under the ROC,
    one letter against the rest; the mean over the letters that are right in some rows and wrong in others.

An answer without a letter, or without one of the labels, is wrong, not unscored. Not scored: rows of another kind and
missing predictions; for auc also rows without probabilities, and where no letter is both right and wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llf_kit.evaluation import answers
from llf_kit.evaluation.kinds import Kind, asked, known_labels
from llf_kit.evaluation.metrics import Column, missing, percent, sums
from llf_kit.evaluation.predictions import Prediction

NO_ANSWER = "(none)"


def columns(
    rows: Sequence[Prediction], kinds: Sequence[Kind], labels: Sequence[str]
) -> tuple[dict[str, Column], dict[str, Any]]:
    """All metrics of this family, and the details: counts, confusion matrix, each class.

    Raises:
        NotInstalledError: scikit-learn is missing.
    """
    known = known_labels(rows, kinds, labels)
    wanted: list[tuple[str, ...]] = []
    given: list[tuple[str, ...]] = []
    places: list[int] = []
    for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        if kind not in ("choice", "label") or row.predict is None:
            continue
        pair = _label(row, known) if kind == "label" else _letters(row)
        if pair is not None:
            places.append(place)
            wanted.append(pair[0])
            given.append(pair[1])
    if not places:
        return {}, {}
    return _measured(len(rows), places, wanted, given) | _auc(rows, places, wanted), _details(wanted, given)


def _label(row: Prediction, known: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    wanted = answers.label(row.label, known)
    given = answers.label(row.predict or "", known)
    return None if wanted is None else ((wanted,), () if given is None else (given,))


def _letters(row: Prediction) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    known = answers.options(asked(row)) or None
    wanted = answers.letters(row.label, known) or answers.letters(row.label)
    return None if wanted is None else (tuple(wanted), tuple(answers.letters(row.predict or "", known) or ""))


def _measured(
    rows: int, places: list[int], wanted: list[tuple[str, ...]], given: list[tuple[str, ...]]
) -> dict[str, Column]:
    classes, one, other = _indicators(wanted, given)
    data = np.full((rows, 3 * len(classes)), np.nan)
    data[places] = np.hstack([one & other, ~one & other, one & ~other])  # right, too much, too little
    notes = {
        place: f"{_shown(said)} instead of {_shown(right)}"
        for place, right, said in zip(places, wanted, given, strict=True)
        if right != said
    }

    def by_row(score: str) -> list[float | None]:
        values: list[float | None] = [None] * rows
        for place, right, said in zip(places, wanted, given, strict=True):
            both, all_of = len({*right} & {*said}), {"precision": len(said), "recall": len(right)}
            of = all_of.get(score, (len(right) + len(said)) / 2)
            values[place] = percent(both / of) if of else 0.0
        return values

    def ratio(score: str, *, macro: bool) -> Any:
        def value(totals: np.ndarray) -> np.ndarray:
            right, much, little = totals.reshape(len(totals), 3, -1).transpose(1, 0, 2)
            if not macro:
                right, much, little = (part.sum(axis=1, keepdims=True) for part in (right, much, little))
            of = {"precision": right + much, "recall": right + little}.get(score, right + (much + little) / 2)
            shares = np.divide(right, of, out=np.zeros_like(right), where=of > 0)
            there = right + much + little > 0
            return np.asarray(100 * (shares * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1))

        return sums(value)

    accurate: list[float | None] = [None] * rows
    for place, right, said in zip(places, wanted, given, strict=True):
        accurate[place] = percent(right == said)
    found = {"accuracy": Column(accurate, notes)}
    for score in ("precision", "recall", "f1"):
        values = by_row(score)
        found[score] = Column(values, data=data, of=ratio(score, macro=True))
        found[f"{score}_micro"] = Column(values, data=data, of=ratio(score, macro=False))
    return found


def _indicators(wanted: list[tuple[str, ...]], given: list[tuple[str, ...]]) -> tuple[list[str], Any, Any]:
    """The classes, and for each row whether it wants and whether it gives each of them."""
    try:
        from sklearn.preprocessing import MultiLabelBinarizer
    except ImportError as error:
        raise missing(error) from None
    binarizer = MultiLabelBinarizer().fit([*wanted, *given])
    return list(binarizer.classes_), *(binarizer.transform(sets).astype(bool) for sets in (wanted, given))


def _details(wanted: list[tuple[str, ...]], given: list[tuple[str, ...]]) -> dict[str, Any]:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes, one, other = _indicators(wanted, given)
    scores = zip(*precision_recall_fscore_support(one, other, zero_division=0), strict=True)
    right, said = [_shown(sets) for sets in wanted], [_shown(sets) for sets in given]
    names = [*sorted({*right, *said} - {NO_ANSWER}), NO_ANSWER]
    return {
        "classes": {
            name: {"precision": percent(p), "recall": percent(r), "f1": percent(f), "wanted": int(n)}
            for name, (p, r, f, n) in zip(classes, scores, strict=True)
        },
        "confusion": {
            "names": names,
            "wanted_by_given": confusion_matrix(right, said, labels=names).tolist(),
            "without_answer": said.count(NO_ANSWER),
        },
    }


def _shown(classes: tuple[str, ...]) -> str:
    return ("" if all(len(one) == 1 for one in classes) else ", ").join(classes) or NO_ANSWER


def _auc(rows: Sequence[Prediction], places: list[int], wanted: list[tuple[str, ...]]) -> dict[str, Column]:
    answered = [(place, right) for place, right in zip(places, wanted, strict=True) if rows[place].options]
    letters = sorted({letter for place, _ in answered for letter in rows[place].options or {}})
    if not answered:
        return {}
    data = np.full((len(rows), 2 * len(letters)), np.nan)
    for place, right in answered:
        options = rows[place].options or {}
        data[place] = [options.get(letter, 0.0) for letter in letters] + [letter in right for letter in letters]
    return {"auc": Column([None] * len(rows), data=data, of=area)}


def area(data: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Mean area under the ROC of letters; ``data`` has their probabilities, then whether each is right.

    The same as scikit-learn's ``roc_auc_score`` with the draws as weights, for all draws at once. NaN where no letter
    is both right and wrong.
    """
    half = data.shape[1] // 2
    areas = np.full((half, len(drawn)), np.nan)
    for letter in range(half):
        scores, right = data[:, letter], data[:, half + letter]
        order = np.argsort(scores, kind="stable")
        begins = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # equal scores count half
        hits = np.add.reduceat(drawn[:, order] * right[order], begins, axis=1)
        misses = np.add.reduceat(drawn[:, order] * (1 - right[order]), begins, axis=1)
        below = np.cumsum(misses, axis=1) - misses / 2
        pairs = hits.sum(axis=1) * misses.sum(axis=1)
        np.divide((hits * below).sum(axis=1), pairs, out=areas[letter], where=pairs > 0)
    known = ~np.isnan(areas)
    total = np.where(known, areas, 0).sum(axis=0)
    mean = np.full(len(drawn), np.nan)
    np.divide(100 * total, known.sum(axis=0), out=mean, where=known.any(axis=0))
    return mean
