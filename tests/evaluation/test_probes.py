"""A value is right or it is not, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from llf_kit.errors import DataError
from llf_kit.evaluation import predictions, probes
from llf_kit.evaluation.values import Value

PROBE = probes.Probe("?", (Value("3.5", "9.5", "×10⁹/L"),))


def judged(probe: probes.Probe, answer: str) -> probes.Judged:
    (found,) = probes.judge([probe], [answer])
    return found


@pytest.mark.parametrize(
    "answer",
    [
        "WBC: 3.5–9.5×10⁹/L (WS/T 405-2012).",
        "3.5 ~ 9.5 x 10^9/L",
        "3.50至9.5×10⁹/L。",
        "3.5 to 9.5 ×10^9 /L",
        "3.5×10⁹/L～9.5×10⁹/L",
        "下限3.5，上限9.5×10⁹/L",
        "3500–9500/μL",
        "3.5–9.5×10⁹/L，即 3.5–9.5；中性粒细胞 40%～75%",
    ],
)
def test_right(answer: str) -> None:
    assert judged(PROBE, answer).right == 1.0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "no interval"),
        ("WS/T 405-2012", "no interval"),
        ("3.5–9.6×10⁹/L", "3.5–9.6 instead of 3.5–9.5"),
        ("3.5–9.5 g/L", "the unit is not ×10⁹/L"),
        ("3.5–9.5×10⁹/Lx", "the unit is not ×10⁹/L"),
        ("3.5–9.5×10¹²/L", "the unit is not ×10⁹/L"),
        ("13.5–9.5×10⁹/L", "13.5–9.5 instead of 3.5–9.5"),
        ("3.5–9.5×10⁹/L or 4–10×10⁹/L", "4–10 instead of 3.5–9.5"),
    ],
)
def test_wrong_and_why(answer: str, why: str) -> None:
    found = judged(PROBE, answer)
    assert (found.right, found.note) == (0.0, why)


def test_unusual_line_separators_stay_inside_a_row(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "a\u2028b", "predict": "x\x85y", "label": "z"}\n', encoding="utf-8")
    assert [row.predict for row in predictions.read(path)] == ["x\x85y"]


def test_broken_files_tell_every_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "", "predict": "x", "label": "y"}\nnot json\n{"predict": 1}\n')
    with pytest.raises(DataError) as caught:
        predictions.read(path)
    assert [problem.split(":")[1] for problem in caught.value.problems] == ["2", "3"]
    with pytest.raises(DataError, match=r"p\.jsonl:1: is no probe"):
        probes.load(path)
    with pytest.raises(DataError, match="there are no predictions"):
        predictions.read(tmp_path / "gone.jsonl")


GLUCOSE = probes.Probe("?", (Value("3.9", "6.1", "mmol/L"),), analyte="空腹血糖")
POTASSIUM = probes.Probe(
    "?", (Value("2.8", None, "mmol/L"), Value("6.2", None, "mmol/L")), (Value("3.5", "5.3", "mmol/L"),)
)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("3.9–6.1 mmol/L（70–110 mg/dL）", 1),
        ("70–110 mg/dL", 1),  # 70.26 and 109.90 by 18.0156 g/10 mol
        ("70.2–109.8 mg/dL", 1),  # by 18, which is 3.9 and 6.1 again
        ("70–111 mg/dL", 0),  # 6.16
        ("69–110 mg/dL", 0),  # 3.83
        ("3.9–6.1 mg/dL", 0),
    ],
)
def test_units_are_converted_and_printed_digits_decide(answer: str, right: int) -> None:
    assert judged(GLUCOSE, answer).right == right


def test_rounding_to_nothing_is_not_let_through() -> None:
    creatinine = probes.Probe("?", (Value("57", "97", "μmol/L"),), analyte="肌酐")
    answers = ["0.65–1.10 mg/dL", "0.6–1.1 mg/dL", "1–1 mg/dL"]
    assert [found.right for found in probes.judge([creatinine] * 3, answers)] == [1, 0, 0]


@pytest.mark.parametrize(
    ("answer", "right", "note"),
    [
        ("<2.8 或 >6.2 mmol/L", 1, ""),
        ("低于2.8 mmol/L，高于6.2 mmol/L，请通知", 1, ""),
        ("低于2.8 mmol/L，高于6.5 mmol/L", 0, "2.8 instead of 6.2"),
        ("2.8 mmol/L、6.2 mmol/L（参考区间3.5～5.3 mmol/L）", 0, "3.5–5.3 mmol/L must not stand there"),
        ("2.8 mg/dL、6.2 mg/dL", 0, "the unit is not mmol/L"),
        ("", 0, "no value"),
    ],
)
def test_several_values_and_forbidden_ones(answer: str, right: int, note: str) -> None:
    found = judged(POTASSIUM, answer)
    assert (found.right, found.note) == (right, note)


def test_values_intervals_and_units_are_told_apart() -> None:
    answers = ["3.9–6.1 g/L", "3.9–6.2 mmol/L", "4.0–6.2 mmol/L", ""]
    found = probes.judge([GLUCOSE] * 4, answers)
    assert [(one.right, one.numbers, one.intervals, one.units) for one in found] == [
        (0, 1, 1, 0), (0, 0.5, 0, 1), (0, 0, 0, 1), (0, 0, 0, 0),
    ]  # fmt: skip


def test_a_time_is_a_value_too() -> None:
    probe = probes.Probe("?", (Value("30", None, "min"),))
    assert [one.right for one in probes.judge([probe] * 3, ["30 分钟内", "30min", "3 h"])] == [1, 1, 0]


def test_files_of_probes_tell_what_is_wrong_in_every_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(
        '{"question": "a", "low": "1", "high": "2", "unit": "g/L"}\n'
        '{"question": "b", "expected": [{"value": 5.0, "unit": "min"}], "forbidden": [{"low": 1, "high": 2}]}\n'
    )
    first, second = probes.load(path)
    assert (first.id, first.expected) == ("1", (Value("1", "2", "g/L"),))
    assert (second.expected, second.forbidden) == ((Value("5.0", None, "min"),), (Value("1", "2"),))
    path.write_text(
        '{"question": " ", "low": 1, "high": 2, "unit": "g/L"}\n'
        '{"question": "a", "low": 2, "high": 1, "unit": "g/L"}\n'
        '{"question": "a", "low": 1, "high": "x", "unit": "g/L"}\n'
        '{"question": "a", "expected": []}\n'
        '{"question": "a", "low": 1, "high": 2, "unit": "blah"}\n'
        '{"question": "a", "low": 1, "high": "NaN", "unit": ""}\n'
    )
    with pytest.raises(DataError) as caught:
        probes.load(path)
    assert [problem.split(": ", 2)[2].split(".")[0] for problem in caught.value.problems] == [
        "its question is empty", "2–1 is upside down", "x is no number", "nothing is expected",
        "its unit blah is not known", "NaN is no number",
    ]  # fmt: skip
    path.write_text("")
    with pytest.raises(DataError, match="there is no probe in it"):
        probes.load(path)
