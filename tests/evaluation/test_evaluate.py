"""``llf-kit evaluate`` on files: aligned to their dataset, or told what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result

Call = Callable[..., Result]
Tree = Callable[[dict[str, Any]], Path]

PAIRS = [("血钾？", "3.5～5.3 mmol/L"), ("血钠？", "137～147 mmol/L"), ("溶血怎么办？", "请重新采血。")]
LABELS = ["参考区间", "参考区间", "检验前"]


def alpaca(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"instruction": question, "input": "", "output": answer, "system": "", "history": [], "label": label}
        for (question, answer), label in zip(pairs, LABELS, strict=False)
    ]


def predicted(*rows: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"prompt": f"<user>{asked}<assistant>", "predict": said, "label": wanted} for asked, said, wanted in rows]


RIGHT = [(question, answer, answer) for question, answer in PAIRS]
COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}


@pytest.fixture
def dataset(tree: Tree) -> Path:
    """The datasets `lab_test`, and `lab` of which one row is the same as one of it."""
    entry = {"formatting": "alpaca", "columns": COLUMNS}
    return tree(
        {
            "dataset_info.json": json.dumps(
                {name: {"file_name": f"datasets/{name}.jsonl", **entry} for name in ("lab_test", "lab")}
            ),
            "datasets/lab_test.jsonl": alpaca(PAIRS),
            "datasets/lab.jsonl": alpaca([("尿酸？", "很多"), ("溶血怎么办？", "再采。")]),
        }
    )


def test_json_has_what_others_rely_on(dataset: Path, tree: Tree, llf_kit: Call) -> None:
    tree({"p.jsonl": predicted(*RIGHT)})
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--dataset", "lab_test", "--json")
    assert done.status == 0, done.err
    assert (done.json["n"], done.json["gate"], done.json["partial"]) == (3, None, None)
    assert set(done.json["metrics"]["rouge-l"]) == {"value", "low", "high", "scored"}
    assert done.json["metrics"]["value_accuracy"]["scored"] == 2
    assert set(done.json["scenarios"]) == set(LABELS)


def test_order_is_repaired_and_every_row_gets_its_place(dataset: Path, tree: Tree, llf_kit: Call) -> None:
    tree({"saves/base/generated_predictions.jsonl": predicted(RIGHT[2], RIGHT[0], RIGHT[1])})
    done = llf_kit("evaluate", "saves/base", "--dataset", "lab_test", "--output", "e.json")
    assert done.status == 0, done.err
    assert "They were put back into its order." in done.err
    whole = json.loads(Path("e.json").read_text())
    assert [row["prediction"]["place"] for row in whole["rows"]] == ["lab_test:1", "lab_test:2", "lab_test:3"]
    assert [row["prediction"]["scenario"] for row in whole["rows"]] == LABELS
    assert Path("e.json").stat().st_mode & 0o077 == 0
    assert whole["name"] == "base"


def test_foreign_and_doubled_rows_are_refused_all_at_once(dataset: Path, tree: Tree, llf_kit: Call) -> None:
    tree({"p.jsonl": predicted(RIGHT[0], ("别的？", "x", "别的"), RIGHT[0], ("又一个？", "x", "请重新采血。"))})
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--dataset", "lab_test")
    assert done.status == 1
    assert [line.split(". ")[0] for line in done.err.splitlines()] == [
        "error: p.jsonl:2: belongs to no row of lab_test",
        "error: p.jsonl:4: belongs to no row of lab_test",
        "error: p.jsonl:3: is the same row as line 1",
    ]


def test_missing_empty_and_cut_rows_are_said(dataset: Path, tree: Tree, llf_kit: Call) -> None:
    rows = [*predicted(("血钾？", "", "3.5～5.3 mmol/L"), ("溶血怎么办？", "请", "请重新"))]
    tree({"p.jsonl": [{**rows[0], "finished": False}, rows[1]]})
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--dataset", "lab_test", "--json")
    assert done.json["partial"] == "1 of 3 rows have no prediction (lab_test:2)"
    assert done.json["metrics"]["value_accuracy"]["value"] == 0
    assert done.json["details"]["empty"] == done.json["details"]["cut_off"] == 1
    for said in (
        "1 answers are empty",
        "1 answers were cut off",
        "1 wanted answers were cut off",
        "have no prediction",
    ):
        assert said in done.err


def test_the_gate_is_the_exit_status(dataset: Path, tree: Tree, llf_kit: Call) -> None:
    tree(
        {
            "p.jsonl": predicted(*RIGHT[:2], ("溶血怎么办？", "复查", "请重新采血。")),
            "llf-kit.yaml": "gate: {value_accuracy: 90}",
        }
    )
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--gate", "--json")
    assert (done.status, done.json["gate"]) == (0, "passed")
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--gate", "--threshold", "exact_match=70", "--json")
    assert (done.status, done.json["gate"]) == (1, "failed")
    assert "exact_match is 66.67; at least 70 is wanted" in done.err
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--gate", "--threshold", "auc=70")
    assert done.status == 1 and "auc was not scored" in done.err
    tree({"llf-kit.yaml": "gate: {value_acuracy: 90}"})
    assert "Did you mean 'value_accuracy'?" in llf_kit("evaluate", "--predictions", "p.jsonl", "--gate").err


def test_a_test_set_that_training_has_seen_is_refused(dataset: Path, tree: Tree, llf_kit: Call) -> None:
    tree({"p.jsonl": predicted(*RIGHT)})
    call = ("evaluate", "--predictions", "p.jsonl", "--dataset", "lab_test", "--trained-on", "lab", "--json")
    done = llf_kit(*call)
    assert done.status == 1
    assert (
        "1 of its rows stand in the training data (lab): datasets/lab_test.jsonl:3 is datasets/lab.jsonl:2" in done.err
    )
    done = llf_kit(*call, "--allow-overlap", "lab_test")
    assert done.status == 0 and "as --allow-overlap permits" in done.err


def test_probes_alone(tree: Tree, llf_kit: Call) -> None:
    probe = {"question": "血钾？", "low": "3.5", "high": "5.3", "unit": "mmol/L", "label": "参考区间"}
    tree({"p.jsonl": predicted(*RIGHT), "probes.jsonl": [probe], "none.jsonl": [{**probe, "question": "血糖？"}]})
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--probes", "probes.jsonl", "--json")
    assert done.json["metrics"]["value_accuracy"] == {"value": 100.0, "low": None, "high": None, "scored": 1}
    done = llf_kit("evaluate", "--predictions", "p.jsonl", "--probes", "none.jsonl")
    assert (done.status, "none of its questions stands in the predictions" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ((), 2, "Name a folder with predictions"),
        (("saves", "--predictions", "p.jsonl"), 2, "Name a folder with predictions"),
        (("--predictions", "gone.jsonl"), 1, "there are no predictions"),
        (("--predictions", "empty.jsonl"), 1, "there is no prediction in it"),
        (("--predictions", "p.jsonl", "--dataset", "lab_tset"), 2, "Did you mean 'lab_test'?"),
        (("--predictions", "p.jsonl", "--gate"), 2, "there is no threshold"),
        (("--predictions", "p.jsonl", "--threshold", "f1=x"), 2, "a value is no number"),
        (("--predictions", "p.jsonl", "--answer-format", "("), 2, "is no regular expression"),
    ],
)
def test_wrong_calls(
    dataset: Path, tree: Tree, llf_kit: Call, arguments: tuple[str, ...], status: int, said: str
) -> None:
    tree({"p.jsonl": predicted(*RIGHT), "empty.jsonl": ""})
    done = llf_kit("evaluate", *arguments)
    assert (done.status, said in done.err) == (status, True), done.err
    assert "Traceback" not in done.err
