"""Train, validation, test and folds on disk: every row once, each set registered, and nothing of others touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Result, rows

from llf_kit.convert import Plan, convert

Tree = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]

QA = [
    {"q": f"第{number}种标本应当怎样保存？", "a": f"放在{number}号冰箱。", "类别": "甲乙"[number % 2]}
    for number in range(60)
]
QA[1]["q"] = QA[0]["q"]


def written(here: Path, files: list[str]) -> list[list[str]]:
    return [[row["output"] for row in rows(here / file)] for file in files]


def test_three_sets_hold_every_row_once(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.jsonl": QA})
    said = llf_kit("convert", "a.jsonl", "--name", "lab", "--test", "0.2", "--val", "0.1", "--json").json
    assert said["files"] == ["datasets/lab.jsonl", "datasets/lab_val.jsonl", "datasets/lab_test.jsonl"]
    assert said["written"] == 60
    sets = written(here, said["files"])
    assert sorted(chain.from_iterable(sets)) == sorted(row["a"] for row in QA)
    assert min(len(sets[0]), len(sets[2])) >= 6
    assert any({QA[0]["a"], QA[1]["a"]} <= set(one) for one in sets)
    assert set(json.loads((here / "dataset_info.json").read_text())) == {"lab", "lab_val", "lab_test"}


def test_folds_are_sets_of_which_one_is_left_out_of_a_run(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.jsonl": QA})
    done = llf_kit("convert", "a.jsonl", "--name", "lab", "--folds", "3", "--test", "0.2")
    names = ["lab_fold1", "lab_fold2", "lab_fold3", "lab_test"]
    assert set(json.loads((here / "dataset_info.json").read_text())) == set(names)
    sets = written(here, [f"datasets/{name}.jsonl" for name in names])
    assert sorted(chain.from_iterable(sets)) == sorted(row["a"] for row in QA)
    assert all(5 <= len(one) <= 30 for one in sets)
    line = done.err.splitlines()[-1]
    assert line.startswith("next: llf-kit render train/lora_sft --set dataset=lab_fold1,lab_fold2")
    verb, *arguments = line.removeprefix("next: llf-kit ").split()
    model = ("--set", "model=Qwen/Qwen2-1.5B-Instruct", "--set", "template=qwen")
    assert llf_kit(verb, *arguments, *model).status == 0
    text = (here / "lora_sft.yaml").read_text(encoding="utf-8")
    assert "dataset: lab_fold1,lab_fold2\n" in text
    assert "eval_dataset: lab_fold3\n" in text
    found = llf_kit("check", "lora_sft.yaml", "--json").json
    assert [one for one in found if one["severity"] == "error" and one["check"] != "model"] == []


def test_sets_that_were_split_off_go_with_the_split_and_others_of_such_a_name_stay(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.jsonl": QA, "exam.csv": "问题,答案\n甲,乙\n"})
    llf_kit("convert", "exam.csv", "--name", "lab_test")  # a test set of its own, of which the name is a chance
    llf_kit("convert", "a.jsonl", "--name", "lab", "--folds", "4")
    llf_kit("convert", "a.jsonl", "--name", "lab", "--val", "0.2")
    assert set(json.loads((here / "dataset_info.json").read_text())) == {"lab", "lab_val", "lab_test"}
    assert {path.name for path in (here / "datasets").iterdir()} == {
        *("lab.jsonl", "lab_val.jsonl", "lab_test.jsonl"),
    }
    llf_kit("convert", "a.jsonl", "--name", "lab", "--exclude", "lab_test")
    assert written(here, ["datasets/lab_test.jsonl"]) == [["乙"]]
    assert not (here / "datasets/lab_val.jsonl").exists()


@pytest.mark.parametrize("excluded", ["lab_test", "datasets/lab_test.jsonl"])
def test_a_set_that_was_split_off_and_is_excluded_stays_until_it_is_trained_on(
    tree: Tree, llf_kit: Run, excluded: str
) -> None:
    here = tree({"a.jsonl": QA})
    llf_kit("convert", "a.jsonl", "--name", "lab", "--test", "0.2")
    tested = written(here, ["datasets/lab_test.jsonl"])
    said = llf_kit("convert", "a.jsonl", "--name", "lab", "--exclude", excluded, "--json").json
    assert said["rejected"] == len(tested[0])
    assert written(here, ["datasets/lab_test.jsonl"]) == tested
    llf_kit("convert", "a.jsonl", "--name", "lab")
    assert not (here / "datasets/lab_test.jsonl").exists()


@pytest.mark.parametrize("container", [("--file-type", "parquet"), ("--shard-rows", "7"), ("--file-type", "json")])
def test_sets_of_every_container(tree: Tree, llf_kit: Run, container: tuple[str, str]) -> None:
    here = tree({"a.jsonl": QA})
    options = ("--test", "0.2", "--val", "0.2", *container, "--json")
    said = llf_kit("convert", "a.jsonl", "--name", "lab", *options).json
    assert len(said["files"]) == 3
    assert all((here / file).exists() for file in said["files"])


def test_a_row_keeps_its_set_when_rows_are_added_and_in_another_order(tree: Tree) -> None:
    here = tree({"a.jsonl": QA[:50], "b.jsonl": QA[:49:-1], "whole.jsonl": QA[::-1]})

    def tested(*sources: str) -> set[str]:
        convert(Plan("lab", tuple(here / source for source in sources), test=0.3), here)
        return set(written(here, ["datasets/lab_test.jsonl"])[0])

    first = tested("a.jsonl")
    both = tested("a.jsonl", "b.jsonl")
    assert tested("whole.jsonl") == both
    assert first == both & {row["a"] for row in QA[:50]}


def test_near_questions_stand_in_one_set(tree: Tree) -> None:
    stems = [
        f"{word}的标本送到检验科之后应当由谁在系统里完成签收和登记工作" for word in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳"
    ]
    asked = [(stem, "一") for stem in stems] + [(f"请问{stem}呢", "二") for stem in stems]
    here = tree({"a.jsonl": [{"q": question, "a": f"{answer}{question}"} for question, answer in asked]})
    convert(Plan("lab", (here / "a.jsonl",), test=0.5), here)
    sets = [{row["instruction"] for row in rows(here / f"datasets/{name}.jsonl")} for name in ("lab", "lab_test")]
    for stem in stems:
        assert any({stem, f"请问{stem}呢"} <= one for one in sets)


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--test", "0.6", "--val", "0.5"], 2, "leave nothing to train on"),
        (["--val", "1"], 2, "--val 1.0: is not a share"),
        (["--folds", "1"], 2, "Give a number from 2 to 20"),
        (["--folds", "4", "--val", "0.1"], 2, "Leave --val out"),
        (["--folds", "5"], 1, "3 questions cannot be shared out among 5 sets. Give more rows"),
        (["--test", "0.1", "--near-duplicates", "7"], 2, "is not a similarity"),
    ],
)
def test_sets_that_cannot_be(tree: Tree, llf_kit: Run, options: list[str], status: int, says: str) -> None:
    here = tree({"a.csv": "问题,答案\n甲,1\n乙,2\n丙,3\n丙,4\n"})
    done = llf_kit("convert", "a.csv", "--name", "lab", *options)
    assert (done.status, says in done.err) == (status, True), done.err
    assert "Traceback" not in done.err
    assert not (here / "datasets").exists() or not list((here / "datasets").iterdir())


def test_a_label_that_is_held_out_whole_is_told(tree: Tree, llf_kit: Run) -> None:
    asked = [{"q": f"第{number}种标本应当怎样保存", "a": "冷藏。", "类别": f"单独{number}"} for number in range(12)]
    tree({"a.jsonl": [*QA, *asked]})
    done = llf_kit("convert", "a.jsonl", "--name", "lab", "--test", "0.5")
    assert "all their rows are held out, so training never sees them" in done.err
    assert "单独" in done.err
    assert "held out" not in llf_kit("convert", "a.jsonl", "--name", "lab", "--folds", "2").err


def test_the_settings_may_name_the_sets(tree: Tree, llf_kit: Run) -> None:
    text = "name: lab\nsources: [a.jsonl]\nfolds: 3\nseed: 7\n"
    tree({"a.jsonl": QA, "llf-kit.yaml": text})
    assert len(llf_kit("convert", "--json").json["files"]) == 3


def test_the_shipped_test_set_shares_no_question_with_training_and_has_every_large_label() -> None:
    train, test = (rows(REPOSITORY / "datasets" / f"{name}.jsonl") for name in ("lab_qa", "lab_qa_test"))

    def first(row: dict[str, Any]) -> str:
        return row["history"][0][0] if row["history"] else row["instruction"]

    assert not {first(row) for row in train} & {first(row) for row in test}
    for label in {row["label"] for row in train}:
        tested = sum(row["label"] == label for row in test)
        share = 0.1 * (tested + sum(row["label"] == label for row in train))
        assert 0.5 * share <= tested <= 1.5 * share
