"""The demo itself, whole: what the README says of it is what it does."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from llf_kit import demo
from llf_kit.errors import UsageError
from llf_kit.evaluation.predict import Watch


@pytest.mark.real
def test_the_demo_learns_exact_values_and_does_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, smollm2: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = demo.run(Path("demo"))
    assert outcome.probes == 30
    assert outcome.right_before <= 3
    assert outcome.right_after >= 24
    assert "tuned is better than base" in outcome.verdict and "95 % interval" in outcome.verdict
    page = html.unescape(Path(outcome.files["report"]).read_text(encoding="utf-8"))
    assert outcome.verdict in page and "None of the 30 questions stands in the training data." in page
    assert outcome.last_loss < outcome.first_loss / 10
    assert outcome.served_alike == outcome.served == demo.SERVED, "the merged model answers otherwise than was measured"
    assert outcome.sum["read"] == sum(outcome.sum[name] for name in ("written", "duplicates", "rejected"))
    assert all(Path(file).exists() for file in outcome.files.values())

    said: list[str] = []
    again = demo.run(Path("demo"), Watch(status=said.append))
    assert not [line for line in said if line.endswith("…")], "a step was run again"
    assert (again.right_after, again.served_alike) == (outcome.right_after, outcome.served_alike)


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="is not empty and not a demo's"):
        demo.run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
