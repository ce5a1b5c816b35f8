"""A small classifier that learns labels from the labelled rows: n-grams of characters and logistic regression.

Characters need no words, so it is the same for Chinese and English. What it says of itself is cross-validated, and the
same question never stands on both sides. Below the confidence asked for it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from llf_kit.batches import through
from llf_kit.errors import DataError, NotInstalledError
from llf_kit.labelling.texts import question

CONFIDENCE = "confidence"
SURE = 0.6  # below it, a label is unknown

_LEAST = 5  # labelled questions that a label needs to be learnt, one for each fold
_MOST = 50_000  # labelled rows that are learnt from
_FEW = 200  # texts, of which every n-gram counts
_SEED = 42


@dataclass(frozen=True)
class Classifier:
    """What was learnt.

    ``labels`` counts the questions a label was learnt from, ``left_out`` those of labels that have too few of them.
    ``accuracy`` is the share of right labels among the cross-validated rows of which it is sure, and ``sure`` how many
    those are of all: both from 0 to 1.
    """

    labels: dict[str, int]
    left_out: dict[str, int]
    accuracy: float | None
    sure: float
    pipeline: Any

    def to_dict(self) -> dict[str, Any]:
        """What ``convert --json`` and the page of quality show of it."""
        names = ("labels", "left_out", "accuracy", "sure")
        return {name: getattr(self, name) for name in names} | {"confidence": SURE}

    def stage(self, samples: pl.LazyFrame) -> pl.LazyFrame:
        """LazyFrame of samples with ``labelled`` → ``label`` filled where it is sure, and ``confidence`` added.

        ``confidence`` (0 to 1) is that of the likeliest label, null where the label was there already.
        """

        def fill(batch: pl.DataFrame) -> pl.DataFrame:
            batch = batch.with_columns(pl.lit(None, dtype=pl.Float64).alias(CONFIDENCE))
            asked = batch["label"].is_null() & batch["reason"].is_null() & batch["messages"].is_not_null()
            if not asked.any():
                return batch
            texts = batch.filter(asked).select(question().fill_null("")).to_series().to_list()
            chances = self.pipeline.predict_proba(texts)
            likeliest = chances.argmax(axis=1)
            confidence = pl.Series(chances.max(axis=1), dtype=pl.Float64)
            names = pl.Series([str(self.pipeline.classes_[place]) for place in likeliest], dtype=pl.String)
            sure = confidence >= SURE
            places = asked.arg_true()
            return batch.with_columns(
                batch[CONFIDENCE].scatter(places, confidence.round(3)).alias(CONFIDENCE),
                batch["label"].scatter(places.filter(sure), names.filter(sure)).alias("label"),
                batch["labelled"].scatter(places.filter(sure), "classifier").alias("labelled"),
            )

        schema = {**samples.collect_schema(), CONFIDENCE: pl.Float64()}
        begin: Callable[[], Callable[[pl.DataFrame], pl.DataFrame]] = lambda: fill  # noqa: E731
        return through(samples, begin, schema)


def train(samples: pl.LazyFrame) -> Classifier:
    """Learn from the labelled rows of ``samples``.

    Raises:
        NotInstalledError: scikit-learn is missing.
        DataError: there are not two labels with five different questions each.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
    except ImportError:
        raise NotInstalledError(
            "--learn-labels: needs scikit-learn. Install it: pip install 'llf-kit[labels]'."
        ) from None
    rows = samples.filter(pl.col("label").is_not_null() & pl.col("reason").is_null())
    known = (
        rows.select("source", "row", "label", text=question())
        .filter(pl.col("text").str.strip_chars() != "")
        .collect(engine="streaming")
        .sort("source", "row")
        .unique(["label", "text"], keep="first", maintain_order=True)
    )
    if known.height > _MOST:
        known = known.sample(_MOST, seed=_SEED)
    counts = {str(label): int(number) for label, number in known["label"].value_counts().sort("label").iter_rows()}
    labels = {label: number for label, number in counts.items() if number >= _LEAST}
    left_out = {label: number for label, number in counts.items() if number < _LEAST}
    if len(labels) < 2:
        raise DataError(
            f"--learn-labels: {len(labels)} label(s) have {_LEAST} different questions, and two are needed. Label more "
            "rows, or give keywords in llf-kit.yaml (`labels:`)."
        )
    known = known.filter(pl.col("label").is_in(list(labels)))
    texts, names = known["text"].to_list(), known["label"].to_list()
    made = make_pipeline(
        TfidfVectorizer(
            analyzer="char",
            ngram_range=(1, 3),
            sublinear_tf=True,
            min_df=2 if len(texts) > _FEW else 1,
            max_features=50_000,
        ),
        # One label against the rest, in the dual form: with more n-grams than texts, that is many times as fast.
        OneVsRestClassifier(
            LogisticRegression(C=10.0, solver="liblinear", dual=True, class_weight="balanced", random_state=_SEED)
        ),
    )
    accuracy, sure = _validate(made, texts, names)
    return Classifier(labels, left_out, accuracy, sure, made.fit(texts, names))


def _validate(pipeline: Any, texts: list[str], names: list[str]) -> tuple[float | None, float]:
    """The share of right ones among those it is sure of (None where there are none), and their share of all."""
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    # A question that has two labels is one group; else each row is its own.
    places: dict[str, int] = {}
    groups = [places.setdefault(text, len(places)) for text in texts]
    folds = StratifiedGroupKFold(n_splits=_LEAST, shuffle=True, random_state=_SEED)
    chances = cross_val_predict(pipeline, texts, names, groups=groups, cv=folds, method="predict_proba")
    guessed = np.array(sorted(set(names)))[chances.argmax(axis=1)]
    sure = chances.max(axis=1) >= SURE
    right = guessed[sure] == np.array(names)[sure]
    return (round(float(right.mean()), 4) if sure.any() else None), round(float(sure.mean()), 4)
