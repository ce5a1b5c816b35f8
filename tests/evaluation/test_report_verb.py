"""What a report of a run is gathered from: its record, its data, its logs, and what its training has seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from reporting import evaluation

from llf_kit.errors import ConfigError, UsageError
from llf_kit.evaluation.report import gather
from llf_kit.evaluation.report.page import html
from llf_kit.project import sha256
from llf_kit.upstream.record import Record

Tree = Callable[[dict[str, Any]], Path]
ROWS = [
    {"question": f"What is the interval of analyte {name}?", "answer": f"{n}–9 g/L"} for n, name in enumerate("pqrs")
]
LOG = [{"current_steps": step, "total_steps": 9, "loss": 3 / step} for step in range(1, 10)]


@pytest.fixture
def run(llf_kit: Callable[..., Result], tree: Tree) -> Path:
    """A project with a run that was trained on `lab`, and a test set of which one question was trained on."""
    tested = [ROWS[0], {"question": "Who may release a critical result at night?", "answer": "The one on duty."}]
    directory = tree({"a.jsonl": ROWS, "b.jsonl": tested, "saves/lora/trainer_log.jsonl": LOG})
    for source, name in (("a.jsonl", "lab"), ("b.jsonl", "lab_test")):
        assert llf_kit("convert", source, "--name", name).status == 0
    file = directory / "datasets/lab.jsonl"
    data = {"lab": {"file": str(file), "sha256": sha256(file), "rows": 4}}
    Record("train", str(directory / "saves/lora"), {"stage": "sft"}, "a.yaml", "", [], data, {}, "cpu", "now").write()
    return directory / "saves/lora"


def told(run: Path) -> gather.Asked:
    rows = [("q", "no", "yes", "yes")] * 2
    base, tuned = (replace(evaluation(name, rows, side), dataset="lab_test") for name, side in (("b", 1), ("t", 2)))
    return gather.against(run.parents[1], base, tuned, gather.record.load(run))


def test_what_training_has_seen_is_counted_unless_its_data_have_changed(run: Path, project: Path) -> None:
    assert told(run).seen == 1
    file = project / "datasets/lab.jsonl"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole + whole, encoding="utf-8")
    assert told(run).seen is None
    file.unlink()
    assert told(run).seen is None


def test_the_report_has_the_record_the_sum_of_the_conversion_and_the_training(run: Path, project: Path) -> None:
    made = gather.made(project, run, [told(run)])
    assert made.data["lab"]["sum"] == {"read": 4, "written": 4, "duplicates": 0, "rejected": 0}
    assert made.fit and len(made.fit.train) == 9 and made.language == "en"
    page = html(made)
    assert "read 4 = written 4 + duplicates 0 + rejected 0" in page and sha256(project / "datasets/lab.jsonl") in page
    (run / "trainer_log.jsonl").unlink()
    assert gather.made(project, run, [told(run)]).fit is None


def test_wrong_input_is_told_before_anything_is_asked(run: Path, project: Path, llf_kit: Callable[..., Result]) -> None:
    assert "there is no run record" in llf_kit("report", "gone").err
    assert "Endpoints are for llf-kit compare" in llf_kit("report", run, "--base", "http://127.0.0.1:1/v1#m").err
    (project / "llf-kit.yaml").write_text("gate: {value_acuracy: 90}\n")
    assert "Did you mean 'value_accuracy'?" in llf_kit("report", run).err
    (project / "dataset_info.json").write_text("{}")
    with pytest.raises(UsageError, match="have no test set"):
        gather.gather(project, run, [])
    with pytest.raises(ConfigError):
        gather.gather(project, project, [])
