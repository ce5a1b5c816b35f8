"""The rows that cleaning has to look at: one cheap look at every text picks them, the others pass by.

The look is one regular expression, the union of the signs of all that cleaning does: a linear-time engine takes as long
for one as for many. What is picked becomes one series of texts, is worked on as such, and is put back.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from llf_kit.batches import through
from llf_kit.schema import FLAG

# What stands beside the turns. A label is cleaned but names nobody; tools are JSON, which text cleaning leaves alone.
BESIDE = ("system", "rejected", "label", "tools")
_COLUMNS = ("messages", *BESIDE, "reason")
_SUSPECT = "\0suspect"  # a name that no stage gives


class Rows:
    """Some rows as one series of ``texts``: their turns, then what stands beside them, column by column.

    ``numbers`` say which row a text is of. ``reasons`` and ``flags`` are by row, to be added.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        turns = pl.DataFrame({"number": range(frame.height), "message": frame["messages"]}).explode("message")
        self._turns = turns.filter(pl.col("message").is_not_null())
        number = pl.Series(range(frame.height), dtype=pl.Int64)
        self.numbers = pl.concat([self._turns["number"], *(number for _ in BESIDE)])
        self.texts = pl.concat([self._turns["message"].struct.field("content"), *(frame[name] for name in BESIDE)])
        self.reasons: dict[int, str] = {}
        self.flags: dict[int, list[str]] = {}

    @property
    def plain(self) -> int:
        """How many of the texts, from the first, are no JSON."""
        return len(self.texts) - self._frame.height

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self._frame.height

    def flag(self, number: int, kind: str) -> None:
        """Flag a row, once for a kind."""
        kinds = self.flags.setdefault(number, [])
        if kind not in kinds:
            kinds.append(kind)

    def place(self, number: int) -> tuple[str, int]:
        """Where a row comes from."""
        return str(self._frame["source"][number]), int(self._frame["row"][number])

    def frame(self) -> pl.DataFrame:
        """The rows with their texts, reasons and flags as they are now."""
        frame, height = self._frame, self._frame.height
        turns = self._turns.height
        message = pl.col("message").struct.with_fields(content=self.texts[:turns])
        messages = self._turns.with_columns(message).group_by("number", maintain_order=True).agg("message")
        if messages.height < height:  # some have no turns
            messages = pl.DataFrame({"number": range(height)}).join(messages, on="number", how="left")
            empty = frame["messages"].list.len() == 0
            messages = messages.with_columns(
                message=frame["messages"].zip_with(empty.fill_null(True), messages["message"])
            )
        new = {"messages": messages["message"]}
        for count, name in enumerate(BESIDE):
            new[name] = self.texts[turns + count * height : turns + (count + 1) * height]
        if self.reasons:
            reasons = pl.Series([self.reasons.get(number) for number in range(height)], dtype=pl.String)
            new["reason"] = frame["reason"].zip_with(frame["reason"].is_not_null(), reasons)
        if self.flags:
            flags = [[{"kind": kind, "detail": ""} for kind in self.flags.get(number, ())] for number in range(height)]
            new["flags"] = pl.Series(flags, dtype=pl.List(FLAG))
        return frame.with_columns(column.alias(name) for name, column in new.items())


def stage(samples: pl.LazyFrame, sign: str, work: Callable[[Rows], None]) -> pl.LazyFrame:
    """LazyFrame of samples → the same columns and ``flags``; ``work`` is done on the rows with ``sign`` in a text."""
    content = pl.element().struct.field("content")
    suspect = pl.any_horizontal(
        pl.col("messages").list.eval(content.str.contains(sign)).list.any(),
        *(pl.col(name).str.contains(sign) for name in BESIDE),
    ).fill_null(False)

    def begin() -> Callable[[pl.DataFrame], pl.DataFrame]:
        return cleaned

    def cleaned(batch: pl.DataFrame) -> pl.DataFrame:
        suspects = batch[_SUSPECT]
        none = pl.Series([[]], dtype=pl.List(FLAG)).new_from_index(0, batch.height)
        batch = batch.drop(_SUSPECT).with_columns(none.alias("flags"))
        if not suspects.any():
            return batch
        rows = Rows(batch.filter(suspects))
        work(rows)
        return _put_back(batch, suspects, rows.frame())

    schema = {**samples.collect_schema(), "flags": pl.List(FLAG)}
    return through(samples.with_columns(suspect.alias(_SUSPECT)), begin, schema)


def _put_back(frame: pl.DataFrame, suspects: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    """The frame with other rows for its suspects."""
    if rows.height == frame.height:
        return rows
    # For each row of the frame the number of its new version, or null: to gather so is cheaper than to rebuild.
    number = pl.repeat(None, frame.height, dtype=pl.UInt32, eager=True)
    number = number.scatter(suspects.arg_true(), pl.int_range(rows.height, dtype=pl.UInt32, eager=True))
    stays = ~suspects
    changed = [name for name in (*_COLUMNS, "flags") if rows[name].null_count() < rows.height]
    return frame.with_columns(frame[name].zip_with(stays, rows[name].gather(number)) for name in changed)
