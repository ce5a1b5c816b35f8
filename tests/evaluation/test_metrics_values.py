"""Numbers, JSON and formats, by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from measured import evaluated, row, value

from llf_kit.errors import UsageError
from llf_kit.evaluation import perplexity
from llf_kit.evaluation.scoring import Wanted
from llf_kit.upstream.likelihood import Likelihood

Tree = Callable[[dict[str, Any]], Path]


def test_errors_of_numbers() -> None:
    """scikit-learn's examples of mean_squared_error (0.375), mean_absolute_error (0.5) and r2_score (0.948…).

    Theirs has -0.5 and 0.0; all are 10 more here, since laboratories write few negative numbers.
    """
    pairs = [("12.5", "13"), ("10.0", "9.5"), ("12", "12"), ("18", "17")]
    found = evaluated(*(row(f"约 {said} mmol/L", f"{right} mmol/L") for said, right in pairs))
    assert value(found, "mse") == pytest.approx(0.375)
    assert value(found, "mae") == pytest.approx(0.5)
    assert value(found, "r2") == pytest.approx(0.9486081370449679)


def test_numbers_are_converted_and_other_units_are_left_out() -> None:
    found = evaluated(
        row("血糖 90 mg/dL", "血糖 5.0 mmol/L"),
        row("5.5", "5.0 mmol/L"),
        row("不知道", "5.0 mmol/L"),
        row("40 g/L", "42 g/L"),
    )
    assert value(found, "mae") == pytest.approx(5.0 - 90 / 18.0156, abs=1e-3)
    assert found.metrics["mae"].scored == 1
    assert found.details["numbers"] == {"unit": "mmol/L", "other_units": {"g/L": 1}, "without_number": 2}
    assert value(found, "value_accuracy") == 25.0
    assert found.metrics["r2"].value is None


def test_fields_of_json() -> None:
    """Wanted 3 fields, given 3, 2 right: F1 2/3; the layout does not matter to exact_match."""
    wanted = '{"a": 1, "b": {"c": "x"}, "d": [true]}'
    found = evaluated(
        row('```json\n{"a": 1.0, "b": {"c": " x"}, "d": [1]}\n```', wanted),
        row(json.dumps(json.loads(wanted), indent=2), wanted),
        row("没有", wanted),
    )
    assert [one.scores["field_f1"] for one in found.rows] == [pytest.approx(66.667, abs=1e-3), 100.0, 0.0]
    assert [one.scores["json_valid"] for one in found.rows] == [100.0, 100.0, 0.0]
    assert [one.scores["exact_match"] for one in found.rows] == [0.0, 100.0, 0.0]
    assert found.rows[0].notes["field_f1"] == "wrong fields: d[0]"


def test_exact_match_minds_digits_and_not_blanks() -> None:
    found = evaluated(row("<think>…</think> 请  复查。", "请 复查"), row("3.5", "3.50"), row(None, "x"))
    assert [one.scores["exact_match"] for one in found.rows] == [100.0, 0.0, None]


def test_format_by_a_pattern_and_no_pattern_hangs() -> None:
    wanted = Wanted(answer_format=r"结论：.+\n依据：.+")
    found = evaluated(
        row("结论：高\n依据：5.9", "x"), row("结论：高", "x"), row("", "x"), row(None, "x"), wanted=wanted
    )
    assert [one.scores["format"] for one in found.rows] == [100.0, 0.0, 0.0, None]
    begun = time.monotonic()
    evaluated(row("a" * 50_000 + "b", "x"), wanted=Wanted(answer_format="(a+)+"))
    assert time.monotonic() - begun < 5
    with pytest.raises(UsageError, match="is no regular expression that runs in linear time"):
        evaluated(row("a", "x"), wanted=Wanted(answer_format="(?=a)"))


def test_format_by_a_schema(tree: Tree) -> None:
    schema = {
        "type": "object",
        "required": ["unit"],
        "properties": {"unit": {"type": "string", "pattern": "^(a+)+$"}, "value": {"type": "number"}},
    }
    tree(
        {
            "s.json": json.dumps(schema),
            "far.json": '{"$ref": "http://127.0.0.1:9/x.json"}',
            "no.json": '{"type": 1}',
            "patterns.json": '{"patternProperties": {"a": {}}}',
            "broken.json": "{",
        }
    )
    rows = (
        row('{"unit": "aa", "value": 5}', "x"),
        row('{"unit": "aa", "value": "5"}', "x"),
        row("{}", "x"),
        row("5 aa", "x"),
        row(json.dumps({"unit": "a" * 50_000 + "b"}), "x"),
    )
    found = evaluated(*rows, wanted=Wanted(answer_format="s.json"))
    assert [one.scores["format"] for one in found.rows] == [100.0, 0.0, 0.0, 0.0, 0.0]
    assert [one.notes.get("format") for one in found.rows] == [
        None, "value: type", "$: required", "no JSON object", "unit: pattern",
    ]  # fmt: skip
    for name, problem in {
        "far.json": "refers to a schema that is not in it",
        "no.json": "is no JSON schema",
        "patterns.json": "patternProperties is not supported",
        "broken.json": "is not JSON",
        "gone.json": "cannot be read",
    }.items():
        with pytest.raises(UsageError, match=problem):
            evaluated(row("{}", "x"), wanted=Wanted(answer_format=name))


def test_perplexity_is_e_to_the_mean_loss_of_all_tokens() -> None:
    """By hand: 6 nats over 3 tokens and 4 over 1 are 2.5 a token, where the mean of the rows would be 3."""
    found = perplexity.metrics([Likelihood(6.0, 3), None, Likelihood(4.0, 1)])
    assert found["loss"].value == pytest.approx(10 / 4)
    assert found["perplexity"].value == pytest.approx(12.182493960703473)
    assert (found["perplexity"].scored, perplexity.of_row(Likelihood(6.0, 3))) == (2, pytest.approx(7.38905609893065))
    assert perplexity.of_row(Likelihood(1e6, 1)) is None, "no number is that large"
