"""Python in a pipeline: every row once, in order, and anew at each run."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from llf_kit import batches


@pytest.fixture
def many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_ROWS", 7)
    monkeypatch.setattr(batches, "_SLICE", 3)


@pytest.mark.usefixtures("many_batches")
def test_a_function_sees_every_row_once_and_in_order_and_begins_anew_at_each_run() -> None:
    def begin() -> Callable[[pl.DataFrame], pl.DataFrame]:
        seen = 0

        def number(batch: pl.DataFrame) -> pl.DataFrame:
            nonlocal seen
            seen += batch.height
            return batch.with_columns(place=pl.int_range(seen - batch.height, seen))

        return number

    rows = pl.LazyFrame({"n": range(1000)})
    through = batches.through(rows, begin, {"n": pl.Int64(), "place": pl.Int64()})
    for _ in range(2):
        done = through.collect(engine="streaming")
        assert done["n"].to_list() == done["place"].to_list() == list(range(1000))


def test_a_source_gives_what_is_asked_and_makes_no_more() -> None:
    made = []

    def make() -> list[pl.DataFrame]:
        made.append(1)
        return [pl.DataFrame({"a": [n, n], "b": ["x", "y"]}) for n in range(5)]

    rows = batches.source(make, {"a": pl.Int64(), "b": pl.String()})
    assert rows.head(3).collect().rows() == [(0, "x"), (0, "y"), (1, "x")]
    assert rows.filter(pl.col("b") == "y").select("a").collect()["a"].to_list() == [0, 1, 2, 3, 4]
    assert len(made) == 2
