"""A test set that training has seen proves nothing: rows of it that stand among the training data.

The same question, or a near duplicate with the same facts (:mod:`llf_kit.screening.contamination`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from llf_kit import registered
from llf_kit.errors import DataError
from llf_kit.schema import SAMPLE
from llf_kit.screening import contamination

_SHOWN = 5


def overlap(directory: Path, dataset: str, training: Sequence[str]) -> dict[str, str]:
    """Rows of ``dataset`` that ask what a row of the ``training`` datasets asks: place → place, as ``file:row``.

    Raises:
        UsageError: a name that dataset_info.json does not have.
        DataError: a file is missing or cannot be read.
    """
    frames = [registered.samples(registered.find(directory, name)) for name in training]
    known = contamination.questions(pl.concat([pl.DataFrame(schema=SAMPLE), *frames]).lazy())
    asked = registered.samples(registered.find(directory, dataset)).filter(pl.col("reason").is_null())
    if known.is_empty() or asked.is_empty():
        return {}
    found = contamination.stage(asked.lazy(), known).filter(pl.col("reason").is_not_null()).collect()
    places = found.select(
        pl.concat_str("source", "row", separator=":"), pl.col("reason").str.strip_prefix(contamination.REASON)
    )
    return dict(places.iter_rows())


def refuse(directory: Path, dataset: str, training: Sequence[str], allowed: Collection[str] = ()) -> int:
    """How many rows of ``dataset`` overlap with ``training``; more than none only where ``allowed`` names it.

    Raises:
        DataError: they overlap.
        UsageError: as :func:`overlap`.
    """
    found = overlap(directory, dataset, training)
    if found and dataset not in allowed:
        shown = "; ".join(f"{place} is {where}" for place, where in list(found.items())[:_SHOWN])
        raise DataError(
            f"{dataset}: {len(found)} of its rows stand in the training data ({', '.join(training)}): {shown}"
            f"{' …' if len(found) > _SHOWN else ''}. Measure on rows that training never saw, or say "
            f"--allow-overlap {dataset}."
        )
    return len(found)
