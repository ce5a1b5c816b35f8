"""Plain text: marks, blocks, dialogues."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import fields

Tree = Callable[[dict[str, Any]], Path]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("问：甲？\n答：乙\n丙\n\n问：丁？\n答：戊\n", [(1, ("甲？", "乙\n丙")), (5, ("丁？", "戊"))]),
        ("Q: a?\nA: b\nQ2: c?\nA2: d\n", [(1, ("a?", "b")), (3, ("c?", "d"))]),
        ("题记\n问：甲？\n答：乙\n", [(1, ("题记", None)), (2, ("甲？", "乙"))]),
        ("甲？\n乙\n\n\n丙？\n丁\n", [(1, ("甲？", "乙")), (5, ("丙？", "丁"))]),
        ("一段说明\n\n两行\n说明\n", [(1, ("一段说明",)), (3, ("两行\n说明",))]),
        ("问：甲？答：乙。\n问：丙答：丁\n", [(1, ("甲？", "乙。")), (2, ("丙", "丁"))]),
        ("问：甲？答：乙。问：丙？答：丁。", [(1, ("甲？", "乙。")), (1, ("丙？", "丁。"))]),
        ("Q: Is vitamin A: high? A: no.\n", [(1, ("Is vitamin A: high?", "no."))]),
        ("【问题】甲？\n【回答】乙\n丙\n【问题】丁\n【答案】戊", [(1, ("甲？", "乙\n丙")), (4, ("丁", "戊"))]),
        ("【问题】甲？【回答】乙\n", [(1, ("甲？", "乙"))]),
        ("问题1：甲？\n答案1：乙\n问题二：丙\n答：丁", [(1, ("甲？", "乙")), (3, ("丙", "丁"))]),
        ("1、甲？\n答：乙\n2、丙\n答：丁\n戊\n", [(1, ("甲？", "乙")), (3, ("丙", "丁\n戊"))]),
        ("1. 甲\n\n答：乙\n1) 先\n\n2. 丙？\n补充\n答：丁", [(1, ("甲", "乙\n1) 先")), (6, ("丙？\n补充", "丁"))]),
        (
            "常见问题\n\n甲？\n答：乙\n\n丙？\n答：丁",
            [(1, ("常见问题", None)), (3, ("甲？", "乙")), (6, ("丙？", "丁"))],
        ),
        ("甲？\n乙\n丙？\n丁\n", [(1, ("甲？\n乙\n丙？\n丁",))]),
        ("1. 甲？\nA. 乙\nB. 丙\n2. 丁？\n戊\n", [(1, ("甲？\nA. 乙\nB. 丙", None)), (4, ("丁？", "戊"))]),
        ("患者问：甲？\n检验科答：乙\n", [(1, ("甲？", "乙"))]),
        ("問：甲？\n檢驗科答：乙\n【問題】丙\n【答案】丁", [(1, ("甲？", "乙")), (3, ("丙", "丁"))]),
        ("甲？\n乙\n----\n丙？\n丁\n----\n", [(1, ("甲？", "乙")), (4, ("丙？", "丁"))]),
        ("问：甲？\n答：乙\n=====\n问：丙？\n答：丁\n", [(1, ("甲？", "乙")), (4, ("丙？", "丁"))]),
        ("问题\t答案\n甲\t乙\n丙\t丁\n", [(2, ("甲", "乙")), (3, ("丙", "丁"))]),
        ('question,answer\n甲,乙\n"丙,丁",戊\n', [(2, ("甲", "乙")), (3, ("丙,丁", "戊"))]),
        ("问：甲？\t答：乙。\n问：丙？\t答：丁。\n", [(1, ("甲？", "乙。")), (2, ("丙？", "丁。"))]),
        ("\t甲乙。\n\t丙丁。\n\t戊。\n", [(1, ("甲乙。\n丙丁。\n戊。",))]),
        (
            "Dear all, well.\nTell us, please.\nThanks, bye.\n",
            [(1, ("Dear all, well.\nTell us, please.\nThanks, bye.",))],
        ),
        ("1. 甲？\n乙\n丙\n2. 丁？\n戊\n", [(1, ("甲？", "乙\n丙")), (4, ("丁？", "戊"))]),
        ("1. 甲？\n\n乙\n\n2. 丁？\n\n戊\n", [(1, ("甲？", "乙")), (5, ("丁？", "戊"))]),
        ("手册\n\n甲？\n乙\n丙\n\n丁？\n戊\n", [(1, ("手册", None)), (3, ("甲？", "乙\n丙")), (7, ("丁？", "戊"))]),
        (
            "说明\n\n医生：甲\n病人：乙\n\n医生：丙\n病人：丁\n医生：戊",
            [
                (1, ("说明",)),
                (3, ("医生：甲\n病人：乙",)),
                (6, ("医生：丙\n病人：丁\n医生：戊",)),
            ],
        ),
        (
            "Doctor: a b\nPatient: c\nd\n\nDoctor: e\nPatient: f\n",
            [
                (1, ("Doctor: a b\nPatient: c\nd",)),
                (5, ("Doctor: e\nPatient: f",)),
            ],
        ),
        (
            "血钾：3.5\n血钠：140\n\n血氯：99\n血钙：2.2\n\n血镁：1\n血磷：1\n\n铁：1\n锌：1\n\n",
            [
                (1, ("血钾：3.5", "血钠：140")),
                (4, ("血氯：99", "血钙：2.2")),
                (7, ("血镁：1", "血磷：1")),
                (10, ("铁：1", "锌：1")),
            ],
        ),
    ],
    ids=[
        *("marks", "English marks", "a heading", "blocks", "just a text", "one line", "all in a line", "English line"),
        *("brackets", "brackets in a line", "numbered marks", "numbered questions", "long answers", "answers marked"),
        *(
            "questions in a row",
            "options",
            "who asks",
            "traditional",
            "rules between blocks",
            "rules between marks",
            "a table",
            "a table with commas",
            "tabs between marks",
            "paragraphs that begin with a tab",
            "commas in a text",
            "numbers alone",
            "numbers and blanks",
            "longer answers",
            "dialogues",
            "English dialogues",
        ),
        "a list of values",
    ],
)
def test_txt(tree: Tree, text: str, rows: list[Any]) -> None:
    assert fields(tree({"a.txt": text.encode("gb18030")}) / "a.txt") == rows


@pytest.mark.parametrize(
    "unit", ["*", " ", "q", "问：", "答：", "Q: ", "1.", "一", "【", "? ", "-", "?", "问：甲？答：乙"]
)
@pytest.mark.parametrize("before", ["", "问：", "Q1"])
@pytest.mark.timeout(60)  # a step for every pair of characters would take minutes
def test_a_long_line_hangs_nothing(tree: Tree, unit: str, before: str) -> None:
    assert fields(tree({"a.txt": f"{before}{unit * 20_000}\n甲\n"}) / "a.txt")
