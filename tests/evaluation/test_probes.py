"""A value is right or it is not, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from llf_kit.errors import DataError
from llf_kit.evaluation import predictions, probes
from llf_kit.evaluation.values import Value

PROBE = probes.Probe("?", (Value("3.5", "9.5", "×10⁹/L"),))


@pytest.mark.parametrize(
    "answer",
    [
        "WBC: 3.5–9.5×10⁹/L (WS/T 405-2012).",
        "3.5 ~ 9.5 x 10^9/L",
        "3.50至9.5×10⁹/L。",
        "3.5 to 9.5 ×10^9 /L",
        "3.5×10⁹/L～9.5×10⁹/L",
    ],
)
def test_right(answer: str) -> None:
    assert probes.score(PROBE, answer).value == 1.0


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
    result = probes.score(PROBE, answer)
    assert (result.value, result.explanation) == (0.0, why)


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
