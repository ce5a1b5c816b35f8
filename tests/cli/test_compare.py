"""``llf-kit compare`` over what was answered already: tables, JSON, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Result


def answers(right: int, of: int = 30, what: str = "gas") -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"Which {what} is number {row}?",
            "predict": "A" if row < right else "B",
            "label": "A",
        }
        for row in range(of)
    ]


def test_two_files_of_predictions(llf_kit: Callable[..., Result], tree: Callable[..., Path]) -> None:
    tree({"base.jsonl": answers(8), "tuned/generated_predictions.jsonl": answers(27), "worse.jsonl": answers(2)})
    done = llf_kit("compare", "base.jsonl", "tuned", "worse.jsonl", "--json")
    assert done.status == 0, done.err
    better, worse = done.json
    assert (better["base"], better["other"], better["rows"]) == ("base.jsonl", "tuned", 30)
    main = better["differences"][better["main"]]
    assert (main["wins"], main["losses"], main["outcome"]) == (19, 0, "better")
    assert worse["differences"][worse["main"]]["outcome"] == "worse"
    assert "tuned is better than base.jsonl" in done.err
    assert "gas" not in done.out + done.err, "no text of the data"
    chinese = llf_kit("compare", "base.jsonl", "tuned", "--lang", "zh")
    assert "tuned 在" in chinese.err
    assert chinese.out == ""


def test_an_evaluation_is_compared_as_it_was_written(
    llf_kit: Callable[..., Result], tree: Callable[..., Path], project: Path
) -> None:
    tree({"base.jsonl": answers(8), "tuned.jsonl": answers(27)})
    assert llf_kit("evaluate", "--predictions", "tuned.jsonl", "--output", "tuned.json").status == 0
    direct, written = (llf_kit("compare", "base.jsonl", one, "--json").json[0] for one in ("tuned.jsonl", "tuned.json"))
    assert direct["differences"] == written["differences"]
    (project / "broken.json").write_text(json.dumps({"rows": 3}))
    done = llf_kit("compare", "base.jsonl", "broken.json")
    assert done.status == 1
    assert "broken.json: is no evaluation" in done.err


def test_several_seeds_have_a_spread(llf_kit: Callable[..., Result], tree: Callable[..., Path]) -> None:
    tree({name: answers(right) for name, right in (("a.jsonl", 8), ("b1.jsonl", 25), ("b2.jsonl", 28))})
    done = llf_kit("compare", "a.jsonl", "b1.jsonl,b2.jsonl", "--json")
    spread = done.json[0]["spread"][done.json[0]["main"]]
    assert (spread["base"]["runs"], spread["other"]["runs"]) == (1, 2)
    assert "over several runs" in done.err


def test_a_project_says_what_counts_and_its_probes_what_is_right(
    llf_kit: Callable[..., Result], tree: Callable[..., Path]
) -> None:
    def asked(right: int) -> list[dict[str, Any]]:
        return [{"prompt": f"Limit {row}?", "predict": "5.3 mmol/L" if row < right else "53 mmol/L", "label": "See it."}
                for row in range(25)]  # fmt: skip

    probe = {"expected": [{"value": "5.3", "unit": "mmol/L"}], "answer": "5.3 mmol/L", "source": "WS/T 404.3-2012"}
    tree({
        "base.jsonl": asked(5), "tuned.jsonl": asked(20),
        "datasets/probes.jsonl": [{"question": f"Limit {row}?", **probe} for row in range(25)],
        "few.jsonl": asked(5)[:3], "llf-kit.yaml": "metrics: [format]\nanswer_format: '5[.]3 .*'\n",
    })  # fmt: skip
    made = llf_kit("compare", "base.jsonl", "tuned.jsonl", "--json").json[0]
    assert made["main"] == "format", "what llf-kit.yaml names first"
    assert llf_kit("compare", "few.jsonl", "few.jsonl", "--json").json[0]["main"] == "format"
    for name in ("value_accuracy", "format"):
        assert (made["differences"][name]["base"], made["differences"][name]["other"]) == (20.0, 80.0)
    assert llf_kit("compare", "base.jsonl", "tuned.jsonl", "--metric", "value_accuracy", "--json").json[0]["main"] == (
        "value_accuracy"
    )


def test_what_cannot_be_compared_is_wrong_usage(llf_kit: Callable[..., Result], tree: Callable[..., Path]) -> None:
    tree({"base.jsonl": answers(8), "other.jsonl": answers(8, what="salt")})
    other = llf_kit("compare", "base.jsonl", "other.jsonl")
    assert (other.status, "answers other questions" in other.err) == (2, True)
    assert llf_kit("compare", "base.jsonl").status == 2
    unasked = llf_kit("compare", "base.jsonl", "smollm2")
    assert (unasked.status, "Give --dataset" in unasked.err) == (2, True)
    assert llf_kit("compare", "base.jsonl", "base.jsonl", "--metric", "nonsense").status == 2
