"""What the values of a column say where its name does not: conversations, questions and answers, judgements."""

from __future__ import annotations

from typing import Any

import polars as pl

from llf_kit.mapping import cells, choice
from llf_kit.mapping.columns import MAY_JUDGE, plain
from llf_kit.mapping.preference import HEIGHTS
from llf_kit.mapping.rows import Unmappable, value_of
from llf_kit.mapping.turns import conversation, prompt
from llf_kit.schema import NOTHING, USER, RawTable

_LOOK = 200  # rows that are looked at
_MANY = 20  # of four options, one in three hundred tables of so many answers never names the first
_MOST = 0.8  # share of them that has to agree
_OBJECTS = r"^\s*(?:\{|\[\s*\{)"  # as JSON
_TELLS = r"[，。！？,.!?].{3}|.{25}"  # who it was is shorter, and no sentence
_ASKS = r"[?？]\s*$|(?:吗|呢|什么|多少|怎么办|为什么|怎样|如何)\s*[。.]?\s*$"


class Values:
    """The first rows of a table, read when they are first asked for."""

    def __init__(self, table: RawTable) -> None:
        self._table = table
        self._frame: pl.DataFrame | None = None

    def _column(self, name: str) -> pl.Series:
        """The cells of a column that say something."""
        cells = self._all()[name]
        return cells.filter(cells.is_not_null() & ~cells.str.contains(NOTHING).fill_null(True))

    def _all(self) -> pl.DataFrame:
        if self._frame is None:
            rows = self._table.rows.filter(pl.col("reason").is_null()).head(_LOOK)
            self._frame = rows.select("raw").collect().unnest("raw")
        return self._frame

    def examples(self, name: str, number: int) -> list[str]:
        """The first cells of a column that say something."""
        return self._column(name).head(number).to_list()

    def judgement(self) -> str | None:
        """The column whose name may hold a judgement and whose values are good and bad, and nothing else."""
        for name in self._table.columns:
            if plain(name) in MAY_JUDGE:
                marks = self._column(name).to_frame().select(cells.judged(pl.first())).to_series()
                if marks.null_count() == 0 and marks.n_unique() == 2:
                    return name
        return None

    def scored(self, name: str) -> bool:
        """Whether the cells of a column hold objects with a score or a rank."""
        values = [value_of(cell) for cell in self._column(name).to_list()]
        return bool(values) and sum(map(_is_scored, values)) >= _MOST * len(values)

    def tells(self, name: str) -> bool:
        """Whether most cells of a column hold what somebody said, and not who it was."""
        return _share(self._column(name), _TELLS) > 0.5

    def prompts(self, name: str) -> bool:
        """Whether the cells of a column are conversations that wait for their answer."""
        values = self._column(name).to_list()
        return bool(values) and sum(map(_is_prompt, values)) >= _MOST * len(values)

    def choices(self, question: str, answer: str) -> bool:
        """Whether any question holds the options of which its answer is one."""
        rows = self._all().select(question, answer).drop_nulls().iter_rows()
        return any(choice.inside(asked, told) for asked, told in rows)

    def first_number(self, name: str) -> int | None:
        """0 or 1, from which the numbers of a column count; None where it holds others, or is too short to tell."""
        numbers = self._column(name).cast(pl.Int64, strict=False)
        least = numbers.min() if len(numbers) and not numbers.null_count() else None
        return 0 if least == 0 else 1 if least == 1 and len(numbers) >= _MANY else None

    def conversation(self) -> str | None:
        """The column whose cells are conversations of two turns or more."""
        for name in self._table.columns:
            values = self._column(name).to_list()
            if values and sum(map(_is_conversation, values)) >= _MOST * len(values):
                return name
        return None

    def question_and_answer(self) -> tuple[str, str] | None:
        """The column in which most cells ask, and of the others the one with the longest texts."""
        asking = [name for name in self._table.columns if _share(self._column(name), _ASKS) >= _MOST]
        if len(asking) != 1:
            return None
        lengths = {
            name: float(cells.str.len_chars().mean() or 0)  # type: ignore[arg-type]
            for name in self._table.columns
            if name != asking[0] and len(cells := self._column(name)) and cells.n_unique() > len(cells) / 2
            if not cells.str.contains(_OBJECTS).any()
        }
        longest = max(lengths, key=lambda name: lengths[name], default=None)
        sure = longest and (lengths[longest] >= 8 or len(self._table.columns) == 2)
        return (asking[0], longest) if longest and sure else None


def _is_scored(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return any(str(key).casefold() in HEIGHTS for item in items if isinstance(item, dict) for key in item)


def _is_conversation(cell: str) -> bool:
    try:
        return len(conversation(cell).turns) > 1
    except Unmappable:
        return False


def _is_prompt(cell: str) -> bool:
    """Messages of which the last is the user's, or a marked text that ends with the mark of who answers."""
    try:
        turns = prompt(cell).turns
    except Unmappable:
        return False
    return bool(turns) and turns[-1][0] == USER and (value_of(cell) is not None or turns != conversation(cell).turns)


def _share(column: pl.Series, pattern: str) -> float:
    return float(column.str.contains(pattern).mean() or 0) if len(column) else 0.0  # type: ignore[arg-type]
