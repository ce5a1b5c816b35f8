"""One golden pair a format: the bytes that a format writes do not change by accident."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import REPOSITORY

from llf_kit.convert import Plan, convert
from llf_kit.formats import FORMATS

GOLDEN = REPOSITORY / "tests/golden"


RAW = {"preference": "raw_pairs", "preference_sharegpt": "raw_pairs", "kto": "raw_judged"}


@pytest.mark.parametrize("name", FORMATS)
def test_golden(project: Path, name: str) -> None:
    convert(Plan("lab", (GOLDEN / f"{RAW.get(name, 'raw')}.jsonl",), name), project)
    assert (project / "datasets/lab.jsonl").read_bytes() == (GOLDEN / f"{name}.jsonl").read_bytes()
