"""On a terminal a table that is not understood is asked about, once; elsewhere nobody is ever asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Result, rows, typed_at_a_terminal

GUESSED = (
    "编号,甲栏,乙栏\n1,血钾的参考区间是多少？,成人血清钾为 3.5～5.3 mmol/L\n2,血钠呢？,成人血清钠为 137～147 mmol/L\n"
)


def at_a_terminal(directory: Path, typed: str, *arguments: str) -> tuple[int, str]:
    """Exit status of ``llf-kit convert`` and what its terminal showed, with ``typed`` typed ahead."""
    return typed_at_a_terminal(directory, typed, "convert", *arguments, "--name", "lab")


def test_a_guess_is_confirmed_and_an_unknown_table_is_named(tree: Callable[[dict[str, Any]], Path]) -> None:
    here = tree({"a.csv": GUESSED, "b.csv": "x,y\n钾,3.5\n", "c.csv": "x,y\n钠,140\n"})
    status, shown = at_a_terminal(here, "\n\n1\n2\n", "a.csv", "b.csv", "c.csv")
    assert status == 0, shown
    assert shown.count("Which is the question?") == 2  # the columns of c.csv are those of b.csv
    assert "--map question=x --map answer=y" in shown
    assert [row["instruction"] for row in rows(here / "datasets/lab.jsonl")][2:] == ["钾", "钠"]


def test_none_of_them_rejects_the_rows_and_an_end_of_typing_stops(tree: Callable[[dict[str, Any]], Path]) -> None:
    here = tree({"a.csv": GUESSED, "b.csv": "x,y\n钾,3.5\n"})
    status, shown = at_a_terminal(here, "\n\n0\n", "a.csv", "b.csv")
    assert (status, "read 3 = written 2 + duplicates 0 + rejected 1" in shown) == (0, True), shown
    status, shown = at_a_terminal(here, "1\n1\n2\n", "b.csv")
    assert (status, "--map question=x --map answer=y" in shown) == (0, True), shown
    status, shown = at_a_terminal(here, "\x04", "b.csv")
    assert status == 1 and "Traceback" not in shown


def test_nobody_is_asked_without_a_terminal(
    tree: Callable[[dict[str, Any]], Path], llf_kit: Callable[..., Result]
) -> None:
    here = tree({"a.csv": GUESSED, "b.csv": "x,y\n钾,3.5\n"})
    assert "guessed from the values: question, answer" in llf_kit("convert", here / "a.csv", "--name", "lab").err
    assert llf_kit("convert", here / "b.csv", "--name", "b").status == 1
