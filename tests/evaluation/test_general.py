"""The general questions: enough of them, balanced, each answerable in one way, and none of them of the laboratory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from conftest import REPOSITORY, Result, rows

from llf_kit.cleaning.identifiers import mask
from llf_kit.evaluation import kinds, scoring
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.report import gather, general
from llf_kit.evaluation.results import Metric
from llf_kit.project import shipped, text_lines
from llf_kit.upstream.record import Record

NO_RUN = Record("train", "", {}, "", "", [], {}, {}, "", "")

QUESTIONS: list[dict[str, Any]] = rows(shipped("datasets/general.jsonl"))


def plain(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def test_eight_areas_in_both_languages_and_letters_in_balance() -> None:
    assert len(QUESTIONS) == len({row["id"] for row in QUESTIONS}) == 112
    labels = {
        language: Counter(row["label"] for row in QUESTIONS if row["language"] == language) for language in ("zh", "en")
    }
    assert all(len(found) == 8 and set(found.values()) == {7} for found in labels.values())
    assert not labels["zh"].keys() & labels["en"].keys()
    for language in ("zh", "en"):
        letters = Counter(row["answer"] for row in QUESTIONS if row["language"] == language and "options" in row)
        assert set(letters) == set("ABCD") and max(letters.values()) - min(letters.values()) <= 1


def test_every_answer_can_be_scored_mechanically() -> None:
    for row in QUESTIONS:
        answer = row["answer"]
        match row["kind"]:
            case "choice":
                assert list(row["options"]) == list("ABCD") and answer in row["options"]
                assert len({plain(text) for text in row["options"].values()}) == 4, row["id"]
            case "number":
                assert str(Decimal(answer)) == answer
                assert row["question"].endswith(("只回答一个数字。", " Answer with the number only."))
            case "json":
                value = json.loads(answer)
                assert isinstance(value, dict) and all(key in row["question"] for key in value)
            case kind:
                assert kind == "text" and len(answer) <= 16 and answer == answer.strip()


def test_none_comes_twice_nor_stands_in_the_laboratory_data_or_the_probes() -> None:
    asked = [plain(row["question"]) for row in QUESTIONS]
    assert len(set(asked)) == len(asked)
    laboratory = {
        plain(row["instruction"].partition("\nA. ")[0])
        for name in ("lab_qa", "lab_qa_test")
        for row in rows(REPOSITORY / f"datasets/{name}.jsonl")
    }
    probes = {plain(json.loads(line)["question"]) for line in text_lines(shipped("datasets/probes.jsonl"))}
    assert len(laboratory) > 300 and not set(asked) & (laboratory | probes)


def test_conversion_takes_every_question_as_it_is(llf_kit: Callable[..., Result], project: Path) -> None:
    data = llf_kit("convert", shipped("datasets/general.jsonl"), "--name", "general", "--json").json
    assert (data["read"], data["written"], data["rejected"]) == (112, 112, 0)
    for asked, row in zip(QUESTIONS, rows(project / "datasets/general.jsonl"), strict=True):
        assert mask(asked["question"]) == asked["question"] and row["label"] == asked["label"]
        assert row["instruction"].startswith(asked["question"])
        if asked["kind"] == "choice":
            assert row["output"].endswith(f"{asked['answer']}. {asked['options'][asked['answer']]}")
        else:
            assert row["output"] == asked["answer"]


def test_evaluation_reads_every_kind_and_finds_its_own_answers_right(
    llf_kit: Callable[..., Result], project: Path
) -> None:
    assert llf_kit("convert", shipped("datasets/general.jsonl"), "--name", "general").status == 0
    registered = rows(project / "datasets/general.jsonl")
    said = [
        Prediction("", asked["answer"], row["output"], f"general:{place}", row["instruction"], row["label"])
        for place, (asked, row) in enumerate(zip(QUESTIONS, registered, strict=True), start=1)
    ]
    assert kinds.kinds(said) == [asked["kind"] for asked in QUESTIONS]
    right = general.with_right(scoring.evaluate(said, name="right", dataset="general"))
    assert right.metrics[general.RIGHT] == Metric(100.0, 100.0, 100.0, 112)
    assert {found[general.RIGHT].scored for found in right.scenarios.values()} == {7}
    nothing = [replace(row, scores={name: score and 0.0 for name, score in row.scores.items()}) for row in right.rows]
    wrong = replace(right, name="wrong", rows=tuple(nothing))
    forgot = gather.against(project, right, wrong, NO_RUN, general=True)
    assert forgot.comparison and forgot.comparison.main == general.RIGHT
    assert (forgot.comparison.differences[general.RIGHT].losses, forgot.seen) == (112, None)
    assert "It has forgotten" in forgot.comparison.sentences["en"]
