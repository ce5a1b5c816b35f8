"""Stage 2: raw rows become samples. Which column is the question, the answer, the options, the turns …

The decision is made once a table, from its column names and what the user gave with ``--map``; it can be read
(:meth:`Mapping.describe`) before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass

import polars as pl

from llf_kit.errors import DataError
from llf_kit.mapping import choice, dialogue, single
from llf_kit.mapping.columns import OPTION_ROLES, assign, fitting, others
from llf_kit.schema import NOTHING, SAMPLE, RawTable

__all__ = ["Mapping", "choose", "to_samples"]


@dataclass(frozen=True)
class Shape:
    """What a table's rows are: the roles it needs, the roles it reads besides, and the stage that makes samples."""

    name: str
    needs: tuple[frozenset[str], ...]
    reads: frozenset[str]
    stage: Callable[[pl.LazyFrame, Dict[str, str]], pl.LazyFrame]

    def fits(self, roles: frozenset[str]) -> bool:
        """Whether every role it needs has a column."""
        return any(need <= roles for need in self.needs)


_PAIR = frozenset({"question", "answer"})
# Every shape reads these two where they have a column.
_ALWAYS = frozenset({"system", "label"})

# The first that fits is taken: the more a shape needs, the earlier it stands.
SHAPES: tuple[Shape, ...] = (
    Shape("multi-turn", (frozenset({"messages"}),), frozenset(), dialogue.messages_stage),
    Shape(
        "several questions", (frozenset({"pairs"}),), frozenset({"title", "question", "context"}), dialogue.pairs_stage
    ),
    Shape("multi-turn", (_PAIR | {"history"},), frozenset({"title", "context"}), dialogue.history_stage),
    Shape(
        "multiple choice",
        (_PAIR | {"options"}, _PAIR | {"option A", "option B"}),
        frozenset({"title", "context", "explanation", *OPTION_ROLES}),
        choice.stage,
    ),
    Shape("single-turn", (_PAIR,), frozenset({"title", "context"}), single.stage),
)


def _reject_all(rows: pl.LazyFrame, _columns: Dict[str, str]) -> pl.LazyFrame:
    nothing = pl.lit(None, dtype=pl.String)
    reason = pl.coalesce("reason", pl.lit("no column of this table is known to be a question or an answer"))
    return rows.with_columns(messages=pl.lit(None, dtype=SAMPLE["messages"]), system=nothing, reason=reason)


UNKNOWN = Shape("not understood, all its rows are rejected", (), frozenset(), _reject_all)


@dataclass(frozen=True)
class Mapping:
    """The decision for one table: its shape, the column of each role, and the columns that nothing uses."""

    table: RawTable
    shape: Shape
    columns: dict[str, str]
    others: dict[str, tuple[str, ...]]

    @property
    def unused(self) -> list[str]:
        """Columns of the table that are not read."""
        read = {*self.columns.values(), *(name for names in self.others.values() for name in names)}
        return [name for name in self.table.columns if name not in read]

    def describe(self) -> str:
        """The decision for people, without the source: ``single-turn; question=提问, answer=解答; not used: 依据``."""
        pairs = ", ".join(
            f"{role}={'|'.join((name, *self.others.get(role, ())))}" for role, name in self.columns.items()
        )
        unused = f"; not used: {', '.join(self.unused)}" if self.unused else ""
        return f"{self.shape.name}{'; ' if pairs else ''}{pairs}{unused}"


def choose(tables: list[RawTable], given: Dict[str, str]) -> list[Mapping]:
    """Decide for every table; ``given`` maps a role to a column name and wins over what is found.

    A table in which no shape is found is kept as one whose rows are all rejected, so that one stray file in a folder
    neither stops the others nor vanishes.

    Raises:
        DataError: no table at all has a shape, or a given column is in none; all of them at once.
    """
    problems: list[str] = []
    unknown: list[str] = []
    mappings: list[Mapping] = []
    for role, name in given.items():
        if not any(name in table.columns for table in tables):
            every = list(dict.fromkeys(column for table in tables for column in table.columns))
            problems.append(f"--map {role}={name}: no table has that column. There are: {', '.join(every)}.")
    for table in tables:
        columns = assign(table.columns, {role: name for role, name in given.items() if name in table.columns})
        shape = next((shape for shape in SHAPES if shape.fits(frozenset(columns))), None)
        if shape is not None:
            read = frozenset().union(*shape.needs) | shape.reads | _ALWAYS
            columns = {role: name for role, name in columns.items() if role in read}
            spare = {
                role: others(role, table.columns, columns) for role in _PAIR if role in columns and role not in given
            }
            mappings.append(Mapping(table, shape, columns, {role: names for role, names in spare.items() if names}))
        else:
            unknown.append(_no_shape(table, columns))
            mappings.append(Mapping(table, UNKNOWN, {}, {}))
    if not problems and len(unknown) == len(tables):
        problems = unknown
    if problems:
        raise DataError(*problems)
    return mappings


def _no_shape(table: RawTable, columns: Dict[str, str]) -> str:
    missing = [role for role in ("question", "answer") if role not in columns]
    names = ", ".join(table.columns)
    hints = []
    for role in missing:
        guess = fitting(role, [name for name in table.columns if name not in columns.values()])
        hints.append(f"--map {role}={guess or '<column>'}")
    return f"{table.source}: no {' and no '.join(missing)} column among: {names}. Name it: {' '.join(hints)}"


# Cells in which `nan` or `无` is no text to train on. A question or an answer of that kind is rejected by screening;
# among options it may be one of them.
_MAY_BE_NOTHING = ("title", "context", "system", "label", "explanation", "history")


def _something(name: str) -> pl.Expr:
    cell = pl.col("raw").struct.field(name)
    return pl.when(~cell.str.contains(NOTHING)).then(cell).alias(name)


def to_samples(mapping: Mapping) -> pl.LazyFrame:
    """The stage for one table: LazyFrame of raw rows → LazyFrame of samples (see :mod:`llf_kit.schema`)."""
    raw = pl.col("raw").struct
    rows = mapping.table.rows
    mended = [
        pl.coalesce(_something(name) for name in (mapping.columns[role], *names)).alias(mapping.columns[role])
        for role, names in mapping.others.items()
    ]
    mended += [_something(mapping.columns[role]) for role in _MAY_BE_NOTHING if role in mapping.columns]
    if mended:
        rows = rows.with_columns(raw.with_fields(mended))
    label, system = mapping.columns.get("label"), mapping.columns.get("system")
    return (
        mapping.shape.stage(rows, mapping.columns)
        .with_columns(
            system=pl.coalesce("system", raw.field(system)) if system else pl.col("system"),
            label=raw.field(label) if label else pl.lit(None, dtype=pl.String),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SAMPLE.items())
    )
