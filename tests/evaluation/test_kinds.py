"""What is measured of a row is decided by its wanted answer."""

from __future__ import annotations

import pytest
from measured import row

from llf_kit.evaluation.kinds import kinds

OPTIONS = "哪项？\nA. 血钾\nB. 血钠"


@pytest.mark.parametrize(
    ("label", "prompt", "kind"),
    [
        ("B", "?", "choice"),
        ("A、B", "?", "choice"),
        ("答案：A. 血钾", OPTIONS, "choice"),
        ("A. 血钾", OPTIONS, "choice"),
        ("解析：钾在细胞内。\n答案：A. 血钾；B. 血钠", f"<|user|>{OPTIONS}<|end|>", "choice"),
        ("答案：A. 血钾", "没有选项", "text"),
        ("A群链球菌", OPTIONS, "text"),
        ('{"a": 1}', "?", "json"),
        ('例如 {"a": 1} 这样写。', "?", "text"),
        ("5.3 mmol/L", "?", "number"),
        ("5.3", "?", "number"),
        ("成人血钾参考区间为3.5～5.3 mmol/L（WS/T 404.3-2012）。", "?", "number"),
        ("第2天复查", "?", "text"),
        ("血钾 5.3 mmol/L，血钠 140 mmol/L", "?", "text"),
        ("请复查并通知临床。", "?", "text"),
        ("", "?", "text"),
    ],
)
def test_kind(label: str, prompt: str, kind: str) -> None:
    assert kinds([row("", label, prompt)]) == [kind]


def test_labels_are_short_answers_that_come_again() -> None:
    assert kinds([row("", label) for label in ("溶血", "正常", "溶血", "正常", "脂血")]) == ["label"] * 4 + ["text"]
    assert kinds([row("", label) for label in ("溶血", "溶血", "正常")]) == ["text"] * 3
    assert kinds([row("", "脂血"), row("", "正常")], labels=["脂血"]) == ["label", "text"]
