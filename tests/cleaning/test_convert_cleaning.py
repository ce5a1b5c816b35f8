"""Cleaning as ``convert`` runs it: whole conversations, the choices, what is said and what is written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
from conftest import Result, rows

from llf_kit import cleaning
from llf_kit.cleaning.identifiers import Policy
from llf_kit.schema import SAMPLE

Run = Callable[..., Result]
Tree = Callable[[dict[str, object]], Path]

TOLD = [
    {
        "messages": [
            {"role": "user", "content": "患者张建国，电话13800138000，血钾 5.8 mmol/L"},
            {"role": "assistant", "content": "张建国的血钾偏高，请复查。"},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "再问张建国一次"},
            {"role": "assistant", "content": "手机13800138000，好"},
        ]
    },
]


def test_a_name_that_one_turn_proves_goes_from_all_turns(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.jsonl": TOLD})
    said = llf_kit("convert", "a.jsonl", "--name", "lab", "--json")
    assert said.json["masked"] == {"name": 2, "phone": 2}
    first, second = rows(here / "datasets/lab.jsonl")
    assert first["output"] == "【姓名】的血钾偏高，请复查。"
    assert "张建国" in second["instruction"], "another conversation, and nothing there proves a name"
    assert "张建国" not in said.out + said.err


def test_pseudonyms_are_the_same_across_a_dataset_and_the_key_stays_private(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.jsonl": TOLD})
    assert llf_kit("convert", "a.jsonl", "--name", "lab", "--identifiers", "pseudonym", "--dry-run").status == 0
    key = here / ".llf-kit/pseudonym_key"
    assert not key.exists(), "a dry run writes nothing"
    assert llf_kit("convert", "a.jsonl", "--name", "lab", "--identifiers", "pseudonym").status == 0
    first, second = rows(here / "datasets/lab.jsonl")
    phone = first["instruction"].partition("电话")[2][:11]
    assert phone.isdigit()
    assert f"手机{phone}，" in second["output"]
    assert f"患者{first['output'].partition('的')[0]}，" in first["instruction"]
    assert key.stat().st_mode & 0o777 == 0o600
    before = (here / "datasets/lab.jsonl").read_bytes()
    assert key.read_bytes() not in before
    llf_kit("convert", "a.jsonl", "--name", "lab", "--identifiers", "pseudonym")
    assert (here / "datasets/lab.jsonl").read_bytes() == before


def test_rows_with_identifiers_are_rejected_by_choice_with_their_kinds(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": "问题,答案\n患者张建国好吗,好\n血钾？,4.2 mmol/L\n"})
    said = llf_kit("convert", "a.csv", "--name", "lab", "--identifiers", "reject", "--json").json
    assert said["reasons"] == {"it holds identifiers: name": 1}
    assert said["read"] == said["written"] + said["duplicates"] + said["rejected"] == 2
    assert "张建国" not in (here / ".llf-kit/rejected/lab.jsonl").read_text()


def test_off_leaves_them_and_a_setting_says_so_too(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": "问题,答案\n电话13800138000,好\n", "llf-kit.yaml": "identifiers: 'off'\n"})
    assert llf_kit("convert", "a.csv", "--name", "lab", "--json").json["masked"] == {}
    assert rows(here / "datasets/lab.jsonl")[0]["instruction"] == "电话13800138000"
    tree({"llf-kit.yaml": "identifiers: hide\n"})
    wrong = llf_kit("convert", "a.csv", "--name", "lab")
    assert wrong.status != 0
    assert "llf-kit.yaml: identifiers" in wrong.err


def test_the_report_is_the_owners_and_has_nothing_readable(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.csv": "问题,答案\n患者张建国，编码110105194912310021，WBC 5×109/L,好\n<b>钾</b>,高\n"})
    said = llf_kit("convert", "a.csv", "--name", "lab", "--show-changes")
    path = here / ".llf-kit/identifiers/lab.json"
    assert path.stat().st_mode & 0o777 == 0o600
    report = json.loads(path.read_text())
    assert report["counts"] == {"name": 1}
    assert report["contexts"]["name"][0].startswith("a.csv:2: 患者【姓名】")
    everything = path.read_text() + said.out + said.err
    assert "张建国" not in everything
    assert "110105194912310021" not in everything
    assert "HTML tag: '<b>钾</b>' → '钾'" in said.err
    assert "lost superscript: not shown" in said.err
    assert "1 × resident id with a wrong check digit" in said.err
    tree({"a.csv": "问题,答案\n钾,高\n"})
    llf_kit("convert", "a.csv", "--name", "lab")
    assert not path.exists(), "what an earlier conversion found is not there any more"


def test_damage_and_doubt_are_counted_by_row(tree: Tree, llf_kit: Run) -> None:
    tree({"a.csv": "问题,答案\n坏\ufffd字,又\ufffd一\nPLT 109/L,好\n钾,高\n"})
    for more in ((), ("--dry-run",), ("--identifiers", "off")):
        said = llf_kit("convert", "a.csv", "--name", "lab", "--json", *more).json
        assert said["flagged"] == {"lost superscript": 1, "damaged characters": 1}


def test_rows_without_turns_and_with_other_texts_are_put_back_as_they_were() -> None:
    good = [{"role": "user", "content": " 好\r\n"}, {"role": "assistant", "content": None}]
    frame = {name: [None] * 5 for name in SAMPLE} | {
        "source": ["a"] * 5,
        "row": [1, 2, 3, 4, 5],
        "messages": [None, [], good, [], good],
        "system": ["问 a@b.cn", None, None, "\u200b", None],
        "label": ["李主任", None, "生化 ", None, None],
        "tools": [None, '[{"phone": 13800138000}]', None, None, None],
        "reason": [None, None, "bad", None, None],
    }
    samples = pl.LazyFrame(frame, schema=SAMPLE)
    done = cleaning.clean(samples, cleaning.text.Style(), Policy("reject"), cleaning.Cleaned()).collect()
    turns = [{"role": "user", "content": "好"}, {"role": "assistant", "content": None}]
    assert done["messages"].to_list() == [None, [], turns, [], turns]
    assert done["system"].to_list() == ["问 【邮箱】", None, None, "", None]
    assert done["label"].to_list() == ["李主任", None, "生化", None, None]
    assert done["tools"][1] == '[{"phone": "[PHONE]"}]'
    assert done["reason"].to_list() == ["it holds identifiers: email", "it holds identifiers: phone", "bad", None, None]
    assert done.columns == [*SAMPLE, "flags"]


def test_many_mobile_numbers_are_all_masked_and_counted(tree: Tree, llf_kit: Run) -> None:
    """After the first few the engine masks the plainest of them by itself."""
    lines = [
        f"电话138{place:08d}，{'患者张建国' if place % 7 == 0 else ''}请回第{place}次,好13900139000\n"
        for place in range(300)
    ]
    names = sum("张建国" in line for line in lines)
    here = tree({f"{part}.csv": "问题,答案\n" + "".join(lines[part::3]) for part in range(3)})
    said = llf_kit("convert", "0.csv", "1.csv", "2.csv", "--name", "lab", "--json").json
    assert said["masked"] == {"name": names, "phone": 600}
    written = (here / "datasets/lab.jsonl").read_text()
    assert "1380" not in written
    assert "13900139000" not in written
    assert "张建国" not in written
