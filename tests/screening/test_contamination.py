"""A row that asks what a test asks is rejected with the place of that question; what only looks alike is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Result, rows

Tree = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]

LONG = "住院患者的标本送到检验科之后，应当由谁在多长时间之内完成签收和登记，结果超过100该怎么办？"


def talk(*turns: str) -> dict[str, Any]:
    """Questions and answers in turn."""
    return {"messages": [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(turns)]}


TRAIN = [
    talk(LONG, "前处理岗位。"),
    talk(f"请问{LONG}谢谢", "由前处理岗位。"),
    talk(LONG.replace("100", "200"), "通知临床。"),
    talk(LONG.replace("应当", "不应当"), "外勤。"),
    talk("血钾 高怎么办", "先复查。"),
    talk("你好", "你好，请讲。", "血钾高怎么办？", "先看是否溶血。"),
    talk("血钠高怎么办", "补水。"),
]
REASONS = [(1, "exam.csv:2"), (2, "exam.csv:2"), (5, "exam.csv:3"), (6, "exam.csv:3")]


def rejected(here: Path) -> list[tuple[int, str]]:
    return [(row["row"], row["reason"]) for row in rows(here / ".llf-kit/rejected/lab.jsonl")]


@pytest.mark.parametrize(
    "exam",
    [
        f"题目,选项A,选项B,答案\n{LONG},甲,乙,A\n血钾高怎么办,甲,乙,B\n",
        f"问题\n{LONG}\n血钾高怎么办\n",  # a benchmark that keeps its answers to itself
        f"序号,标准问题,出处\n1,{LONG},某书\n2,血钾高怎么办,某书\n",
    ],
)
def test_what_a_file_asks_is_rejected_with_its_place(tree: Tree, llf_kit: Run, exam: str) -> None:
    here = tree({"a.jsonl": TRAIN, "exam.csv": exam})
    done = llf_kit("convert", "a.jsonl", "--name", "lab", "--exclude", "exam.csv")
    assert done.status == 0, done.err
    assert "read 7 = written 3 + duplicates 0 + rejected 4" in done.err
    assert "rejected  4 × it stands in exam.csv\n" in done.err
    assert rejected(here) == [(row, f"it stands in {place}") for row, place in REASONS]


def test_a_column_that_is_named_for_the_rows_is_found_in_the_exam_too(tree: Tree, llf_kit: Run) -> None:
    tree({"a.csv": f"患者说的,我们说的\n{LONG},甲\n血镁,乙\n", "exam.csv": f"患者说的,出处\n{LONG},某书\n"})
    named = ("--map", "question=患者说的", "--map", "answer=我们说的")
    done = llf_kit("convert", "a.csv", "--name", "lab", *named, "--exclude", "exam.csv", "--json")
    assert done.json["reasons"] == {"it stands in exam.csv": 1}


def test_the_name_of_a_dataset_stands_for_its_file(tree: Tree, llf_kit: Run) -> None:
    here = tree(
        {"a.jsonl": TRAIN, "exam.csv": f"问题,答案\n{LONG},甲\n血钾高怎么办,乙\n", "b.csv": "问题,答案\n甲乙,丙\n"}
    )
    for name, format_ in (("exam", "sharegpt"), ("exam_parts", "alpaca")):
        shards = ("--shard-rows", "1") if name == "exam_parts" else ()
        assert llf_kit("convert", "exam.csv", "--name", name, "--format", format_, *shards).status == 0
        done = llf_kit("convert", "a.jsonl", "--name", "lab", "--exclude", name, "--exclude", "b.csv", "--json")
        assert done.json["rejected"] == 4
        assert sum(done.json["reasons"].values()) == 4
        assert all(f"datasets/{name}" in reason for _, reason in rejected(here))


def test_a_multi_turn_test_is_known_by_what_it_asks_and_not_by_its_greeting(tree: Tree, llf_kit: Run) -> None:
    exam = talk("你好", "请讲。", "血钾高怎么办", "先复查。")
    greeting = talk("你好", "请讲。", "血镁呢", "补。")
    here = tree({"a.jsonl": [*TRAIN, greeting], "exam.jsonl": [exam]})
    llf_kit("convert", "a.jsonl", "--name", "lab", "--exclude", "exam.jsonl")
    assert rejected(here) == [(5, "it stands in exam.jsonl:1"), (6, "it stands in exam.jsonl:1")]


def test_identifiers_are_masked_before_the_comparison(tree: Tree, llf_kit: Run) -> None:
    here = tree(
        {
            "a.csv": "问题,答案\n电话13800138000的患者想知道什么时候取报告单,明天\n",
            "exam.csv": "问题\n电话13900139000的患者想知道什么时候取报告单\n",
            "b.csv": "问题,答案\n甲,乙\n",
        }
    )
    assert llf_kit("convert", "a.csv", "b.csv", "--name", "lab", "--exclude", "exam.csv", "--json").json["rejected"]
    assert "13800138000" not in (here / ".llf-kit/rejected/lab.jsonl").read_text()


def test_the_probes_of_a_project_are_always_excluded_except_from_themselves(tree: Tree, llf_kit: Run) -> None:
    probe = json.loads((REPOSITORY / "datasets/probes.jsonl").read_text(encoding="utf-8").splitlines()[0])
    leaked = talk(probe["question"], probe["answer"])
    tree({"datasets/probes.jsonl": [probe], "a.jsonl": [*TRAIN, leaked], "llf-kit.yaml": "exclude: [exam.csv]\n",
          "exam.csv": "问题\n血钠高怎么办\n"})  # fmt: skip
    said = llf_kit("convert", "a.jsonl", "--name", "lab", "--json").json
    assert said["reasons"] == {"it stands in datasets/probes.jsonl": 1, "it stands in exam.csv": 1}
    assert llf_kit("convert", "datasets/probes.jsonl", "--name", "asked", "--json").json["written"] == 1


def test_the_shipped_rows_teach_what_the_probes_ask_and_do_not_contain_them(tree: Tree, llf_kit: Run) -> None:
    tree({"datasets/probes.jsonl": (REPOSITORY / "datasets/probes.jsonl").read_text(encoding="utf-8")})
    said = llf_kit("convert", REPOSITORY / "datasets/raw", "--name", "lab", "--near-duplicates", "0.9", "--json").json
    assert (said["read"], said["written"]) == (690, 690)


@pytest.mark.parametrize(
    ("exclude", "status", "says"),
    [
        ("gone.csv", 1, "gone.csv: there is no such file or folder"),
        ("other.csv", 1, "--exclude other.csv: other.csv: no question and no answer column among: 项目, 单位"),
        ("header.csv", 1, "--exclude header.csv: asks no question. Give a file of questions"),
        ("remote", 1, "remote: there is no such file or folder"),
    ],
)
def test_what_cannot_be_excluded(tree: Tree, llf_kit: Run, exclude: str, status: int, says: str) -> None:
    info = '{"remote": {"hf_hub_url": "someone/theirs"}}'
    here = tree(
        {
            "a.jsonl": TRAIN,
            "other.csv": "项目,单位\n钾,mmol/L\n",
            "header.csv": "问题,答案\n",
            "dataset_info.json": info,
        }
    )
    done = llf_kit("convert", "a.jsonl", "--name", "lab", "--exclude", exclude)
    assert (done.status, says in done.err) == (status, True), done.err
    assert "Traceback" not in done.err
    assert not (here / "datasets").exists()
