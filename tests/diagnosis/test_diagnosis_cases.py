"""What is read as a case, what is shown of it, and what is said of what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Result, typed_at_a_terminal

Tree = Callable[[dict[str, Any]], Path]
LlfKit = Callable[..., Result]

PHONE = "13800138000"
CASES = (
    "用户问题,模型输出,参考答案,系统提示,问题类型\n"
    f"患者张伟电话{PHONE}，血钾的参考区间是多少？,血钾为 3.0～6.0 mmol/L,3.5～5.3 mmol/L,"
    "你是检验科专家。,不够专业；语气不合适\n"
    "血钠？,137～147 mmol/L,137～147 mmol/L,,好\n"
    "血氯？,血氯为 99～110 mmol/L。,,,说不清\n"
    ",99,,,好\n"
)


def test_a_spreadsheet_and_a_csv_of_the_same_cases_say_the_same(llf_kit: LlfKit, tree: Tree) -> None:
    here = tree({"cases.csv": CASES.encode("gb18030")})
    book = openpyxl.Workbook()
    for line in CASES.splitlines():
        book.active.append(line.split(","))
    book.save(here / "cases.xlsx")
    first, second = (llf_kit("diagnose", name, "--json").json for name in ("cases.csv", "cases.xlsx"))
    assert first["symptoms"] == {"unprofessional": 1, "tone_format": 1, "good": 1, "unknown": 1}
    assert {**first, "rows": [], "means": [], "notes": [], "next": ""} == {
        **second, "rows": [], "means": [], "notes": [], "next": "",
    }  # fmt: skip
    assert [row["measures"] for row in first["rows"]] == [row["measures"] for row in second["rows"]]
    assert first["cases"] == 3 and first["left_out"] == {"without a question": 1}
    assert first["rows"][0]["measures"]["values"] == 0


def test_an_unknown_symptom_is_said_and_its_case_counted(llf_kit: LlfKit, tree: Tree) -> None:
    tree({"cases.csv": "question,answer,symptom\nPotassium?,3.5-5.3 mmol/L,unstabel\nSodium?,137-147 mmol/L,strange\n"})
    done = llf_kit("diagnose", "cases.csv")
    assert done.status == 0
    assert "cases.csv:2: the symptom 'unstabel' is not known. Did you mean 'unstable'?" in done.err
    assert "cases.csv:3: the symptom 'strange' is not known. Known: " in done.err
    assert "2  symptom not understood" in done.err
    assert "next: llf-kit diagnose cases.csv --excel" in done.err


def test_the_page_and_the_report_hold_no_identifier_and_json_no_text(llf_kit: LlfKit, tree: Tree) -> None:
    here = tree({"cases.csv": CASES})
    done = llf_kit("diagnose", "cases.csv", "--html", "page.html")
    page = (here / "page.html").read_text(encoding="utf-8")
    assert (here / "page.html").stat().st_mode & 0o777 == 0o600
    assert PHONE not in done.err + page and "血钾的参考区间" not in done.err
    assert "诊断" in page and "血钾的参考区间" in page and "default-src 'none'" in page
    assert "参考区间是多少" not in llf_kit("diagnose", "cases.csv", "--json").out
    english = llf_kit("diagnose", "cases.csv", "--lang", "en", "--html", "page.html")
    assert "Means, the cheapest first" in english.err
    assert "poor input" not in english.err and "a weak model: the model lacks knowledge" in english.err


def test_text_of_a_case_is_no_markup(llf_kit: LlfKit, tree: Tree) -> None:
    here = tree({"cases.jsonl": [{"question": "<script>x</script>?", "answer": "<b>", "symptom": "logic"}]})
    llf_kit("diagnose", "cases.jsonl", "--html", "page.html")
    assert "<script>" not in (here / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "arguments", "status", "said"),
    [
        (b"", [], 1, "cases.csv: is empty."),
        (b"question,answer\n", [], 1, "cases.csv: holds no case."),
        (
            "甲,乙\n血钾？,高\n".encode(),
            [],
            1,
            "cases.csv: no column of questions among: 甲, 乙. Name it: --map question=",
        ),
        (
            "甲,乙\n血钾？,高\n".encode(),
            ["--map", "question=丙"],
            1,
            "--map question=丙: cases.csv has no such column.",
        ),
        (b"question\nPotassium?\n", ["--map", "qestion=question"], 2, "Did you mean 'question'?"),
        (b"question,symptom\nPotassium?,good\n", [], 1, "cases.csv: every case is marked as good (1)"),
        (b"question,answer\nPotassium?,3\n", ["--format", "("], 2, "is no regular expression"),
        (b"question,answer\nPotassium?,3\n", ["temperature=1"], 2, "--ask WHO"),
        (b"question,answer\nPotassium?,3\n", ["--ask", "answers.jsonl"], 2, "is a file of answers. Give it as CASES."),
    ],
)
def test_what_cannot_be_used_is_said(
    llf_kit: LlfKit, tree: Tree, content: bytes, arguments: list[str], status: int, said: str
) -> None:
    tree({"cases.csv": content, "answers.jsonl": "{}\n"})
    done = llf_kit("diagnose", "cases.csv", *arguments)
    assert (done.status, done.out) == (status, "")
    assert said in done.err and "Traceback" not in done.err


def test_several_answers_may_stand_in_one_cell_and_no_may_be_said_in_one_character(llf_kit: LlfKit, tree: Tree) -> None:
    same = {"question": "Potassium?", "answers": ["3.5-5.3 mmol/L", "3.0-6.0 mmol/L"]}
    more = {"question": "血钾？", "answers": "高\n低", "symptom": "不稳定", "信息齐全": "无"}
    tree({"cases.jsonl": [same, more]})
    first, second = llf_kit("diagnose", "cases.jsonl", "--json").json["rows"]
    assert first["measures"]["stable_values"] == 0 and second["measures"]["stability"] == 0
    assert second["causes"] == ["information_missing"]


def test_a_damaged_file_is_said(llf_kit: LlfKit, tree: Tree) -> None:
    tree({"cases.xlsx": b"PK\x03\x04" + b"\xff" * 2000, "cut.csv": '问题,回答\n血钾？,"高\n血钠？,低\n'})
    assert "cut.csv: holds no case (1 rows: " in llf_kit("diagnose", "cut.csv").err
    done = llf_kit("diagnose", "cases.xlsx")
    assert done.status == 1 and "cases.xlsx: is not a readable Excel workbook" in done.err
    assert llf_kit("diagnose", "nothing.csv").status == 1


def test_columns_can_be_named_and_the_pairs_of_a_case_become_preference_data(llf_kit: LlfKit, tree: Tree) -> None:
    tree({"cases.csv": "甲,乙,丙,丁\n血钾？,随便啦,3.5～5.3 mmol/L。,语气\n"})
    named = [word for role, name in zip(("question", "answer", "expected", "symptom"), "甲乙丙丁", strict=True)
             for word in ("--map", f"{role}={name}")]  # fmt: skip
    means = {one["name"]: one for one in llf_kit("diagnose", "cases.csv", *named, "--json").json["means"]}
    command = means["preference"]["commands"][0]
    assert "--map chosen=丙" in command.replace("'", "") and "1 个案例同时有" in means["preference"]["reason"]
    import shlex

    assert llf_kit(*shlex.split(command)[1:]).status == 0


def test_a_person_at_a_terminal_is_asked_what_nobody_can_measure(tree: Tree) -> None:
    here = tree({"cases.csv": "问题,回答\n标本溶血了吗？,溶血了，血浆是红色的，血钾偏高。\n"})
    status, shown = typed_at_a_terminal(here, "y\n9\n6\nno\n\n\n\n", "diagnose", "cases.csv")
    assert status == 0, shown
    assert "0 to 6, or nothing." in shown and "输入里有回答所需的信息吗？" in shown
    assert "输入不足：输入缺少信息" in shown and "反问用户" in shown


def test_usual_headings_are_read_and_shown(llf_kit: LlfKit, tree: Tree) -> None:
    rows = "血钾?,3.0到6.0,3.5～5.3 mmol/L,胡说\n血钠?,好,137～147 mmol/L,格式错了\n"
    tree({"cases.csv": f"用户提问,AI答复,正确回答,问题类型\n{rows}"})
    done = llf_kit("diagnose", "cases.csv")
    assert "question=用户提问, answer=AI答复, expected=正确回答, symptom=问题类型" in done.err
    assert "没有回答" not in done.err
    assert "症状“胡说”不认识。可以写：" in done.err and "症状“格式错了”不认识。是不是“格式错误”？" in done.err
    tree({"cases.csv": "提问,智能助手的回答,人工回答\n血钾?,3.0到6.0,3.5～5.3 mmol/L\n"})
    columns = llf_kit("diagnose", "cases.csv", "--json").json["columns"]
    assert columns == {"question": "提问", "answer": "智能助手的回答", "expected": "人工回答"}
