"""Time against published speeds: rough, and within the range that a plan gives but for a few."""

from __future__ import annotations

from typing import Any

import pytest
from settled import PUBLISHED, setting, subject

from llf_kit.checks.epoch import Epoch
from llf_kit.planning import architecture, gpus, trainable

CASES = [
    (row["model"], int(length), seconds, table["yaml"], table.get("gpu", "A100-80GB"), row.get("loose", False))
    for table in PUBLISHED["times"]
    for row in table["rows"]
    for length, seconds in row["seconds"].items()
]
TABLE = gpus.read()


@pytest.mark.parametrize(("name", "length", "seconds", "values", "gpu", "loose"), CASES)
def test_a_step_takes_about_as_long_as_it_did(
    name: str, length: int, seconds: float, values: dict[str, Any], gpu: str, loose: bool
) -> None:
    config = PUBLISHED["models"][name]
    model = architecture.read(config)
    how = setting(config, **values, cutoff_len=length)
    rows = how.batch * how.accumulation
    one_step = Epoch(rows, rows * length, rows * length, 1, 1)
    trained = trainable.read(subject(**values), model)
    planned = 3600 * gpus.hours(model, trained, how, one_step, TABLE.gpus[gpu], TABLE.assumed)
    print(f"{gpu} {name} {length}: {seconds} s published, {planned:.2f} planned {planned / seconds - 1:+.0%}")
    if not loose:
        assert TABLE.assumed["least"] <= seconds / planned <= TABLE.assumed["most"]


def test_what_is_not_looked_up_is_marked() -> None:
    """Every line of the shipped table says when its speed was looked up, or that it was not."""
    for gpu in TABLE.gpus.values():
        assert gpu.source, gpu.name
        assert gpu.unverified is (gpu.checked is None), gpu.name
    assert TABLE.prices["example"] is True
