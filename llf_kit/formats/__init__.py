"""Stage 6: samples become rows of a format, beside the dataset_info entry that describes them. One format a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from llf_kit.errors import UsageError, did_you_mean
from llf_kit.formats import alpaca, kto, layout, openai, preference, preference_sharegpt, pretrain, sharegpt
from llf_kit.schema import DatasetEntry

__all__ = ["FORMATS", "OutputFormat", "get"]


@dataclass(frozen=True)
class OutputFormat:
    """The stage to rows, why a sample does not fit, ``entry(name, file_name)``, and the template that trains on it.

    ``unfit`` takes a conversation's word (see screening/validity.py) and gives a reason, or null. ``nested`` is how a
    line looks that shows the type of a list which is empty in others: see :mod:`llf_kit.outputs`.
    """

    rows: Callable[[pl.LazyFrame], pl.LazyFrame]
    unfit: Callable[[pl.Expr], pl.Expr]
    entry: Callable[[str, str], DatasetEntry]
    template: str = "train/lora_sft"
    nested: str | None = None


FORMATS: dict[str, OutputFormat] = {
    "alpaca": OutputFormat(alpaca.rows, alpaca.unfit, alpaca.entry, nested=layout.NESTED),
    "sharegpt": OutputFormat(sharegpt.rows, sharegpt.unfit, sharegpt.entry),
    "openai": OutputFormat(openai.rows, openai.unfit, openai.entry),
    "preference": OutputFormat(preference.rows, preference.unfit, preference.entry, "train/dpo", layout.NESTED),
    "preference_sharegpt": OutputFormat(
        preference_sharegpt.rows, preference_sharegpt.unfit, preference_sharegpt.entry, "train/dpo"
    ),
    "kto": OutputFormat(kto.rows, kto.unfit, kto.entry, "train/kto", layout.NESTED),
    "pretrain": OutputFormat(pretrain.rows, pretrain.unfit, pretrain.entry, "train/pretrain"),
}


def get(name: str) -> OutputFormat:
    """The format called ``name``.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(f"--format {name!r}: there is no such format. {did_you_mean(name, FORMATS)}")
    return FORMATS[name]
