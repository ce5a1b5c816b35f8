"""Rows that must not be trained on because a test asks the same: a test set, probes, a public benchmark.

A row is such a one where any question of it is the same as a known one, or a near duplicate (see :mod:`.near`): alike
by at least 0.8, with the same facts. The row is rejected, and its reason names the place of the known question.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from llf_kit.batches import through
from llf_kit.schema import TEXT, USER
from llf_kit.screening import near

THRESHOLD = 0.8
_GREETING = 4  # a first question shorter than this says nothing by itself where others follow it
REASON = "it stands in "
_PLACE, _KNOWN = "\0place", "\0known"  # names that no stage gives


def questions(samples: pl.LazyFrame) -> pl.DataFrame:
    """What the samples of a test set ask: ``place`` (``source:row``), ``question``, and whether it is a ``stem``.

    A question with options counts twice: with them, and as the stem before them.
    """
    asked = _asked()
    telling = asked.list.eval(pl.element().filter(pl.element().str.len_chars() >= _GREETING)).list.first()
    place = pl.concat_str("source", "row", separator=":")
    first = samples.select(place=place, question=pl.coalesce(telling, asked.list.first()), stem=pl.lit(False))
    stems = first.with_columns(question=_stem(pl.col("question")), stem=pl.lit(True))
    found = pl.concat([first, stems]).filter(pl.col("question").str.strip_chars() != "")
    return found.collect(engine="streaming")


def _asked() -> pl.Expr:
    asks = pl.element().struct.field("role").is_in([USER, TEXT])
    return pl.col("messages").list.eval(pl.element().filter(asks).struct.field("content"))


def _stem(question: pl.Expr) -> pl.Expr:
    """What stands before the options, as mapping writes them; null where there are none."""
    return question.str.extract(r"(?s)^(.+?)\nA\. .*\nB\. ")


def stage(samples: pl.LazyFrame, known: pl.DataFrame) -> pl.LazyFrame:
    """LazyFrame of samples → ``reason`` set where a row asks what is ``known`` (see :func:`questions`).

    Two stems alike are not the same question: what is asked stands in their options (`Which of these is right?`).
    """

    def begin() -> Callable[[pl.DataFrame], pl.DataFrame]:
        whole, stems = (known.filter(pl.col("stem") == stem) for stem in (False, True))
        questions, only = near.Known(whole["question"], THRESHOLD), near.Known(stems["question"], THRESHOLD)

        def found(question: pl.Series) -> pl.Series:
            stem = question.to_frame("question").select(_stem(pl.col("question"))).to_series()
            where = [whole["place"].gather(questions.find(one)) for one in (question, stem)]
            where.append(stems["place"].gather(only.find(question)))
            return pl.select(pl.coalesce(where)).to_series()

        def reject(batch: pl.DataFrame) -> pl.DataFrame:
            rows = batch.with_row_index(_PLACE).filter(pl.col("reason").is_null())
            turns = rows.select(_PLACE, question=_asked()).explode("question").drop_nulls()
            places = turns.select(_PLACE, **{_KNOWN: found(turns["question"])}).drop_nulls()
            reasons = places.unique(_PLACE, keep="first", maintain_order=True)
            joined = batch.with_row_index(_PLACE).join(reasons, on=_PLACE, how="left", maintain_order="left")
            reason = pl.coalesce("reason", pl.lit(REASON) + pl.col(_KNOWN))
            return joined.with_columns(reason=reason).drop(_PLACE, _KNOWN)

        return reject

    return through(samples, begin, samples.collect_schema())
