"""Time against published speeds: rough, and never more than twice or less than half."""

from __future__ import annotations

from typing import Any

import pytest
from settled import PUBLISHED, setting, subject

from llf_kit.checks.epoch import Epoch
from llf_kit.planning import architecture, gpus, trainable

CASES = [
    (row["model"], int(length), seconds, table["yaml"])
    for table in PUBLISHED["times"]
    for row in table["rows"]
    for length, seconds in row["seconds"].items()
]
TABLE = gpus.read()


@pytest.mark.parametrize(("name", "length", "seconds", "values"), CASES)
def test_a_step_takes_about_as_long_as_it_did(name: str, length: int, seconds: float, values: dict[str, Any]) -> None:
    config = PUBLISHED["models"][name]
    model = architecture.read(config)
    how = setting(config, **values, cutoff_len=length)
    rows = how.batch * how.accumulation
    one_step = Epoch(rows, rows * length, rows * length, 1, 1)
    trained = trainable.read(subject(**values), model)
    planned = 3600 * gpus.hours(model, trained, how, one_step, TABLE.gpus["A100-80GB"], TABLE.assumed)
    print(f"{name} {length}: {seconds} s published, {planned:.2f} planned {planned / seconds - 1:+.0%}")
    assert 0.5 <= planned / seconds <= 2
