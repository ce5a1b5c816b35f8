"""Stage 6: samples become rows of a format, beside the dataset_info entry that describes them. One format a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from llf_kit.errors import UsageError, did_you_mean
from llf_kit.formats import alpaca, sharegpt
from llf_kit.schema import DatasetEntry

__all__ = ["FORMATS", "OutputFormat", "get"]


@dataclass(frozen=True)
class OutputFormat:
    """The stage to rows, and ``entry(name, file_name)``."""

    rows: Callable[[pl.LazyFrame], pl.LazyFrame]
    entry: Callable[[str, str], DatasetEntry]


FORMATS: dict[str, OutputFormat] = {
    "alpaca": OutputFormat(alpaca.rows, alpaca.entry),
    "sharegpt": OutputFormat(sharegpt.rows, sharegpt.entry),
}


def get(name: str) -> OutputFormat:
    """The format called ``name``.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(f"--format {name!r}: there is no such format. {did_you_mean(name, FORMATS)}")
    return FORMATS[name]
