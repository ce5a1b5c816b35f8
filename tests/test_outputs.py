"""Containers: jsonl, json, parquet and folders of parts; whole or not there, and one place for one dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import Result, rows

from llf_kit import outputs
from llf_kit.convert import Plan, convert
from llf_kit.errors import DataError, UsageError
from llf_kit.outputs import Container

Run = Callable[..., Result]
Tree = Callable[[dict[str, Any]], Path]

QA = "问题,答案\n血钾？,3.5～5.3 mmol/L\n血钠？,137～147 mmol/L\n血氯？,99～110 mmol/L\n"


def answers(path: Path) -> list[str]:
    if path.is_dir():
        assert {part.name[:5] for part in path.iterdir()} == {"part-"}  # LLaMA-Factory loads whatever lies there
        return [answer for part in sorted(path.iterdir()) for answer in answers(part)]
    if path.suffix == ".json":
        return [row["output"] for row in json.loads(path.read_text(encoding="utf-8"))]
    return pl.read_parquet(path)["output"].to_list() if path.suffix == ".parquet" else [r["output"] for r in rows(path)]


@pytest.mark.parametrize(
    ("options", "file"),
    [
        ([], "datasets/lab.jsonl"),
        (["--file-type", "json"], "datasets/lab.json"),
        (["--file-type", "parquet"], "datasets/lab.parquet"),
        (["--shard-rows", "2"], "datasets/lab"),
        (["--shard-rows", "2", "--file-type", "parquet"], "datasets/lab"),
    ],
)
def test_every_container_holds_the_rows_and_replaces_the_one_before(
    tree: Tree, llf_kit: Run, options: list[str], file: str
) -> None:
    here = tree({"a.csv": QA})
    for before in (["--file-type", "json"], ["--shard-rows", "1", "--test", "0.3"], options):
        done = llf_kit("convert", "a.csv", "--name", "lab", "--json", *before)
    assert done.json["files"] == [file]
    assert answers(here / file) == ["3.5～5.3 mmol/L", "137～147 mmol/L", "99～110 mmol/L"]
    assert [path.name for path in (here / "datasets").iterdir()] == [Path(file).name]
    assert {
        name: entry["file_name"] for name, entry in json.loads((here / "dataset_info.json").read_text()).items()
    } == {"lab": file}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--file-type", "xml"], "--file-type 'xml': there is no such type. Known: json, jsonl, parquet."),
        (["--shard-rows", "0"], "--shard-rows 0: "),
        (["--shard-rows", "5", "--file-type", "json"], "--shard-rows 5: parts hold at least one row, as jsonl or"),
    ],
)
def test_containers_that_are_none(tree: Tree, llf_kit: Run, options: list[str], says: str) -> None:
    tree({"a.csv": QA})
    done = llf_kit("convert", "a.csv", "--name", "lab", *options)
    assert (done.status, says in done.err) == (2, True), done.err


def test_a_folder_of_anothers_is_not_replaced(tree: Tree) -> None:
    here = tree({"a.csv": QA, "datasets/lab/mine.txt": "x"})
    with pytest.raises(UsageError, match="datasets/lab is there and not registered"):
        convert(Plan("lab", (here / "a.csv",), container=Container(shard_rows=2)), here)
    assert (here / "datasets/lab/mine.txt").exists()


def test_the_first_line_that_shows_a_type_comes_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "_BLOCK", 64)
    path = tmp_path / "a.jsonl"
    early = [f'{{"n":{number},"history":[]}}\n' for number in range(20)]
    shows, later = '{"n":20,"history":[["甲","乙"]]}\n', '{"n":21,"history":[["丙","丁"]]}\n'
    path.write_text("".join([*early, shows, *early, later]), encoding="utf-8")
    outputs.finish(path, Container(), '"history":[["')
    assert path.read_text(encoding="utf-8") == "".join([shows, *early, *early, later])
    outputs.finish(path, Container(), '"history":[["')
    assert path.read_text(encoding="utf-8").startswith(shows)


@pytest.mark.parametrize("block", [1, 5, 7, 64])
def test_a_mark_is_found_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(outputs, "_BLOCK", block)
    path = tmp_path / "a"
    for text, at in ((b"", -1), (b"abcabdabe", 6), (b"abe", 0), (b"abcab", -1)):
        path.write_bytes(text)
        assert outputs._place_of(path, b"abe") == at


def test_parts_that_upstream_could_not_join_are_refused_with_the_mend(tree: Tree) -> None:
    many = [{"question": f"甲{n}", "answer": "乙", "history": []} for n in range(4)]
    here = tree({"a.jsonl": [*many, {"question": "丙", "answer": "丁", "history": [["子", "丑"]]}]})
    with pytest.raises(DataError, match=r"lab: some parts hold.*--file-type parquet, or --format sharegpt"):
        convert(Plan("lab", (here / "a.jsonl",), container=Container(shard_rows=2)), here)
    assert list((here / "datasets").iterdir()) == []
    convert(Plan("lab", (here / "a.jsonl",), container=Container("parquet", 2)), here)
    assert len(list((here / "datasets/lab").iterdir())) == 3


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("问题,答案\n甲,乙\n", "alpaca"),
        ("问题,chosen,rejected\n甲,乙,丙\n", "preference"),
        ("问题,答案,评价\n甲,乙,好\n甲,丙,差\n", "kto"),
        ("标题,正文\n甲,乙\n", "pretrain"),
    ],
)
def test_the_format_is_the_one_that_holds_what_the_file_says(tree: Tree, llf_kit: Run, text: str, format_: str) -> None:
    tree({"a.csv": text})
    done = llf_kit("convert", "a.csv", "--name", "lab", "--json")
    assert done.json["format"] == format_
    assert done.json["rejected"] == 0


def test_what_a_format_cannot_hold_is_rejected_with_the_format_that_can(tree: Tree, llf_kit: Run) -> None:
    calls = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "tools": [{}]}
    judged = "问题,答案,评价\n甲,乙,好\n甲,丙,差\n"
    tree({"qa.csv": QA, "judged.csv": judged, "text.csv": "正文\n质控\n", "calls.jsonl": [calls]})
    sources = ("qa.csv", "judged.csv", "text.csv", "calls.jsonl")
    assert llf_kit("convert", *sources, "--name", "lab", "--json").json["reasons"] == {
        "a plain text without a question; --format pretrain takes it": 1,
        "an answer marked bad; --format kto takes it": 1,
        "tools and their calls; --format sharegpt takes them": 1,
    }
    for format_, reason in (
        ("preference", "no worse answer to prefer its answer to"),
        ("kto", "no mark that says whether its answer is good"),
    ):
        done = llf_kit("convert", *sources, "--name", "lab", "--format", format_, "--json")
        assert reason in (done.out + done.err)


def test_a_pair_of_two_equal_answers_is_none(tree: Tree, llf_kit: Run) -> None:
    tree({"a.csv": "问题,chosen,rejected\n甲,乙,乙\n甲,乙,丙\n甲,乙,丁\n"})
    done = llf_kit("convert", "a.csv", "--name", "lab", "--json").json
    assert (done["written"], done["duplicates"]) == (2, 0)
    assert done["reasons"] == {"both answers of its pair are the same": 1}


def test_identifiers_in_worse_answers_and_tools_are_masked(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": "问题,chosen,rejected\n甲,乙,请打13800138000\n"})
    assert llf_kit("convert", "a.csv", "--name", "lab", "--json").json["masked"] == {"phone": 1}
    assert rows(here / "datasets/lab.jsonl")[0]["rejected"] == "请打【电话】"
