"""The sheet: written, edited by a person and read back; every slip is noticed, and nothing is written then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from conftest import Result, rows

BAD = (
    "问题,答案,标签\n血钾的参考区间？,见附件。,甲\n=1+1 溶血怎么办？,抱歉，不知道。,甲\n"
    "血钠的参考区间？,137～147 mmol/L（WS/T 404.3）。,乙\n"
)
CONVERSATION = [{"messages": [
    {"role": "user", "content": "溶血？"}, {"role": "assistant", "content": "标本溶血吗？"},
    {"role": "user", "content": "溶血了"}, {"role": "assistant", "content": "抱歉，不知道。"}]}]  # fmt: skip

Sheet = Callable[[Callable[[Any], None]], Result]


@pytest.fixture
def edited(llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]) -> Sheet:
    """Convert two bad rows and a good one, write the sheet, change it and read it back."""
    tree({"a.csv": BAD, "llf-kit.yaml": "min_score: 90\n"})
    assert llf_kit("convert", "a.csv", "--name", "lab", "--min-score", "0").status == 0
    assert llf_kit("quality", "lab", "--lang", "en", "--excel", "lab.xlsx").status == 0

    def apply(change: Callable[[Any], None]) -> Result:
        book = openpyxl.load_workbook("lab.xlsx")
        change(book.worksheets[0])
        book.save("lab.xlsx")
        return llf_kit("quality", "lab", "--apply", "lab.xlsx")

    return apply


def column(sheet: Any, heading: str) -> int:
    return next(cell.column for cell in sheet[1] if cell.value == heading)


def put(sheet: Any, row: int, **values: Any) -> None:
    for heading, value in values.items():
        sheet.cell(row, column(sheet, heading.replace("_", " "))).value = value


def test_the_sheet_holds_the_rows_that_need_a_person_and_no_formula(edited: Sheet, project: Path) -> None:
    book = openpyxl.load_workbook("lab.xlsx")
    sheet = book.worksheets[0]
    table = list(sheet.iter_rows(min_row=2, values_only=True))
    assert [line[0] for line in table] == ["datasets/lab.jsonl:1", "datasets/lab.jsonl:2"]
    question = sheet.cell(3, column(sheet, "question"))
    assert (question.value, question.data_type, question.quotePrefix) == ("=1+1 溶血怎么办？", "s", True)
    assert "score " in sheet.cell(2, column(sheet, "why")).value
    (choice,) = sheet.data_validations.dataValidation
    assert choice.formula1 == '"keep,edit,drop"'
    assert (project / "lab.xlsx").stat().st_mode & 0o777 == 0o600
    assert not any(cell.data_type == "f" for page in book for line in page.iter_rows() for cell in line)


@pytest.mark.parametrize("begin", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\x07x"])
def test_no_text_becomes_a_formula_whatever_it_begins_with(
    begin: str, llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    tree({"a.jsonl": [{"question": f"{begin} ?", "answer": "见附件"}]})
    assert llf_kit("convert", "a.jsonl", "--name", "lab").status == 0
    assert llf_kit("quality", "lab", "--excel", "lab.xlsx", "--lang", "zh").status == 0
    sheet = openpyxl.load_workbook("lab.xlsx").worksheets[0]
    cell = sheet.cell(2, column(sheet, "问题"))
    assert cell.data_type == "s"
    assert cell.quotePrefix == (cell.value[0] in "=+-@")


def test_decisions_are_written_into_the_dataset_and_listed(edited: Sheet, project: Path) -> None:
    before = (project / "datasets/lab.jsonl").read_bytes().split(b"\n")

    def change(sheet: Any) -> None:
        put(sheet, 2, decision="Edit", corrected_answer="  3.5～5.3 mmol/L，有疑问电话13800138000。 ")
        put(sheet, 3, decision="drop")

    done = edited(change)
    assert done.status == 0, done.err
    assert "kept 0, edited 1, dropped 1, undecided 0; 2 rows now" in done.err
    assert "datasets/lab.jsonl:1  edited: answer" in done.err
    assert "1 × phone" in done.err
    made = rows(project / "datasets/lab.jsonl")
    assert made[0]["output"].startswith("3.5～5.3 mmol/L，有疑问电话【")
    assert made[0]["instruction"] == "血钾的参考区间？"
    assert (project / "datasets/lab.jsonl").read_bytes().split(b"\n")[1] == before[2]
    listed = rows(project / ".llf-kit/quality/lab_changes.jsonl")
    assert [(one["place"], one["decision"]) for one in listed] == [
        ("datasets/lab.jsonl:1", "edit"), ("datasets/lab.jsonl:2", "drop"),
    ]  # fmt: skip
    assert listed[1]["old"]["messages"][1]["content"] == "抱歉，不知道。"


def test_a_sheet_has_the_most_urgent_rows_where_there_are_too_many(
    edited: Sheet, llf_kit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llf_kit.quality.sheet.MOST", 1)
    done = llf_kit("quality", "lab", "--excel", "lab.xlsx")
    assert "the sheet has the 1 most urgent of 2 rows" in done.err
    assert edited(lambda sheet: put(sheet, 2, 处理="删除")).status == 0


def test_without_decisions_nothing_changes(edited: Sheet, project: Path) -> None:
    before = (project / "datasets/lab.jsonl").stat().st_mtime_ns
    done = edited(lambda sheet: put(sheet, 2, decision="keep"))
    assert "kept 1, edited 0, dropped 0, undecided 1; 3 rows now" in done.err
    assert (project / "datasets/lab.jsonl").stat().st_mtime_ns == before


SLIPS: dict[str, tuple[Callable[[Any], None], str]] = {
    "deleted": (lambda s: s.delete_rows(2), "the line of datasets/lab.jsonl:1 was deleted"),
    "id": (lambda s: put(s, 2, id="x"), "lab.xlsx:2: its id was changed"),
    "place": (lambda s: put(s, 2, place="datasets/lab.jsonl:3"), "lab.xlsx:2: its place was changed"),
    "twice": (lambda s: s.append([cell.value for cell in s[2]]), "lab.xlsx:4: its place stands twice"),
    "decision": (lambda s: put(s, 2, decision="maybe"), "lab.xlsx:2: the decision is not one of: drop, edit, keep"),
    "edit without": (lambda s: put(s, 2, decision="edit"), "lab.xlsx:2: says edit and has no corrected text"),
    "text without": (lambda s: put(s, 2, corrected_answer="x"), "lab.xlsx:2: has a corrected text, and the decision"),
    "formula": (lambda s: put(s, 2, decision="edit", corrected_answer="=A1"), "corrected answer is a formula"),
    "says nothing": (lambda s: put(s, 2, decision="edit", corrected_answer="无"), "1 corrected texts say nothing"),
    "heading": (lambda s: put(s, 1, decision="verdict"), "has no column decision"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_with_its_line_and_nothing_is_written(edited: Sheet, project: Path, slip: str) -> None:
    before = (project / "datasets/lab.jsonl").read_bytes()
    change, said = SLIPS[slip]
    done = edited(change)
    assert done.status == 1
    assert said in done.err
    assert "Traceback" not in done.err
    assert (project / "datasets/lab.jsonl").read_bytes() == before


def test_all_slips_are_told_at_once(edited: Sheet) -> None:
    def change(sheet: Any) -> None:
        put(sheet, 2, decision="maybe", id="x")
        put(sheet, 3, decision="edit")

    assert edited(change).err.count("error: ") == 3


def test_a_sheet_does_not_fit_rows_that_have_changed_since(edited: Sheet) -> None:
    assert edited(lambda sheet: put(sheet, 2, decision="edit", corrected_answer="3.5～5.3 mmol/L")).status == 0
    done = edited(lambda sheet: None)
    assert done.status == 1
    assert "lab.xlsx:2: the row has changed since the sheet was made" in done.err


def test_every_row_cannot_be_dropped(llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]) -> None:
    tree({"a.csv": "问题,答案\n血钾？,见附件。\n"})
    assert llf_kit("convert", "a.csv", "--name", "lab").status == 0
    assert llf_kit("quality", "lab", "--excel", "lab.xlsx", "--lang", "en").status == 0
    book = openpyxl.load_workbook("lab.xlsx")
    put(book.worksheets[0], 2, decision="drop")
    book.save("lab.xlsx")
    assert "drops every row" in llf_kit("quality", "lab", "--apply", "lab.xlsx").err


def test_what_is_no_sheet_of_this_dataset_is_refused(
    edited: Sheet, llf_kit: Callable[..., Result], project: Path
) -> None:
    openpyxl.Workbook().save("other.xlsx")
    (project / "text.xlsx").write_text("text")
    assert "was not written by llf-kit quality" in llf_kit("quality", "lab", "--apply", "other.xlsx").err
    assert "is not a readable xlsx" in llf_kit("quality", "lab", "--apply", "text.xlsx").err
    assert "there is no such file" in llf_kit("quality", "lab", "--apply", "gone.xlsx").err
    assert llf_kit("convert", "a.csv", "--name", "lab2", "--min-score", "0").status == 0
    assert "is a sheet of the dataset 'lab'" in llf_kit("quality", "lab2", "--apply", "lab.xlsx").err


@pytest.mark.parametrize("format_", ["alpaca", "sharegpt", "openai"])
@pytest.mark.parametrize("file_type", ["jsonl", "json", "parquet"])
def test_the_last_question_and_answer_are_corrected_in_every_format(
    format_: str, file_type: str, llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    directory = tree({"a.jsonl": [*CONVERSATION, {"messages": [
        {"role": "user", "content": "血钠的参考区间？"},
        {"role": "assistant", "content": "137～147 mmol/L（WS/T 404.3）。"}]}]})  # fmt: skip
    arguments = ("--format", format_, "--file-type", file_type)
    assert llf_kit("convert", "a.jsonl", "--name", "lab", *arguments).status == 0
    (directory / "llf-kit.yaml").write_text("min_score: 99\n")
    assert llf_kit("quality", "lab", "--excel", "lab.xlsx", "--lang", "zh").status == 0
    book = openpyxl.load_workbook("lab.xlsx")
    sheet = book.worksheets[0]
    assert sheet.cell(2, column(sheet, "此前对话")).value == "用户: 溶血？\n助手: 标本溶血吗？"
    put(sheet, 2, 处理="修改", 改后的问题="溶血了怎么办？", 改后的答案="应重新采集。")
    book.save("lab.xlsx")
    done = llf_kit("quality", "lab", "--apply", "lab.xlsx", "--json")
    assert done.status == 0, done.err
    from llf_kit import registered

    found = registered.samples(registered.find(directory, "lab"))
    assert found["reason"].to_list() == [None, None]
    first, second = found["messages"].to_list()
    assert [turn["content"] for turn in first] == ["溶血？", "标本溶血吗？", "溶血了怎么办？", "应重新采集。"]
    assert second[0]["content"] == "血钠的参考区间？"
    assert json.loads((directory / "dataset_info.json").read_text())["lab"]["file_name"] == f"datasets/lab.{file_type}"


def test_the_better_answer_of_a_pair_is_the_one_that_is_corrected(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    directory = tree({"a.jsonl": [{"question": "血钾？", "chosen": "见附件", "rejected": "不知道"}]})
    assert llf_kit("convert", "a.jsonl", "--name", "lab").status == 0
    assert llf_kit("quality", "lab", "--excel", "lab.xlsx", "--lang", "en").status == 0
    book = openpyxl.load_workbook("lab.xlsx")
    put(book.worksheets[0], 2, decision="edit", corrected_answer="3.5～5.3 mmol/L")
    book.save("lab.xlsx")
    assert llf_kit("quality", "lab", "--apply", "lab.xlsx").status == 0
    (made,) = rows(directory / "datasets/lab.jsonl")
    assert (made["chosen"], made["rejected"]) == ("3.5～5.3 mmol/L", "不知道")


def test_a_file_outside_of_the_project_is_left_alone(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.parquet"
    pl.DataFrame({"instruction": ["血钾？"] * 2, "output": ["见附件。", "见附件"]}).write_parquet(outside)
    directory = tree({})
    (directory / "dataset_info.json").write_text(json.dumps({"lab": {"file_name": str(outside)}}))
    assert llf_kit("quality", "lab", "--excel", "lab.xlsx", "--lang", "en").status == 0
    book = openpyxl.load_workbook("lab.xlsx")
    put(book.worksheets[0], 2, decision="drop")
    book.save("lab.xlsx")
    done = llf_kit("quality", "lab", "--apply", "lab.xlsx")
    assert done.status == 1
    assert "lies outside of the project" in done.err
    assert pl.read_parquet(outside).height == 2
