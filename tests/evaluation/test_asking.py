"""``llf-kit evaluate`` asks somebody: an endpoint of this machine here, a real model in test_predict_real.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Server
from test_candidates import record

from llf_kit.evaluation import asking, candidates
from llf_kit.evaluation.results import Evaluation, Row
from llf_kit.upstream.likelihood import Likelihood

Tree = Callable[[dict[str, Any]], Path]
Call = Callable[..., Result]

ROWS = [
    {"instruction": "血钾的参考区间？", "output": "3.5～5.3 mmol/L", "label": "离子"},
    {"instruction": "血钙的参考区间？", "output": "2.11～2.52 mmol/L", "label": "离子"},
]


@pytest.fixture
def lab(tree: Tree) -> Path:
    """Two datasets, of which one was trained on, by a run whose model is not there."""
    entry = {"formatting": "alpaca", "columns": {"prompt": "instruction", "response": "output"}}
    entries = {name: {"file_name": f"{name}.jsonl", **entry} for name in ("lab", "lab_test", "both")}
    return tree({
        "lab.jsonl": ROWS[:1],
        "lab_test.jsonl": ROWS[1:],
        "both.jsonl": ROWS,
        "dataset_info.json": json.dumps(entries),
        "saves/a/llf-kit-run.json": record(dataset="lab"),
        "saves/a/adapter_config.json": "{}",
    })  # fmt: skip


def test_an_endpoint_is_asked_and_measured(lab: Path, server: Server, llf_kit: Call) -> None:
    server.answers = lambda _, question: "3.5～5.3 mmol/L" if "血钾" in question else "2.1～2.5 mmol/L"
    done = llf_kit(
        "evaluate", f"{server.url}#m", "max_new_tokens=32", "--dataset", "both", "--stability", "2", "--json"
    )
    assert done.status == 0, done.err
    assert (done.json["n"], done.json["dataset"], done.json["partial"]) == (2, "both", None)
    assert done.json["metrics"]["value_accuracy"]["value"] == 50.0
    assert "perplexity" not in done.json["metrics"]  # nobody can tell, over an endpoint
    assert done.json["details"]["stability"]["again"]["values"] == 100.0
    assert {one["max_tokens"] for one in server.asked} == {32}
    assert "血钾" not in done.err
    number = len(server.asked)
    done = llf_kit("evaluate", f"{server.url}#m", "max_new_tokens=32", "--dataset", "both", "--stability", "2")
    assert len(server.asked) == number
    assert "steadiness, asked 2 times: the same values in 100.0 % of pairs" in done.err


def test_a_partial_result_says_so(lab: Path, server: Server, llf_kit: Call) -> None:
    server.answers = lambda _, question: (400, {}) if "血钙" in question else "3.5～5.3 mmol/L"
    done = llf_kit("evaluate", f"{server.url}#m", "--dataset", "both", "--json")
    assert done.json["partial"].startswith("1 of 2 rows have no answer (HTTP 400); run it again")
    assert done.json["metrics"]["exact_match"]["scored"] == 1


def test_a_test_set_that_training_has_seen_is_refused_before_anything_is_asked(lab: Path, llf_kit: Call) -> None:
    done = llf_kit("evaluate", "saves/a", "--dataset", "both")
    assert done.status == 1
    assert "both: 1 of its rows stand in the training data (lab)" in done.err
    assert "--allow-overlap both" in done.err
    assert not (lab / ".llf-kit/predictions").exists()
    assert "1 of its rows stand" in llf_kit("evaluate", "base:saves/a", "--dataset", "both").err


def test_the_test_set_of_the_training_is_asked_where_nothing_is_said(lab: Path) -> None:
    for word in ("saves/a", "base:saves/a"):
        assert asking.default_dataset(candidates.find(word), lab) == "lab_test"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http://127.0.0.1:9/v1#m"], "what is to be asked? Give --dataset NAME"),
        (["http://127.0.0.1:9/v1#m", "--dataset", "lab", "--efficiency"], "--efficiency needs a model"),
        (
            ["http://192.0.2.1/v1#m", "--dataset", "lab"],
            "lab: nobody knows whether its identifiers were masked, and an",
        ),
        (["http://192.0.2.1/v1#m", "--dataset", "lab"], "allow it by name: --unmasked lab."),
        (["http://192.0.2.1/v1#m", "--dataset", "lab", "--unmasked", "both"], "--unmasked lab"),
        (["--predictions", "lab.jsonl", "--stability", "2"], "need somebody to ask"),
        (["saves/a", "--predictions", "lab.jsonl"], "Name a folder with predictions, a run or a model"),
        (["saves/b"], "saves/b: is no file or folder here, and no known model"),
    ],
)
def test_what_cannot_be_asked(lab: Path, llf_kit: Call, arguments: list[str], said: str) -> None:
    done = llf_kit("evaluate", *arguments)
    assert done.status == 2
    assert said in done.err


def test_perplexity_is_of_all_tokens_and_of_each_row() -> None:
    from llf_kit.evaluation.given import Given
    from llf_kit.evaluation.predictions import Prediction

    rows = [Prediction("", "a", "a"), Prediction("", "b", "b"), Prediction("", None, "")]
    known: list[Likelihood | None] = [Likelihood(2.0, 2), Likelihood(0.0, 2), None]
    done = asking.Measured(Given(rows, "m", "d"), known).completed(
        Evaluation("m", "d", tuple(Row(row, {}) for row in rows), {})
    )
    assert done.metrics["perplexity"].value == pytest.approx(2.718281828**0.5)
    assert (done.metrics["perplexity"].scored, done.details["loss"]["value"]) == (2, 0.5)
    assert [row.scores["perplexity"] for row in done.rows] == [pytest.approx(2.718281828), 1.0, None]
