"""What the checks look at: the turns of a batch of conversations, and the quantities in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import polars as pl

from llf_kit.quantities import analytes, factor, find_all, units

# What a check gives: the place of the conversation in the batch, and what it found there.
FLAGGED: dict[str, pl.DataType] = {"row": pl.UInt32(), "kind": pl.String(), "detail": pl.String()}


@dataclass(frozen=True)
class Evidence:
    """A batch of conversations.

    ``turns``: DataFrame of ``row`` (its conversation), ``role``, ``content``, in their order; ``numbered`` are those
    of them with a digit, in which a check looks first: most text has none.
    ``quantities``: the columns of :func:`llf_kit.quantities.find_all`, with ``row`` and ``role``; and of its analyte
    ``factor`` (into the unit of the bounds; null where there is no way), ``usual`` (whether the unit is one that
    laboratories report it in), the columns of :func:`of_analytes`, and ``sure``: the name can mean nothing else, and
    the number is its value.
    """

    turns: pl.DataFrame
    numbered: pl.DataFrame
    quantities: pl.DataFrame

    @classmethod
    def of(cls, messages: pl.Series) -> Evidence:
        """The evidence in a series of conversations (List[Struct{role, content}]; null allowed)."""
        rows = pl.arange(len(messages), dtype=pl.UInt32, eager=True).alias("row")
        turns = pl.DataFrame([rows, messages.alias("message")]).explode("message").unnest("message")
        numbered = turns.filter(pl.col("content").str.contains("[0-9]"))
        # Copied side by side: scattered among the others, the memory is what each look at them waits for.
        numbered = numbered.with_columns(pl.col("content") + "")
        found = find_all(numbered["content"], known=_known)
        return cls(turns, numbered, found.with_columns(numbered[found["text"]].select("row", "role")))


def _known(kinds: pl.DataFrame) -> pl.DataFrame:
    """What the tables say of quantities."""
    kinds = kinds.join(in_units(), on=["analyte", "unit"], how="left")
    kinds = kinds.join(of_analytes(), on="analyte", how="left").with_columns(pl.col("usual").fill_null(False))
    meant = pl.col("analyte").is_not_null() & (~pl.col("weak") | pl.col("usual"))
    return kinds.with_columns(sure=meant & ~pl.col("other") & ~pl.col("change"))


@cache
def in_units() -> pl.DataFrame:
    """Of every analyte and unit the factor into the unit of its bounds, where there is one."""

    def same(one: str, other: str) -> bool:  # IU/L and U/L, 10*9/L and 10*3/uL
        return units()[one].dimension == units()[other].dimension and units()[one].factor == units()[other].factor

    rows = []
    for analyte in analytes():
        for unit in units():
            by, usual = factor(unit, analyte.units[0], analyte), any(same(unit, one) for one in analyte.units)
            if by is not None or usual:
                rows.append((analyte.key, unit, by, usual))
    schema = {"analyte": pl.String(), "unit": pl.String(), "factor": pl.Float64(), "usual": pl.Boolean()}
    return pl.DataFrame(rows, schema=schema, orient="row")


Check = Callable[[Evidence], pl.DataFrame]


def value() -> pl.Expr:
    """A quantity in a detail: its name, the number as it is understood, and its unit."""
    numbers = pl.concat_str(written("low"), written("high"), separator="–", ignore_nulls=True)
    return pl.concat_str("name", "comparator", numbers, "unit", separator=" ", ignore_nulls=True)


def written(column: str) -> pl.Expr:
    """A number in a detail, without a useless zero."""
    return pl.col(column).cast(pl.String).str.strip_suffix(".0")


def flagged(found: pl.DataFrame, kind: str, detail: pl.Expr) -> pl.DataFrame:
    """The finding ``kind`` for each row of a frame."""
    return found.select("row", kind=pl.lit(kind), detail=detail)


def rows(found: list[tuple[int, str, str]]) -> pl.DataFrame:
    """Findings as row, kind and detail."""
    return pl.DataFrame(found, schema=FLAGGED, orient="row")


@cache
def of_analytes() -> pl.DataFrame:
    """Of every analyte its bounds and critical limits, what its units are at ``least`` and ``most``, and their names.

    The numbers are in the unit of the bounds; ``least`` and ``most`` are those of the usual units.
    """
    factors = in_units().filter("usual").group_by("analyte")
    ends = factors.agg(least=pl.col("factor").min(), most=pl.col("factor").max())
    table = [
        (one.key, one.low, one.high, one.critical_low, one.critical_high, ", ".join(one.units[:3]))
        for one in analytes()
    ]
    schema = {
        "analyte": pl.String(),
        "bound_low": pl.Float64(),
        "bound_high": pl.Float64(),
        "critical_low": pl.Float64(),
        "critical_high": pl.Float64(),
        "units": pl.String(),
    }
    return pl.DataFrame(table, schema=schema, orient="row").join(ends, on="analyte", how="left")
