"""The sheets that go out: blind, safe, and ready to be filled in by a person."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Result
from reviewing import QUESTIONS, Export, column, convert, key, predicted, ready, write_rows

from llf_kit.evaluation.review.blinding import blind, sample
from llf_kit.evaluation.review.matching import Question


@pytest.fixture
def export(llf_kit: Callable[..., Result], project: Path) -> Export:
    return ready(llf_kit, project)


def test_each_rater_gets_a_sheet_that_tells_no_model(export: Export, project: Path) -> None:
    done = export("--raters", "张老师，李老师")
    assert done.status == 0, done.err
    assert "6 questions, 2 models: base, tuned" in done.err
    for name in ("张老师", "李老师"):
        path = project / f"blind_{name}.xlsx"
        assert path.stat().st_mode & 0o777 == 0o600
        with zipfile.ZipFile(path) as packed:
            for part in packed.namelist():
                assert b"tuned" not in packed.read(part) and b"base.jsonl" not in packed.read(part)
        book = openpyxl.load_workbook(path)
        assert [page.sheet_state for page in book] == ["visible", "visible"]
        texts = [str(cell.value) for page in book for line in page.iter_rows() for cell in line]
        assert not [text for text in texts if "13800138000" in text], "an identifier went out"
        assert not any(cell.data_type == "f" for page in book for line in page.iter_rows() for cell in line)
    place = project / ".llf-kit/review/blind.json"
    assert place.stat().st_mode & 0o777 == 0o600
    first, second = key(project)["raters"]
    assert first["code"] != second["code"]
    assert {tuple(order) for order in first["orders"]} == {("base", "tuned"), ("tuned", "base")}


def test_a_person_can_fill_it_in(export: Export, project: Path) -> None:
    export("--raters", "张老师", "--wanted")
    book = openpyxl.load_workbook("blind_张老师.xlsx")
    sheet, guide = book.worksheets
    assert [cell.value for cell in sheet[1]][:5] == ["编号", "问题", "参考答案", "答案 A", "答案 B"]
    assert sheet.cell(3, 2).value == "=血钠的参考区间？" and sheet.cell(3, 2).quotePrefix
    lists = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation}
    assert lists["F2:F7"] == '"1,2,3,4,5"'
    assert '"A,B,一样好,都不好"' in lists.values() and len(lists) == 9
    assert sheet.protection.sheet and sheet.freeze_panes == "C2" and sheet.print_title_rows == "$1:$1"
    open_cells = {sheet.cell(1, cell.column).value for cell in sheet[2] if not cell.protection.locked}
    assert open_cells == {str(cell.value) for cell in sheet[1]} - {"编号", "问题", "参考答案", "答案 A", "答案 B"}
    assert sheet.cell(2, column(sheet, "答案 A")).alignment.wrap_text
    assert sheet.column_dimensions["D"].width >= 40
    assert sheet.page_setup.orientation == "landscape" and sheet.page_setup.fitToHeight == 0
    assert "张老师" in guide["A1"].value
    assert any(line.startswith("事实准确性") for (line,) in guide.iter_rows(values_only=True))


def test_the_language_is_that_of_the_data_or_the_one_that_is_asked_for(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    one = [{"prompt": "Potassium?", "predict": "3.5", "label": "3.5 to 5.3", "question": "Potassium?"}]
    tree({"a.jsonl": one, "b.jsonl": [{**one[0], "predict": ""}]})
    assert llf_kit("review", "export", "a.jsonl", "b.jsonl", "--name", "en").status == 0
    sheet = openpyxl.load_workbook("en_1.xlsx").worksheets[0]
    assert sheet["A1"].value == "id"
    assert {sheet["C2"].value, sheet["D2"].value} == {"3.5", "(nothing)"}
    assert llf_kit("review", "export", "a.jsonl", "b.jsonl", "--name", "zh", "--lang", "zh").status == 0
    assert openpyxl.load_workbook("zh_1.xlsx").worksheets[0]["A1"].value == "编号"


def test_what_no_cell_can_hold_is_left_out_and_said_and_nothing_is_cut(export: Export, project: Path) -> None:
    # What looks like one character may be two of Excel's.
    texts = ["𝛂" * 16_384, "长" * 32_768, *["长" * 16_384] * 4]
    write_rows(project / "base.jsonl", predicted(lambda number, _: texts[number]))
    done = export()
    assert done.status == 0
    assert "left out  2 × longer than a cell of Excel can hold (32,767 characters)" in done.err
    answers = [openpyxl.load_workbook("blind_1.xlsx").worksheets[0].cell(2, place).value for place in (3, 4)]
    assert max(map(len, answers)) == 16_384


def test_control_characters_do_no_harm(export: Export, project: Path) -> None:
    write_rows(project / "base.jsonl", predicted(lambda number, _: f"a\x07b\x00\r\n{number}"))
    assert export().status == 0
    sheet = openpyxl.load_workbook("blind_1.xlsx").worksheets[0]
    assert "a\ufffdb\ufffd\n0" in {sheet["C2"].value, sheet["D2"].value}


def test_a_sample_has_every_scenario_by_its_share_and_can_be_drawn_again() -> None:
    questions = [Question(f"lab:{n}", "q", "", "", "big" if n % 4 else "small", {}) for n in range(400)]
    some = sample(questions, 40, 7)
    assert Counter(one.scenario for one in some) == {"big": 30, "small": 10}
    assert some == sample(questions, 40, 7) != sample(questions, 40, 8)
    assert some == sorted(some, key=lambda one: int(one.place[4:]))
    assert sample(questions, None, 7) == questions == sample(questions, 1000, 7)


def test_orders_are_balanced_and_another_for_each_rater() -> None:
    first, second = blind(["a", "b"], 100, ["x", "y"])
    assert Counter(map(tuple, first.orders)) == {("a", "b"): 50, ("b", "a"): 50}
    assert first.orders != second.orders
    assert {len(order) for order in blind(["a", "b", "c"], 7, ["x"])[0].orders} == {3}


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "one file": (("base.jsonl",), "compares two models or more"),
    "one twice": (("base.jsonl", "base.jsonl"), "base.jsonl: is given twice"),
    "no file": (("base.jsonl", "gone.jsonl"), "gone.jsonl: there are no predictions"),
    "no predictions": (("base.jsonl", "other.xyz"), "other.xyz: is no YAML, and no file of predictions"),
    "other labels": (("base.jsonl", "other.jsonl"), "6 rows want another answer in one file than in another (lab:1"),
    "other questions": (("base.jsonl", "far.jsonl"), "no question was answered by all of them"),
    "many": (("base.jsonl", "tuned.jsonl", *(f"m{n}.jsonl" for n in range(4))), "up to 5 models, not 6"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_told(export: Export, project: Path, case: str) -> None:
    write_rows(project / "other.jsonl", [{**row, "label": "x"} for row in predicted(lambda *_: "y")])
    write_rows(project / "far.jsonl", predicted(lambda *_: "y", place="other:1"))
    for number in range(4):
        write_rows(project / f"m{number}.jsonl", predicted(lambda *_: "y"))
    (project / "other.xyz").write_text("问题,答案")
    files, said = WRONG[case]
    done = export(files=files)
    assert done.status in (1, 2) and said in done.err and "Traceback" not in done.err
    assert not (project / ".llf-kit/review").exists() and not list(project.glob("*.xlsx"))


@pytest.mark.parametrize(
    ("raters", "said"),
    [("../x", "is no name that a file can bear"), ("张,张", "'张' stands 2 times"), ("Ａ,a", "'a' stands 2 times"),
     (",", "names nobody")],
)  # fmt: skip
def test_wrong_raters_are_told(export: Export, raters: str, said: str) -> None:
    done = export("--raters", raters)
    assert done.status == 2 and said in done.err


def test_a_review_is_not_replaced(export: Export, project: Path) -> None:
    assert export().status == 0
    assert "there is such a review" in export().err
    (project / ".llf-kit/review/blind.json").unlink()
    assert "blind_1.xlsx: is there already" in export().err


def test_questions_that_a_model_did_not_answer_are_left_out_and_counted(export: Export, project: Path) -> None:
    write_rows(project / "base.jsonl", predicted(lambda number, _: None if number == 0 else "x")[:5])
    done = export("--json")
    assert done.json["questions"] == 4
    assert done.json["left_out"] == {"not asked of every model": 1, "without an answer": 1}


def test_rows_without_a_place_are_matched_by_question_and_bare_ones_by_prompt(export: Export, project: Path) -> None:
    for name in ("base", "tuned"):
        write_rows(project / f"{name}.jsonl", list(reversed(predicted(lambda _, wanted: wanted, place=""))))
    write_rows(project / "base.jsonl", predicted(lambda _, wanted: wanted, place=""))
    assert export("--json").json["questions"] == len(QUESTIONS)
    bare = [{name: row[name] for name in ("prompt", "predict", "label")} for row in predicted(lambda *_: "x")]
    (project / "run").mkdir()
    write_rows(project / "run/generated_predictions.jsonl", bare)
    done = export("--json", "--raters", "2", "--name", "bare", files=("run", "tuned.jsonl"))
    assert (done.json["models"], done.json["questions"]) == (["run", "tuned"], 6)


def test_files_of_llamafactory_learn_from_the_dataset_what_was_asked(
    export: Export, llf_kit: Callable[..., Result], project: Path
) -> None:
    convert(llf_kit, project)
    for name in ("base", "tuned"):
        made = [{key: row[key] for key in ("prompt", "predict", "label")} for row in predicted(lambda *_: "x")]
        write_rows(project / f"{name}.jsonl", made)
    assert export("--dataset", "lab").status == 0
    (first, *_) = key(project)["questions"]
    assert (first["place"], first["question"], first["scenario"]) == ("lab:1", "血钾的参考区间？", "生化")
