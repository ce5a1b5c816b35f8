"""Chat logs: who said what when, in the forms that messengers write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import columns, fields

Tree = Callable[[dict[str, Any]], Path]
LlfKit = Callable[..., Any]

# A message that {who} writes at {m} minutes past nine
FORMS = {
    "one line": "2026-01-03 09:{m} {who}：{text}\n",
    "brackets": "[2026/1/3 9:{m}:01] {who}: {text}\n",
    "time first": "2026-01-03 09:{m}:33 {who}(12345)\n{text}\n\n",
    "mail": "2026-01-03 09:{m}:33 {who}<a@b.cn>\n{text}\n\n",
    "name first": "{who} 2026年1月3日 上午9:{m}\n{text}\n\n",
    "dash": "03/01/2026, 09:{m} - {who}: {text}\n",
    "no day": "{who} 09:{m}\n{text}\n",
}
SAID = ((12, 0, "甲？"), (13, 1, "乙\n丙"), (20, 0, "丁？"), (21, 1, "戊"))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("who", [("张护士", "检验科"), ("王梅", "检验科小李"), ("客户-王梅", "李技师")])
def test_a_log_becomes_a_conversation(llf_kit: LlfKit, tree: Tree, form: str, who: tuple[str, str]) -> None:
    here = tree({"log.txt": "".join(form.format(m=minute, who=who[one], text=text) for minute, one, text in SAID)})
    done = llf_kit("convert", "log.txt", "--name", "log")
    assert done.status == 0, done.err
    (row,) = map(json.loads, (here / "datasets/log.jsonl").read_text(encoding="utf-8").splitlines())
    assert (row["history"], row["instruction"], row["output"]) == ([["甲？", "乙\n丙"]], "丁？", "戊")


def test_a_long_silence_ends_a_conversation_and_midnight_does_not(tree: Tree) -> None:
    log = (
        "值班群聊天记录\n\n2026-01-03 23:58 张护士：甲？\n2026-01-04 00:01 检验科：乙\n"
        "2026-01-04 02:02 张护士：丙？\n2026-01-04 02:03 检验科：丁\n"
        "2026-02-04 02:04 张护士：戊？\n2026-02-04 02:05 检验科：己\n"
    )
    path = tree({"log.txt": log}) / "log.txt"
    assert columns(path) == [("dialogue",)]
    (title, *talks) = fields(path)
    assert title == (1, ("值班群聊天记录",))
    assert [(row, [said["content"] for said in json.loads(cell or "")]) for row, (cell,) in talks] == [
        (3, ["甲？", "乙"]),
        (5, ["丙？", "丁"]),
        (7, ["戊？", "己"]),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "08:00 开机：检查水路\n08:30 质控：两个水平\n09:00 审核：报告\n",  # a timetable: nobody speaks again
        "2026-01-03 09:12 张护士：甲？\n2026-01-03 09:13 张护士：乙\n",  # one person
        "说明\n" * 60 + "2026-01-03 09:12 张护士：甲？\n2026-01-03 09:13 检验科：乙\n",
    ],
)
def test_what_only_looks_like_a_log_is_none(tree: Tree, text: str) -> None:
    assert columns(tree({"a.txt": text}) / "a.txt") != [("dialogue",)]


def test_of_many_people_nobody_is_guessed(llf_kit: LlfKit, tree: Tree) -> None:
    talk = "09:12 王梅：甲？\n09:13 检验科：乙\n09:14 李雷：丙？\n09:15 检验科：丁\n09:16 王梅：戊\n09:17 李雷：己\n"
    here = tree({"log.txt": talk})
    assert llf_kit("convert", "log.txt", "--name", "log").status == 1
    (row,) = map(json.loads, (here / ".llf-kit/rejected/log.jsonl").read_text(encoding="utf-8").splitlines())
    assert row["reason"] == "turn 1 has a speaker that is not known"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", [" ", "9", "09:12 ", "张", "(", "2026-01-03 "])
def test_a_long_line_takes_linear_time(tree: Tree, unit: str) -> None:
    assert fields(tree({"a.txt": f"09:12 甲：乙\n{unit * 200_000}\n09:13 丙：丁\n"}) / "a.txt")
