"""One pass over the rows of a dataset: what every block says, counted, with the first places."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit.checks import row_rules
from llf_kit.checks.blocks import Block, blocks
from llf_kit.upstream.aligned import Attributes, Refused, aligner, attributes, refusal
from llf_kit.upstream.dataset_entries import Dataset

_PLACES = 3  # as many are named
_MAPPED = 1000  # rows


@dataclass
class Tally:
    """How many rows, and where the first of them are."""

    count: int = 0
    places: list[tuple[Path, int]] = field(default_factory=list)

    def add(self, count: int, path: Path, numbers: list[int]) -> None:
        """Count ``count`` more, of which ``numbers`` are the first."""
        self.count += count
        self.places += [(path, number) for number in numbers[: _PLACES - len(self.places)]]


@dataclass
class Survey:
    """What the rows of a dataset are.

    ``rules`` are the tallies of :mod:`row_rules`, ``refused`` those of the rows that are not trained on, ``mixed`` and
    ``late`` those of columns; ``schema`` has the types as the first block of every file gives them; ``dates`` are the
    columns whose texts upstream takes for dates; ``filled`` counts the values of a column that say something; ``given``
    has the first row from 0 in which a role has a value at all; ``lost`` are the rows from 0 that are not trained on,
    true for those without any answer. ``tags`` counts the speakers of the conversations that have a strange one.
    """

    dataset: Dataset
    one: Attributes
    rows: int = 0
    rules: dict[str, Tally] = field(default_factory=dict)
    refused: dict[Refused, Tally] = field(default_factory=dict)
    broken: Tally = field(default_factory=Tally)
    tools: Tally = field(default_factory=Tally)
    mixed: dict[str, dict[str, Tally]] = field(default_factory=dict)
    late: dict[str, Tally] = field(default_factory=dict)
    schema: dict[str, pl.DataType] = field(default_factory=dict)
    filled: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    dates: set[str] = field(default_factory=set)
    given: dict[str, int] = field(default_factory=dict)
    lost: dict[int, bool] = field(default_factory=dict)
    questions: list[pl.Series] = field(default_factory=list)
    hashes: list[pl.Series] = field(default_factory=list)
    starts: list[tuple[int, Block]] = field(default_factory=list)

    @property
    def dropped(self) -> int:
        """How many rows are not trained on, where the run goes on."""
        return sum(tally.count for tally in self.refused.values())

    @property
    def fails(self) -> bool:
        """Whether upstream ends at a row."""
        at_a_row = any(reason.fails for reason in self.refused)
        at_a_column = any(tally.count for tally in (self.broken, self.tools, *self.late.values())) or self.mixed
        begins_with_none = self.rows > _MAPPED and all(row in self.lost for row in range(_MAPPED))
        return bool(at_a_row or at_a_column or self.sparse or begins_with_none)

    @property
    def sparse(self) -> dict[str, int]:
        """The roles that have no value in the first thousand rows, and the row from 0 in which they get one.

        ``Dataset.map`` of datasets 4.0 writes a thousand rows at a time, and the first of these decide upon the types.
        """
        return {role: row for role, row in self.given.items() if row >= _MAPPED}

    def place(self, row: int) -> tuple[Path, int]:
        """Where the row is that is the ``row``-th of all, from 0."""
        start, block = next((start, block) for start, block in reversed(self.starts) if start <= row)
        return block.path, block.numbers[row - start]


def survey(dataset: Dataset, stage: str) -> Survey:
    """Look at every row of ``dataset`` as ``stage`` would use it.

    Raises:
        DataError: a file of it cannot be read.
    """
    found = Survey(dataset, attributes(dataset))
    files = dataset.files
    alone = blocks(files[0]) if len(files) == 1 else None  # its first block need not be read twice
    begins = [next(alone or blocks(path), None) for path in files]
    found.schema = _common([block.frame.schema for block in begins if block])
    align, judged = aligner(dataset), found.one.columns.get("kto_tag")

    def refuse(row: dict[str, Any]) -> tuple[Refused | None, bool]:
        made = align(row)
        if made is Refused.NOT_TEXT and judged and stage == "sft" and isinstance(row.get(judged), bool):
            made = Refused.NO_ANSWER  # dropped for its two answers, before it is looked at
        if isinstance(made, Refused):
            return made, True
        return refusal(made, stage), not any(turn.content for turn in made.response)

    for path in files:
        rest = chain(filter(None, begins), alone) if alone else blocks(path)
        for number, block in enumerate(rest):
            found.starts.append((found.rows, Block(block.path, pl.DataFrame(), block.numbers)))
            if number == 0:
                found.dates |= _dates(block.frame)
            found.broken.add(len(block.broken), path, list(block.broken[:_PLACES]))
            for column, kinds in block.mixed.items():
                for kind, numbers in kinds.items():
                    found.mixed.setdefault(column, {}).setdefault(kind, Tally()).add(len(numbers), path, numbers)
            _late(found, block)
            if block.frame.height:
                _ask(found, block, row_rules.Columns(found.one, block.frame.schema, stage), refuse)
            found.rows += block.frame.height
    return found


def _dates(frame: pl.DataFrame) -> set[str]:
    """The columns whose texts are dates, all of them: the reader of pyarrow makes them times, which are no texts."""
    texts = [column.drop_nulls() for column in frame if column.dtype == pl.String]
    return {text.name for text in texts if len(text) and _is_date(text.head(1)) and _is_date(text)}


def _is_date(texts: pl.Series) -> bool:
    return bool(
        texts.str.contains(
            r"^\d{4}-\d\d-\d\d(?:[ T]\d\d(?::\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?$"
        ).all()
    )


def _common(schemas: list[pl.Schema]) -> dict[str, pl.DataType]:
    """The columns of the first blocks of all files; where they differ, the type that says less.

    A folder is listed in any order, so that any of its files may come first.
    """
    common: dict[str, pl.DataType] = {}
    for schema in schemas:
        for name, kind in schema.items():
            known = common.get(name)
            if known is None or not holds(kind, known):
                common[name] = kind
    return common


def holds(first: pl.DataType, later: pl.DataType) -> bool:
    """Whether a table that began with ``first`` takes ``later``: datasets 4.0, table.py, ``_array_cast``."""
    if isinstance(later, pl.Null) or first == later:
        return True
    if isinstance(first, pl.List) and isinstance(later, pl.List):
        return holds(first.inner, later.inner)  # type: ignore[arg-type]
    if isinstance(first, pl.Struct) and isinstance(later, pl.Struct):
        kinds = {part.name: part.dtype for part in first.fields}
        return all(part.name in kinds and holds(kinds[part.name], part.dtype) for part in later.fields)  # type: ignore[arg-type]
    if isinstance(first, pl.String):
        return later.is_numeric() or isinstance(later, pl.Boolean)
    return first.is_numeric() and later.is_numeric()


def _late(found: Survey, block: Block) -> None:
    """Note the columns that hold something which the first block had no type for."""
    for name, kind in block.frame.schema.items():
        if name in block.mixed or (name in found.schema and holds(found.schema[name], kind)):
            continue
        values = block.frame[name]
        says = values.list.len() > 0 if isinstance(kind, pl.List) else values.is_not_null()
        at = says.fill_null(False).arg_true()
        found.late.setdefault(name, Tally()).add(len(at), block.path, [block.numbers[row] for row in at.head(_PLACES)])


def _ask(found: Survey, block: Block, columns: row_rules.Columns, refuse: Any) -> None:
    """Put every question to the rows of a block, in one pass of polars."""
    frame = block.frame
    spoken = pl.lit(None, pl.String)
    if columns.talk:
        frame = frame.with_columns(row_rules.word(columns).alias(_WORD))
        spoken = pl.col(_WORD)
    asked = dict(row_rules.rules(columns, spoken))
    asked[_SUSPECT] = row_rules.suspect(columns, spoken)
    if (signs := row_rules.signs(columns)) is not None:
        asked[_SIGNS] = signs
    hashes = {_WHOLE: row_rules.whole(columns)}
    if (question := row_rules.question(columns)) is not None:
        hashes[_QUESTION] = question
    answers = frame.select(**{name: rule.fill_null(False) for name, rule in asked.items()}, **hashes)
    more = pl.DataFrame()
    if _SIGNS in asked and answers[_SIGNS].any():
        more = frame.select(**{name: rule.fill_null(False) for name, rule in row_rules.rules_of_signs(columns)})
    for mask in (*answers.select(asked.keys() - {_SUSPECT, _SIGNS}), *more):
        _count(found.rules.setdefault(mask.name, Tally()), block, mask)
    found.hashes.append(answers[_WHOLE])
    if _QUESTION in hashes:
        found.questions.append(answers[_QUESTION])
    _fill(found, block.frame)
    _give(found, columns, frame)
    _speakers(found, columns, frame)
    _judge(found, block, answers[_SUSPECT], refuse)
    _tools(found, block, columns)


# Names that no column has.
_WORD, _SUSPECT, _SIGNS, _WHOLE, _QUESTION, _ROW = "\0word", "\0suspect", "\0signs", "\0whole", "\0question", "\0row"


def _count(tally: Tally, block: Block, mask: pl.Series) -> None:
    at = mask.arg_true()
    if len(at):
        tally.add(len(at), block.path, [block.numbers[row] for row in at.head(_PLACES)])


def _fill(found: Survey, frame: pl.DataFrame) -> None:
    """Count the values that say something, by column."""
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.List):
            found.filled[name] += int((frame[name].list.len() > 0).sum())
        elif isinstance(kind, pl.String):
            found.filled[name] += int((frame[name].str.len_bytes() > 0).sum())
        else:
            found.filled[name] += frame.height - frame[name].null_count()


def _give(found: Survey, columns: row_rules.Columns, frame: pl.DataFrame) -> None:
    """Note in which row a role gets its first value; an empty list of media is none."""
    for role in ("system", "tools", *row_rules.MARKS):
        if role in found.given or not (name := columns.name(role)) or found.one.formatting == "openai":
            continue
        there = pl.col(name).is_not_null()
        if role in row_rules.MARKS and isinstance(frame.schema[name], pl.List):
            there = pl.col(name).list.len() > 0
        if role == "system" and columns.talk:
            there |= pl.col(_WORD).str.contains("^[sS]")
        at = frame.select(there.fill_null(False)).to_series().arg_true()
        if len(at):
            found.given[role] = found.rows + int(at[0])


def _speakers(found: Survey, columns: row_rules.Columns, frame: pl.DataFrame) -> None:
    """Count the tags of the speakers, where a conversation has one that the entry does not know."""
    if columns.talk:
        odd = frame.filter(pl.col(_WORD).str.contains("?", literal=True))
        tags = odd[columns.talk].explode().struct.field(columns.role)
        found.tags.update({str(tag): number for tag, number in tags.value_counts().iter_rows()})


def _judge(found: Survey, block: Block, suspects: pl.Series, refuse: Any) -> None:
    """Ask the mirror of upstream's converter about the rows in doubt."""
    at = suspects.arg_true()
    rows = block.frame if len(at) == block.frame.height else block.frame[at]
    for number, row in zip(at, rows.iter_rows(named=True), strict=True):
        reason, nothing = refuse(row)
        if reason is not None:
            found.refused.setdefault(reason, Tally()).add(1, block.path, [block.numbers[number]])
            found.lost[found.rows + number] = nothing


def _tools(found: Survey, block: Block, columns: row_rules.Columns) -> None:
    """Note the rows whose tools are no JSON, which ends upstream's run when it comes to them."""
    name = columns.name("tools")
    if not name or columns.schema[name] != pl.String:
        return
    given = block.frame.select(pl.col(name), pl.int_range(pl.len()).alias(_ROW)).filter(pl.col(name) != "")
    bad = [text for text in given[name].unique() if not _is_json(text)]
    if bad:
        at = given.filter(pl.col(name).is_in(bad))[_ROW]
        found.tools.add(len(at), block.path, [block.numbers[row] for row in at.head(_PLACES)])


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def breaks_kto(found: Survey) -> bool:
    """Whether a row without any answer comes right before one that is trained on: IndexError in upstream's KTO.

    processor/feedback.py of LLaMA-Factory 0.9.5 gives each row the answer of the one before it, and the first of a
    thousand that of the last; it looks into that answer whether or not it dropped the row.
    """
    for row in (row for row, nothing in found.lost.items() if nothing):
        begin = row // _MAPPED * _MAPPED
        after = row + 1 if row + 1 < min(begin + _MAPPED, found.rows) else begin
        if after not in found.lost:
            return True
    return False


def leaks(test: Survey, train: Survey) -> Iterator[int]:
    """The rows of ``test``, from 0, whose question is one of ``train``."""
    if test.questions and train.questions:
        known = pl.concat(train.questions).unique()
        yield from pl.concat(test.questions).is_in(known.implode()).fill_null(False).arg_true()


def doubles(found: Survey) -> Iterator[int]:
    """The rows, from 0, that are the same as an earlier one."""
    if found.hashes:
        yield from (~pl.concat(found.hashes).is_first_distinct()).arg_true()
