"""Which conversion made a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from conftest import Result

from llf_kit.registered import converted


def test_what_was_split_off_was_made_by_the_conversion_of_the_whole(
    llf_kit: Callable[..., Result], project: Path
) -> None:
    lines = [f"第{number}个项目的参考区间？,{number}～{2 * number + 1} mmol/L" for number in range(1, 30)]
    (project / "a.csv").write_text("\n".join(["问题,答案", *lines]), encoding="utf-8")
    assert llf_kit("convert", "a.csv", "--name", "lab", "--test", "0.2").status == 0
    assert converted.summary(project, "lab_test") is None
    assert converted.made_by(project, "lab_test") == converted.summary(project, "lab") is not None
    assert converted.made_by(project, "other_test") is None
