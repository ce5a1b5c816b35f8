"""Sheets that come back: what is wrong is told by its cell, what is right becomes numbers and data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, rows
from reviewing import Export, change, column, convert, fill, key, letter, put, ready, write_rows

Read = Callable[..., Result]

ALL_TUNED = dict.fromkeys(range(6), "tuned")


@pytest.fixture
def export(llf_kit: Callable[..., Result], project: Path) -> Export:
    export = ready(llf_kit, project)
    assert export("--raters", "张老师,李老师").status == 0
    return export


@pytest.fixture
def read(export: Export, llf_kit: Callable[..., Result]) -> Read:
    def call(*more: object, sheets: tuple[str, ...] = ("blind_张老师.xlsx", "blind_李老师.xlsx")) -> Result:
        return llf_kit("review", "import", "blind", *sheets, *more)

    return call


def test_scores_wins_and_agreement_come_out_under_the_names_of_the_models(read: Read, project: Path) -> None:
    fill(project, "张老师", {"base": 2, "tuned": 5}, ALL_TUNED)
    fill(project, "李老师", {"base": 1, "tuned": 5}, {**ALL_TUNED, 4: "base", 5: "一样好"})
    data = read("--json").json
    assert data["rated"] == data["questions"] == 6
    assert data["means"]["tuned"]["accuracy"] == {"value": 5.0, "low": 5.0, "high": 5.0, "scored": 6}
    assert data["means"]["base"]["fluency"]["value"] == 1.5
    (duel,) = data["duels"]
    assert (duel["first"], duel["wins"], duel["ties"], duel["losses"]) == ("base", 0, 1, 5)
    assert duel["p"] == 2 * 0.5**5
    assert duel["lost"]["value"] == pytest.approx(100 * 5 / 6) and duel["lost"]["low"] < 84 < duel["lost"]["high"]
    relevance = data["agreement"]["relevance"]
    assert (relevance["units"], relevance["percent"]) == (12, 50.0)
    # 6 × (2, 1) and 6 × (5, 5): 1 - observed / expected squares = 1 - 6 / (144 * mean square of independent pairs)
    assert relevance["kappa"] == pytest.approx(1 - (6 * 1) / (3 * 1 + 3 * 9 + 3 * 16))
    assert data["agreement"]["better"]["percent"] == pytest.approx(100 * 4 / 6)
    assert {label: part["questions"] for label, part in data["scenarios"].items()} == {"生化": 4, "质控": 2}
    assert data["apart"][0]["place"] == "lab:5" and data["apart"][0]["opposed"]
    assert data["raters"]["张老师"] == {"rated": 6, "partial": 0, "empty": 0, "deleted": 0}
    said = read().err
    assert "base against tuned: 0 won, 1 tied, 5 lost; won 0.00 (0.00–0.00) %" in said
    assert "1 questions on which raters differ" in said


def test_what_a_rater_skipped_is_counted_and_no_slip(read: Read, project: Path) -> None:
    path = fill(project, "张老师", {"base": 2, "tuned": 5}, ALL_TUNED, skip=(0, 1))
    change(path, lambda sheet: (sheet.delete_rows(7), put(sheet, 6, 哪个更好=None, A_流畅性=" ４ ", B_相关性=3.0)))
    data = read("--json", sheets=(path,)).json
    assert data["raters"] == {"张老师": {"rated": 3, "partial": 1, "empty": 2, "deleted": 1}}
    assert data["rated"] == 3
    assert data["agreement"]["relevance"] == {"units": 0, "percent": None, "kappa": None, "alpha": None}
    assert data["means"][key(project)["raters"][0]["orders"][4][0]]["fluency"]["scored"] == 3


def test_choices_are_read_however_they_are_typed(read: Read, project: Path) -> None:
    def edit(sheet: Any) -> None:
        put(sheet, 2, 哪个更好=" Ｂ ")
        put(sheet, 3, 哪个更好="b")
        put(sheet, 4, 哪个更好="都不好")

    change("blind_张老师.xlsx", edit)
    (duel,) = read("--json", sheets=("blind_张老师.xlsx",)).json["duels"]
    seconds = [order[1] for order in key(project)["raters"][0]["orders"][:2]]
    assert (duel["wins"], duel["ties"], duel["losses"]) == (seconds.count("base"), 1, seconds.count("tuned"))


SLIPS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "id": (lambda s: put(s, 3, 编号="x"), "blind_张老师.xlsx:A3: this id was changed, or the row is new"),
    "twice": (lambda s: put(s, 3, 编号=s["A2"].value), "blind_张老师.xlsx:A3: the id"),
    "answer": (lambda s: put(s, 3, 答案_A="别的"), "blind_张老师.xlsx:C3: the text was changed"),
    "question": (lambda s: put(s, 4, 问题=None), "blind_张老师.xlsx:B4: the text was changed"),
    "range": (lambda s: put(s, 2, A_相关性=6), "blind_张老师.xlsx:E2: is no whole number from 1 to 5"),
    "half": (lambda s: put(s, 2, A_相关性=4.5), "blind_张老师.xlsx:E2: is no whole number from 1 to 5"),
    "no number": (lambda s: put(s, 2, B_多样性="高"), "blind_张老师.xlsx:L2: is no whole number from 1 to 5"),
    "true": (lambda s: put(s, 2, B_多样性=True), "blind_张老师.xlsx:L2: is no whole number from 1 to 5"),
    "huge": (lambda s: put(s, 2, B_多样性="9" * 400), "blind_张老师.xlsx:L2: is no whole number from 1 to 5"),
    "better": (lambda s: put(s, 2, 哪个更好="C"), "blind_张老师.xlsx:M2: is not one of: A, B, 一样好, 都不好"),
    "formula": (lambda s: put(s, 2, 修正后的答案="=A1"), "blind_张老师.xlsx:N2: is a formula"),
    "heading": (lambda s: put(s, 1, 哪个更好="更好"), "blind_张老师.xlsx: has no column 哪个更好"),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_with_its_cell_and_nothing_is_written(read: Read, project: Path, slip: str) -> None:
    fill(project, "张老师", {"base": 2, "tuned": 5}, ALL_TUNED)
    edit, said = SLIPS[slip]
    change("blind_张老师.xlsx", edit)
    done = read("--dataset", "pairs")
    assert done.status == 1 and said in done.err, done.err
    assert done.err.count("error: ") == 1 and "Traceback" not in done.err
    assert "base" not in done.err and "tuned" not in done.err, "it was unblinded before all was right"
    assert not (project / "datasets/pairs.jsonl").exists()


def test_all_slips_of_all_sheets_are_told_at_once(read: Read, project: Path) -> None:
    change("blind_张老师.xlsx", lambda sheet: (put(sheet, 2, A_相关性=0, 哪个更好="?"), put(sheet, 3, 编号="x")))
    change("blind_李老师.xlsx", lambda sheet: put(sheet, 5, B_流畅性="x"))
    assert read().err.count("error: ") == 4


def test_two_sheets_of_one_rater_and_sheets_of_others_are_refused(
    read: Read, export: Export, llf_kit: Callable[..., Result], project: Path
) -> None:
    fill(project, "张老师", {"base": 2, "tuned": 5}, ALL_TUNED)
    shutil.copy("blind_张老师.xlsx", "copy.xlsx")
    assert "copy.xlsx: is a second sheet of 张老师" in read(sheets=("blind_张老师.xlsx", "copy.xlsx")).err
    assert export("--name", "other").status == 0
    assert "other_1.xlsx: is a sheet of another review" in read(sheets=("other_1.xlsx",)).err
    import openpyxl

    openpyxl.Workbook().save("plain.xlsx")
    done = read(sheets=("plain.xlsx", "gone.xlsx", "base.jsonl"))
    assert "plain.xlsx: was not written by llf-kit review export" in done.err
    assert "gone.xlsx: there is no such file" in done.err and "base.jsonl: is not a readable xlsx" in done.err
    assert "nothing is filled in" in read(sheets=("blind_李老师.xlsx",)).err
    assert llf_kit("review", "import", "blnd", "copy.xlsx").status == 2
    assert "Did you mean 'blind'?" in llf_kit("review", "import", "blnd", "copy.xlsx").err
    assert llf_kit("review", "import", "../blind", "copy.xlsx").status == 2
    (project / ".llf-kit/review/blind.json").write_text("{}")
    assert "is damaged" in read().err


def test_what_was_preferred_or_corrected_becomes_pairs_and_rows(
    read: Read, llf_kit: Callable[..., Result], project: Path
) -> None:
    convert(llf_kit, project)
    chosen = {0: "tuned", 1: "tuned", 2: "一样好", 3: "都不好", 4: "tuned", 5: "都不好"}
    fill(project, "张老师", {"base": 2, "tuned": 5}, chosen)
    fill(project, "李老师", {"base": 2, "tuned": 5}, {1: "base", 4: "一样好"})
    change("blind_张老师.xlsx", lambda sheet: put(sheet, 5, 修正后的答案="40～55 g/L，联系电话13800138000。"))
    change("blind_张老师.xlsx", lambda sheet: put(sheet, 6, 修正后的答案="拒收，记录，并通知重新采集。"))
    change("blind_李老师.xlsx", lambda sheet: put(sheet, 6, 修正后的答案="拒收。"))
    done = read("--dataset", "pairs", "--sft", "fixed", "--json")
    assert done.status == 0, done.err
    pairs, fixed = done.json["written"]
    assert pairs["left_out"] == {
        "another rater's correction of the same question is taken": 1,
        "both are good alike": 1,
        "none is good, and there is no correction": 1,
        "raters prefer different answers": 1,
    }
    assert (pairs["rows"], pairs["asked"], fixed["rows"]) == (4, ["lab"], 2)
    made = rows(project / "datasets/pairs.jsonl")
    assert made[0] | {"history": [], "input": ""} == {
        "instruction": "血钾的参考区间？", "input": "", "system": "你是检验科专家。", "history": [], "label": "生化",
        "chosen": "3.5～5.3 mmol/L", "rejected": "不清楚 0，电话【电话】。",
    }  # fmt: skip
    assert [row["chosen"] for row in made[1:3]] == ["40～55 g/L，联系电话【电话】。"] * 2
    assert {row["rejected"] for row in made[1:3]} == {"不清楚 3，电话【电话】。", "40～55 g/L"}
    assert made[3]["chosen"] in ("拒收，记录，并通知重新采集。", "拒收。") and "不清楚" in made[3]["rejected"]
    assert pairs["masked"]["phone"] == 5
    assert rows(project / "datasets/fixed.jsonl")[0]["output"] == "40～55 g/L，联系电话【电话】。"
    entries = json.loads((project / "dataset_info.json").read_text())
    assert entries["pairs"]["ranking"] is True and set(entries) == {"lab", "pairs", "fixed"}
    said = read("--dataset", "pairs").err
    assert "its questions stand in lab: do not measure there what was trained on pairs" in said
    assert "next: llf-kit render train/dpo --set dataset=pairs -o pairs.yaml" in said


def test_a_dataset_of_another_is_not_replaced_and_an_empty_one_not_written(read: Read, project: Path) -> None:
    fill(project, "张老师", {"base": 2, "tuned": 5}, {0: "一样好"})
    done = read("--dataset", "pairs")
    assert done.status == 1 and "no question of the review gives a row" in done.err
    assert not (project / "dataset_info.json").exists()
    assert "5 × nobody chose the better answer" in done.err
    fill(project, "张老师", {"base": 2, "tuned": 5}, ALL_TUNED)
    (project / "datasets").mkdir()
    (project / "datasets/pairs.jsonl").write_text("mine")
    assert "datasets/pairs.jsonl is there and not registered" in read("--dataset", "pairs").err
    assert "are the same name" in read("--dataset", "a", "--sft", "a").err
    assert read("--dataset", "a,b").status == 2


def test_a_dataset_that_has_changed_since_is_noticed(read: Read, llf_kit: Callable[..., Result], project: Path) -> None:
    convert(llf_kit, project)
    fill(project, "张老师", {"base": 2, "tuned": 5}, ALL_TUNED)
    data = rows(project / "datasets/lab.jsonl")
    write_rows(project / "datasets/lab.jsonl", list(reversed(data)))
    assert "lab:1: has changed since it was predicted" in read("--dataset", "pairs").err


def test_letters_are_another_on_each_sheet(export: Export, project: Path) -> None:
    both = {name: [letter(project, name, row, "tuned") for row in range(6)] for name in ("张老师", "李老师")}
    assert {*both["张老师"]} == {*both["李老师"]} == {"A", "B"}
    import openpyxl

    sheet = openpyxl.load_workbook("blind_李老师.xlsx").worksheets[0]
    for row, at in enumerate(both["李老师"]):
        assert "不清楚" not in sheet.cell(row + 2, column(sheet, f"答案 {at}")).value
