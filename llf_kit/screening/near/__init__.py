"""Near duplicates: rows that say the same in almost the same letters, and no row that differs in a fact.

Two rows are near duplicates where their questions are alike by at least the threshold and their answers are too (the
Jaccard similarity of their n-grams of three characters, blanks and punctuation apart), and where both hold the same
facts in the same order: numbers, units, sex, age, specimen, negation and the like (see :mod:`.facts`). MinHash and its
buckets only propose pairs; each is compared for true. Clusters are what hangs together pair by pair.

Only the keys of the buckets are held for every row (about 100 bytes), and the texts of those that share one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import polars as pl

from llf_kit.batches import in_batches
from llf_kit.errors import UsageError
from llf_kit.schema import TEXT, USER
from llf_kit.screening.near.best import listing, ranked
from llf_kit.screening.near.buckets import band_keys, banding, connect, crowded
from llf_kit.screening.near.facts import facts
from llf_kit.screening.near.known import Known, text_rows
from llf_kit.screening.near.signatures import plain

__all__ = ["Known", "alike", "check", "clusters", "find", "listed", "stage"]

_SLICE = 20_000
_LEAST = 0.5


def check(threshold: float) -> None:
    """Raise UsageError for a threshold that is none."""
    if not _LEAST <= threshold <= 1:
        raise UsageError(f"--near-duplicates {threshold}: is not a similarity. Give a number from {_LEAST} to 1: 0.9.")


def clusters(texts: Sequence[str] | pl.Series, threshold: float) -> list[list[int]]:
    """The near duplicates among ``texts``: their places, each cluster of two or more, in order.

    Raises:
        UsageError: the threshold is none.
    """
    check(threshold)
    series = pl.Series("text", texts, dtype=pl.String).fill_null("")

    return find(
        lambda: (text_rows(series.slice(begin, _SLICE), begin) for begin in range(0, len(series), _SLICE)), threshold
    )


def find(batches: Callable[[], Iterable[pl.DataFrame]], threshold: float) -> list[list[int]]:
    """The near duplicates among the rows of ``batches``, by their ``place``; it is called twice.

    A batch has the columns ``place`` (UInt32), ``asked`` and ``told`` (plain texts), and ``same`` (String).
    """
    import numpy as np

    width = banding(threshold)
    pairs = [(batch["place"].to_numpy(), band_keys(batch, width)) for batch in batches() if batch.height]
    if not pairs:
        return []
    places, keys = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    shared = crowded(keys)
    if not shared.any():
        return []
    places, keys = places[shared], keys[shared]
    wanted = pl.Series(places)
    rows = pl.concat(batch.filter(pl.col("place").is_in(wanted.implode())) for batch in batches())
    return [places[cluster].tolist() for cluster in connect(rows, keys, threshold)]


_ELEMENT = pl.element().struct
_CONTENTS = pl.col("messages").list.eval(_ELEMENT.field("content"))
_ROLES = pl.col("messages").list.eval(_ELEMENT.field("role"))


def _said(of: pl.Expr) -> pl.Expr:
    return pl.col("messages").list.eval(pl.element().filter(of).struct.field("content")).list.join("\n")


def _as_rows() -> list[pl.Expr]:
    """Of a sample: what is ``asked`` and ``told`` in it, and what must be the ``same`` in another.

    That is its facts, its system prompt, who speaks when, and how its answer was judged.
    """
    asks = _ELEMENT.field("role").is_in([USER, TEXT])
    worse = pl.col("rejected").fill_null("")
    told = pl.concat_str(_said(~asks), worse, separator="\n")
    stated = facts(pl.concat_str(_CONTENTS.list.join("\n"), worse, separator="\n"))
    same = pl.concat_str(
        stated,
        _ROLES.list.join(","),
        pl.col("system").fill_null(""),
        pl.col("desirable").cast(pl.String).fill_null(""),
        separator="\0",
    )
    return [plain(_said(asks)).alias("asked"), plain(told).alias("told"), same.alias("same")]


def stage(samples: pl.LazyFrame, threshold: float) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """LazyFrame of samples → ``duplicate`` set on the near duplicates of better rows too; and all clusters.

    Those are ``cluster`` (from 1), ``place`` (the number of the sample, from 0) and ``kept``: see
    :func:`.best.listing`. ``samples`` are run more than once: give what lies in a file.
    """
    rows = _numbered(samples)
    found = find(lambda: in_batches(rows.select("place", *_as_rows())), threshold)
    members = [place for cluster in found for place in cluster]
    judged = ranked(rows.filter(_among(members))).collect(engine="streaming")
    clusters = listing(found, judged)
    marked = samples.with_row_index("place")
    worse = _among(clusters.filter(~pl.col("kept"))["place"].to_list())
    return marked.with_columns(duplicate=pl.col("duplicate") | worse).drop("place"), clusters


def alike(samples: pl.LazyFrame, text: pl.Expr, threshold: float) -> list[list[int]]:
    """Clusters of the samples that are kept so far whose ``text`` is near; by their numbers among these, from 0."""

    def batches() -> Iterator[pl.DataFrame]:
        done = 0
        for batch in in_batches(_numbered(samples).select(text.alias("text"))):
            yield text_rows(batch["text"], done)
            done += batch.height

    return find(batches, threshold)


def listed(samples: pl.LazyFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """The rows of the clusters of :func:`stage` with their texts, the one that stays first in each."""
    rows = samples.with_row_index("place").filter(_among(clusters["place"].to_list()))
    texts = rows.select("place", "source", "row", "messages").collect(engine="streaming")
    return clusters.join(texts, on="place", maintain_order="left").drop("place")


def _numbered(samples: pl.LazyFrame) -> pl.LazyFrame:
    return samples.with_row_index("place").filter(pl.col("reason").is_null() & ~pl.col("duplicate"))


def _among(places: list[int]) -> pl.Expr:
    return pl.col("place").is_in(pl.Series(places, dtype=pl.UInt32).implode())
