"""Stage 2: raw rows become samples. Which column is the question, the answer, the options, the turns …

The decision is made once a table: from what the user gave with ``--map``, then from the names of the columns, then from
their values. It can be read (:meth:`Mapping.describe`) before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field, replace
from functools import partial

import polars as pl

from llf_kit.errors import DataError
from llf_kit.mapping import cells, choice, dialogue, preference, single
from llf_kit.mapping.columns import NUMBERED, OPTION_ROLES, PERSONS, ROLES, assign, fitting, others, plain
from llf_kit.mapping.rows import Conversation, RawRow, Unmappable, apply
from llf_kit.mapping.values import Values
from llf_kit.schema import SAMPLE, RawTable

__all__ = [
    "UNKNOWN",
    "Ask",
    "Conversation",
    "Function",
    "Mapping",
    "RawRow",
    "Unmappable",
    "choose",
    "choose_asked",
    "to_samples",
]


@dataclass(frozen=True)
class Shape:
    """What a table's rows are: the roles it needs, the roles it reads besides, and the stage that makes samples.

    ``format`` is the output format that holds all of it.
    """

    name: str
    needs: tuple[frozenset[str], ...]
    reads: frozenset[str]
    stage: Callable[[pl.LazyFrame, Dict[str, str]], pl.LazyFrame]
    format: str = "alpaca"

    def fits(self, roles: frozenset[str]) -> bool:
        """Whether every role it needs has a column."""
        return any(need <= roles for need in self.needs)


_PAIR = frozenset({"question", "answer"})
_ASKED = frozenset({"title", "question", "context"})
_BEFORE = _ASKED | {"history", "messages"}
# Every shape reads these where they have a column.
_ALWAYS = frozenset({"system", "label", "desirable"})

_CHOICE = Shape(
    "multiple choice",
    (_PAIR | {"options"}, _PAIR | {"option A", "option B"}),
    _ASKED | {"explanation", "thought", *OPTION_ROLES},
    choice.stage,
)

# The first that fits is taken: the more a shape needs, the earlier it stands.
SHAPES: tuple[Shape, ...] = (
    Shape("preference pair", (frozenset({"chosen", "rejected"}),), _BEFORE, preference.pair_stage, "preference"),
    Shape(
        "ranked answers",
        tuple(
            frozenset({asked, *told})
            for asked in ("question", "messages")
            for told in (
                *(("answers", "scores"), ("answer 0", "score 0"), ("answer 0", "rank 0")),
                *(("answer 1", "answer 2", "winner"), ("answer a", "answer b", "winner")),
                *(("answer 1", "score 1"), ("answer a", "score a"), ("answer 1", "rank 1"), ("answer a", "rank a")),
                *(("rank 1", "rank 2"), ("answers",)),  # `answers` is there if its values are scored: see _decide
            )
        ),
        _BEFORE | {"scores", "winner", *NUMBERED},
        preference.ranked_stage,
        "preference",
    ),
    Shape(
        "multi-turn",
        (_PAIR | {"messages"},),
        _ASKED | {"history", "thought", "tools"},
        dialogue.messages_stage,
    ),
    Shape("multi-turn", (frozenset({"messages"}),), frozenset({"tools", "answer"}), dialogue.messages_stage),
    Shape("several questions", (frozenset({"pairs"}),), _ASKED, dialogue.pairs_stage),
    Shape("multi-turn", (_PAIR | {"history"},), _ASKED | {"thought"}, dialogue.history_stage),
    _CHOICE,
    Shape("single-turn", (_PAIR,), _ASKED | {"explanation", "thought"}, single.stage),
    Shape("plain text", (frozenset({"text"}),), frozenset({"title"}), single.text_stage, "pretrain"),
)


_NEEDED = {"question": "a question", "answer": "an answer"}


def _reject_all(rows: pl.LazyFrame, columns: Dict[str, str]) -> pl.LazyFrame:
    missing = " or ".join(what for role, what in _NEEDED.items() if role not in columns)
    reason = pl.coalesce("reason", pl.lit(f"no column of this table is known to be {missing}"))
    return rows.with_columns(messages=pl.lit(None, dtype=SAMPLE["messages"]), reason=reason)


UNKNOWN = Shape("not understood, all its rows are rejected", (), frozenset(), _reject_all)


@dataclass(frozen=True)
class Mapping:
    """The decision for one table: its shape and the column of each role.

    ``others`` are columns that fill in where that of a role is empty; ``guessed`` are the roles that were found by
    their values alone.
    """

    table: RawTable
    shape: Shape
    columns: dict[str, str]
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()

    @property
    def unused(self) -> list[str]:
        """Columns of the table that are not read."""
        read = {*self.columns.values(), *(name for names in self.others.values() for name in names)}
        return [name for name in self.table.columns if name not in read]

    def examples(self, column: str, number: int = 2) -> list[str]:
        """The first cells of a column that say something."""
        return Values(self.table).examples(column, number)

    @property
    def sure(self) -> bool:
        """Whether a person need not be asked."""
        return self.shape is not UNKNOWN and not self.guessed

    @property
    def format(self) -> str:
        """The output format that holds all that this table says."""
        if "desirable" in self.columns:
            return "kto"
        return "sharegpt" if "tools" in self.columns else self.shape.format

    def describe(self) -> str:
        """The decision for people, without the source: ``single-turn; question=提问, answer=解答; not used: 依据``."""
        pairs = ", ".join(
            f"{role}={'|'.join((name, *self.others.get(role, ())))}" for role, name in self.columns.items()
        )
        parts = [self.shape.name, pairs]
        parts.append(f"guessed from the values: {', '.join(self.guessed)}" if self.guessed else "")
        parts.append(f"not used: {', '.join(self.unused)}" if self.unused else "")
        return "; ".join(part for part in parts if part)


Function = Callable[[RawRow], Conversation]
# What a person says of a table that is not read for sure: role → column, or None to leave it out.
Ask = Callable[[Mapping], Dict[str, str] | None]


def choose(
    tables: list[RawTable], given: Dict[str, str], function: Function | None = None, ask: Ask | None = None
) -> list[Mapping]:
    """Decide for every table; ``given`` maps a role to a column name and wins over what is found.

    With a ``function`` there is nothing to decide: it makes a conversation of every row. ``ask`` is asked where the
    decision is not sure. A table in which no shape is found is kept as one whose rows are all rejected, so that one
    stray file in a folder neither stops the others nor vanishes.

    Raises:
        DataError: no table at all has a shape, or a given column is in none; all of them at once.
    """
    if function is not None:
        shape = Shape("a function's", (), frozenset(), lambda rows, _: apply(rows, function))
        return [Mapping(table, shape, {}) for table in tables]
    problems: list[str] = []
    for role, name in given.items():
        if not any(name in table.columns for table in tables):
            every = list(dict.fromkeys(column for table in tables for column in table.columns))
            problems.append(f"--map {role}={name}: no table has that column. There are: {', '.join(every)}.")
    for role, name in given.items():
        if first := [other for other in given if given[other] == name and other != role][:1]:
            problems.append(f"--map {role}={name}: that column is the {first[0]} already. Give another.")
    if problems:
        raise DataError(*problems)
    mappings = [_decide(table, given) for table in tables]
    if ask is not None:
        mappings = [one if one.sure else _asked(one, given, ask(one)) for one in mappings]
    if all(one.shape is UNKNOWN for one in mappings):
        raise DataError(*(_no_shape(one) for one in mappings))
    return mappings


def choose_asked(tables: list[RawTable], given: Dict[str, str]) -> list[Mapping]:
    """Decide for tables of which only the questions count: a benchmark may keep its answers to itself.

    What ``given`` names for other tables is passed over.

    Raises:
        DataError: as :func:`choose`.
    """
    here = {role: name for role, name in given.items() if any(name in table.columns for table in tables)}
    return choose([_answered(table, here) for table in tables], here)


def _answered(table: RawTable, given: Dict[str, str]) -> RawTable:
    """The table with an answer to everything where it has none."""
    here = {role: name for role, name in given.items() if name in table.columns}
    if assign(table.columns, here).keys() & {"question", "answer"} != {"question"}:
        return table
    rows = table.rows.with_columns(pl.col("raw").struct.with_fields(pl.lit("?").alias("answer")))
    return replace(table, columns=(*table.columns, "answer"), rows=rows)


def _asked(unsure: Mapping, given: Dict[str, str], answer: Dict[str, str] | None) -> Mapping:
    if answer is None:
        return Mapping(unsure.table, UNKNOWN, {})
    return _decide(unsure.table, {**given, **answer})


def _decide(table: RawTable, given: Dict[str, str]) -> Mapping:
    given = {role: name for role, name in given.items() if name in table.columns}
    columns = assign(table.columns, given)
    values = Values(table)
    persons = [role for role, name in columns.items() if plain(name) in PERSONS and not values.tells(name)]
    columns = {role: name for role, name in columns.items() if role in given or role not in persons}
    if "desirable" not in columns and (judgement := values.judgement()) and judgement not in given.values():
        columns = {role: name for role, name in columns.items() if name != judgement} | {"desirable": judgement}
    if columns.keys() >= _PAIR and "context" not in columns and "text" in columns:
        columns["context"] = columns.pop("text")  # a passage that is asked about
    if "answers" in columns and "scores" not in columns and not values.scored(columns["answers"]):
        name = columns.pop("answers")
        columns.setdefault("answer", name)
    if columns.keys() >= {"question", "thought", "text"} and "answer" not in columns:
        columns["answer"] = columns.pop("text")  # what the thinking came to
    if "question" in columns and "messages" not in columns and values.prompts(columns["question"]):
        columns["messages"] = columns.pop("question")
    guessed: tuple[str, ...] = ()
    shape = _fitting(columns)
    if shape is None or shape.format == "pretrain":
        if found := values.conversation():
            columns = {role: name for role, name in columns.items() if name != found} | {"messages": found}
        elif found_pair := values.question_and_answer():
            columns = {role: name for role, name in columns.items() if name not in found_pair}
            columns |= dict(zip(("question", "answer"), found_pair, strict=True))
            guessed = ("question", "answer")
        shape = _fitting(columns)
    if shape is None:
        return Mapping(table, UNKNOWN, {role: name for role, name in columns.items() if role in _NEEDED})
    if shape.format == "pretrain" and plain(columns.get("question", "")) in ROLES["title"]:
        columns["title"] = columns["question"]  # where there is no answer, it asks nothing
    if shape.stage is single.stage and values.choices(columns["question"], columns["answer"]):
        shape = _CHOICE
    if shape is _CHOICE and (first := values.first_number(columns["answer"])) is not None:
        shape = replace(shape, stage=partial(choice.stage, first=first))
    read = frozenset().union(*shape.needs) | shape.reads | _ALWAYS
    columns = {role: name for role, name in columns.items() if role in read}
    spare = {role: others(role, table.columns, columns) for role in _PAIR if role in columns and role not in given}
    return Mapping(table, shape, columns, {role: names for role, names in spare.items() if names}, guessed)


def _fitting(columns: Dict[str, str]) -> Shape | None:
    return next((shape for shape in SHAPES if shape.fits(frozenset(columns))), None)


def _no_shape(mapping: Mapping) -> str:
    table, columns = mapping.table, assign(mapping.table.columns, {})
    missing = [role for role in _NEEDED if role not in mapping.columns]
    names = ", ".join(table.columns)
    hints = []
    for role in missing:
        free = [name for name in table.columns if name not in mapping.columns.values()]
        guess = columns.get(f"{role} 1") or fitting(role, free)
        hints.append(f"--map {role}={guess or '<column>'}")
    return f"{table.source}: no {' and no '.join(missing)} column among: {names}. Name it: {' '.join(hints)}"


def to_samples(mapping: Mapping) -> pl.LazyFrame:
    """The stage for one table: LazyFrame of raw rows → LazyFrame of samples (see :mod:`llf_kit.schema`)."""
    raw = pl.col("raw").struct
    rows = mapping.table.rows
    columns = mapping.columns
    if mended := cells.mend(columns, mapping.others, told_apart=mapping.shape.name == _CHOICE.name):
        rows = rows.with_columns(raw.with_fields(mended))
    mapped = mapping.shape.stage(rows, columns)
    made = mapped.collect_schema().names()
    missing = (pl.lit(None, dtype=dtype).alias(name) for name, dtype in SAMPLE.items() if name not in made)
    mapped = mapped.with_columns(missing)
    if "system" in columns:
        mapped = mapped.with_columns(system=pl.coalesce("system", raw.field(columns["system"])))
    if "label" in columns:
        mapped = mapped.with_columns(label=raw.field(columns["label"]))
    if "desirable" in columns:
        mark = raw.field(columns["desirable"])
        unclear = mark.is_not_null() & cells.judged(mark).is_null()
        reason = pl.when(unclear).then(pl.lit("its mark says neither good nor bad"))
        mapped = mapped.with_columns(desirable=cells.judged(mark), reason=pl.coalesce("reason", reason))
    return mapped.select(pl.col(name).cast(dtype) for name, dtype in SAMPLE.items())
