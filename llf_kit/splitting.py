"""Stage 5: train and test. Rows with the same question always fall on the same side, so that no answer leaks."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import polars as pl


def question_key(messages: pl.Expr) -> pl.Expr:
    """What makes two rows one question: the first turn without white space, as a 64-bit hash."""
    question = messages.list.first().struct.field("content")
    return question.str.replace_all("[ \n\t]", "").hash()


def choose_test(samples: pl.LazyFrame, share: float) -> pl.Series:
    """The keys of the questions that go to the test set: about ``share`` of the rows of every label.

    The choice depends on the rows alone (each row's place is digested), so the same input always gives the same split.
    """
    kept = samples.filter(pl.col("reason").is_null() & ~pl.col("duplicate"))
    rows = kept.select("source", "row", "label", key=question_key(pl.col("messages"))).collect(engine="streaming")
    file = pl.col("source").str.split("/").list.last()  # the same file in another folder gives the same split
    groups = rows.group_by("key", maintain_order=True).agg(
        pl.len(), pl.col("label").first(), pl.concat_str(file, "row", separator=":").first().alias("place")
    )
    by_label: dict[str | None, list[tuple[bytes, int, int]]] = defaultdict(list)
    for key, size, label, place in groups.iter_rows():
        by_label[label].append((hashlib.blake2b(place.encode(), digest_size=8).digest(), key, size))
    chosen: list[int] = []
    carried = 0.0  # what rounding leaves of one label's share goes to the next, so that the whole share is met
    for label in sorted(by_label, key=str):
        wanted = carried + share * sum(size for _, _, size in by_label[label])
        for _, key, size in sorted(by_label[label]):
            if wanted < size / 2:
                break
            chosen.append(key)
            wanted -= size
        carried = wanted
    return pl.Series(chosen, dtype=pl.UInt64)


def split(samples: pl.LazyFrame, test: pl.Series) -> pl.LazyFrame:
    """The stage: LazyFrame of samples → ``test`` (Boolean) added."""
    if test.is_empty():
        return samples.with_columns(test=pl.lit(False))
    return samples.with_columns(test=question_key(pl.col("messages")).is_in(test.implode()).fill_null(False))
