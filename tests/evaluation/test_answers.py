"""What an answer says is read in one way for every model."""

from __future__ import annotations

import time
from typing import Any

import pytest

from llf_kit.evaluation import answers

OPTIONS = {"A": "血钾", "B": "血钠", "C": "维生素C", "D": "potassium"}


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("B", "B"),
        ("b", "B"),
        ("Ｂ。", "B"),
        ("**B**", "B"),
        ("(D)", "D"),
        ("ACD", "ACD"),
        ("A、C、D", "ACD"),
        ("D, A and C", "ACD"),
        ("应该选择(A)(C)", "AC"),
        ("答案：B", "B"),
        ("答案：[B]", "B"),
        ("正确答案是 B 选项", "B"),
        ("答案：A. 血钾；C. 维生素C", "AC"),
        ("答案：A. 维生素C", "A"),
        ("解析：A 错，因为溶血。\n答案：B", "B"),
        ("答案：B\n\n解析：A. 错误；C. 错误", "B"),
        ("先看A，答案是A？不，故选 C。", "C"),
        ("不选A，选B", "B"),
        ("答案不是A，而是B", "B"),
        ("B项正确", "B"),
        ("The answer is (B).", "B"),
        ("Answer: B. sodium", "B"),
        ("I would choose C", "C"),
        ("The correct answers are A and C.", "AC"),
        ("Option B is correct", "B"),
        ("B. 血钠", "B"),
        ("B、因为钠高", "B"),
        ("血钠", "B"),
        ("Potassium.", "D"),
        ("<think>A? 也许 A。</think>\nC", "C"),
        ("", None),
        ("A patient with a high potassium", None),
        ("CEA升高", None),
        ("答案是CEA", None),
        ("选择A型血", None),
        ("血钾升高", None),
        ("答案：H", None),
    ],
)
def test_letters(text: str, letters: str | None) -> None:
    assert answers.letters(text, OPTIONS) == letters


def test_options_are_letters_from_a_on_a_line_each() -> None:
    assert answers.options("哪项？\nA. 血钾\nB、血钠") == {"A": "血钾", "B": "血钠"}
    assert answers.options("哪项？\nA. 血钾") == answers.options("A. x\nC. y") == {}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("轻度溶血。", "轻度溶血"),
        ("结论：轻度溶血", "轻度溶血"),
        ("溶血\n因为……不是正常", "溶血"),
        ("溶血或正常", None),
        ("It is ABNORMAL here", "abnormal"),
        ("normality", None),
        ("不知道", None),
        ("", None),
    ],
)
def test_label(text: str, label: str | None) -> None:
    assert answers.label(text, ["溶血", "轻度溶血", "正常", "normal", "abnormal"]) == label


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('好的：\n```json\n{"a": {"b": [1]}}\n```\n完', {"a": {"b": [1]}}),
        ('结果是 {"a": "}"}，请查收', {"a": "}"}),
        ('<think>{"x": 1}</think>{"a": 1}', {"a": 1}),
        ("[1]", None),
        ('{"a": NaN}', None),
        ("{'a': 1}", None),
        ("", None),
    ],
)
def test_json(text: str, value: Any) -> None:
    assert answers.json_object(text) == value


@pytest.mark.parametrize("text", ["{" * 200_000, "答案" * 100_000, "A、" * 100_000, "answer " * 50_000])
def test_no_answer_makes_it_hang(text: str) -> None:
    begun = time.monotonic()
    answers.json_object(text)
    answers.letters(text, OPTIONS)
    answers.label(text, ["溶血", "a"])
    assert time.monotonic() - begun < 2
