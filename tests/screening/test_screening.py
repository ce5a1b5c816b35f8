"""Every reason is given to the row that earns it, and duplicates never hide a contradiction."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llf_kit import batches
from llf_kit.schema import SAMPLE
from llf_kit.screening import duplicates, screen


def screened(*conversations: list[tuple[str, str | None]] | None) -> list[dict[str, Any]]:
    rows = [
        {
            **dict.fromkeys(SAMPLE),
            "source": "a.csv",
            "row": number,
            "messages": None if turns is None else [{"role": role, "content": content} for role, content in turns],
        }
        for number, turns in enumerate(conversations, start=2)
    ]
    return screen(pl.LazyFrame(rows, schema=SAMPLE), fits_all).collect().to_dicts()


def fits_all(_word: pl.Expr) -> pl.Expr:
    return pl.lit(None, dtype=pl.String)


Q, A = ("user", "血钾？"), ("assistant", "3.5～5.3 mmol/L")
CALL, RESULT = ("function", '[{"name": "lis", "arguments": {}}]'), ("observation", "6.8")


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([Q, A], None),
        ([Q, A, Q, A], None),
        (None, "no conversation"),
        ([], "no conversation"),
        ([("user", None), A], "no question"),
        ([("user", "-"), A], "no question"),
        ([Q, ("assistant", "NULL")], "no answer"),
        ([Q, ("assistant", "无")], "no answer"),
        ([Q, ("assistant", "无明显异常")], None),
        ([Q, ("assistant", "-")], "no answer"),
        ([Q, ("assistant", "−3 SD")], None),
        ([("user", ""), ("assistant", "nan")], "no question and no answer"),
        ([Q, A, ("user", ""), A], "no question"),
        ([A, Q], "it begins with an answer"),
        ([Q], "the last question has no answer"),
        ([Q, Q, A], "two turns of one speaker in a row"),
        ([Q, A, Q], "the last question has no answer"),
        ([Q, CALL, RESULT, A], None),
        ([Q, CALL, RESULT, CALL, RESULT, A, Q, CALL], None),
        ([Q, CALL, ("observation", ""), A], "a tool call or its result is empty"),
        ([Q, RESULT, A], "two turns of one speaker in a row"),
        ([("text", "质控图")], None),
        ([("text", " ")], "no text"),
    ],
)
def test_reasons(turns: list[tuple[str, str | None]] | None, reason: str | None) -> None:
    assert screened(turns)[0]["reason"] == reason


def test_the_second_of_two_equal_rows_is_the_duplicate() -> None:
    found = screened([Q, A], [Q, ("assistant", "3.5～5.3\nmmol/L ")], [Q, A])
    assert [row["duplicate"] for row in found] == [False, True, True]


def test_the_same_question_with_another_value_is_no_duplicate() -> None:
    found = screened([Q, A], [Q, ("assistant", "3.5～5.5 mmol/L")])
    assert [row["duplicate"] for row in found] == [False, False]


def test_rejected_rows_are_not_duplicates_of_each_other() -> None:
    found = screened([Q, ("assistant", "")], [Q, ("assistant", "")])
    assert [(row["reason"], row["duplicate"]) for row in found] == [("no answer", False)] * 2


@pytest.mark.parametrize("batch", [1, 3, 50, 20_000])
def test_the_first_in_the_order_of_the_file_is_kept_whatever_the_batches(
    monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(batches, "_ROWS", batch)
    monkeypatch.setattr(duplicates, "_LONG", 64)  # runs of every length, merged and not
    numbers = [number * number % 331 for number in range(600)]
    seen: set[int] = set()
    expected = [number in seen or bool(seen.add(number)) for number in numbers]
    rows = screened(*[[("user", f"第 {number} 问"), A] for number in numbers])
    assert [row["duplicate"] for row in rows] == expected
