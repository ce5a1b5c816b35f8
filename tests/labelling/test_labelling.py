"""Labels by column, keywords and a classifier that knows what it does not know; shares against their targets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import REPOSITORY, Result, rows

from llf_kit import labelling
from llf_kit.errors import ConfigError, DataError, NotInstalledError
from llf_kit.labelling import shares
from llf_kit.schema import SAMPLE


def samples(*rows: tuple[str, str, str | None]) -> pl.LazyFrame:
    made = [
        {"source": "a.csv", "row": number, "label": label, "messages": [
            {"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for number, (question, answer, label) in enumerate(rows, start=2)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=SAMPLE).lazy()


KEYWORDS = {"危急值": ["危急值", "critical value"], "质控": ["质控", "QC", "C++"]}


@pytest.mark.parametrize(
    ("question", "answer", "given", "label", "origin"),
    [
        ("血钾的危急值？", "质控", "参考区间", "参考区间", "column"),
        ("血钾的危急值？", "质控质控", None, "危急值", "keywords"),
        ("血钾？", "质控在控，危急值", None, "危急值", "keywords"),  # as many: the first that is named
        ("今天QC失控", "重做", None, "质控", "keywords"),
        ("C++ 写的", "是", None, "质控", "keywords"),
        ("AQCB", "A Critical Value.", None, "危急值", "keywords"),  # no word inside another
        ("血钠？", "137", None, None, None),
        ("血钠？", "137", "  ", None, None),
        ("血钠？", "137", "nan", None, None),
    ],
)
def test_a_column_wins_over_keywords(
    question: str, answer: str, given: str | None, label: str | None, origin: str | None
) -> None:
    row = labelling.stage(samples((question, answer, given)), KEYWORDS).collect().row(0, named=True)
    assert (row["label"], row["labelled"]) == (label, origin)


def test_labels_without_keywords_are_refused_together() -> None:
    with pytest.raises(ConfigError) as error:
        labelling.stage(samples(), {"危急值": [], " ": ["x"], "质控": ["", "QC"]})
    assert len(error.value.problems) == 3


def taught() -> list[tuple[str, str, str | None]]:
    analytes = ["血钾", "血钠", "血氯", "血钙", "肌酐", "尿素", "葡萄糖", "白蛋白", "胆红素", "血红蛋白"]
    told: list[tuple[str, str, str | None]] = []
    for analyte in analytes:
        told.append((f"成人{analyte}的参考区间是多少？", "见 WS/T 404。", "参考区间"))
        told.append((f"{analyte}质控失控，怎么处理？", "先停止报告。", "室内质控"))
    return told


def test_the_classifier_labels_what_it_is_sure_of_and_leaves_the_rest() -> None:
    told = [
        *taught(), ("少见标签的问题", "答", "少见"), ("血磷的参考区间是多少？", "见说明书。", None),
        ("钠的质控失控，怎么处理？", "停。", None), ("几点下班？", "五点。", None),
    ]  # fmt: skip
    made = labelling.stage(samples(*told), {})
    classifier = labelling.train(made)
    assert classifier.labels == {"参考区间": 10, "室内质控": 10}
    assert classifier.left_out == {"少见": 1}
    assert classifier.accuracy == 1.0
    assert 0.9 <= classifier.sure <= 1
    guessed = classifier.stage(made).collect().tail(3)
    assert guessed["label"].to_list() == ["参考区间", "室内质控", None]
    assert guessed["labelled"].to_list() == ["classifier", "classifier", None]
    assert guessed["confidence"][0] > 0.6 > guessed["confidence"][2]
    again = labelling.train(made).stage(made).collect()
    assert again["confidence"].to_list() == classifier.stage(made).collect()["confidence"].to_list()


def test_there_must_be_something_to_learn_from() -> None:
    with pytest.raises(DataError, match="1 label"):
        labelling.train(labelling.stage(samples(*(one for one in taught() if one[2] == "参考区间")), {}))


def test_without_scikit_learn_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"] or ["sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NotInstalledError, match=r"pip install 'llf-kit\[labels\]'"):
        labelling.train(samples())


def test_conversion_says_who_labelled_and_lists_what_was_guessed(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    lines = [f"{question},{answer},{label}" for question, answer, label in taught()]
    lines += ["血磷的参考区间是多少？,说明书,", "几点下班？,五点,", "血钾的危急值？,6.2,"]
    directory = tree({"a.csv": "\n".join(["问题,答案,标签", *lines]), "llf-kit.yaml": "labels: {危急值: [危急值]}\n"})
    done = llf_kit("convert", "a.csv", "--name", "lab", "--learn-labels", "--json")
    assert done.status == 0, done.err
    assert done.json["labelled"] == {"classifier": 1, "column": 20, "keywords": 1, "unknown": 1}
    assert done.json["classifier"]["accuracy"] == 1.0
    assert [row["label"] for row in rows(directory / "datasets/lab.jsonl")[-3:]] == ["参考区间", "", "危急值"]
    guessed = rows(directory / ".llf-kit/labelled/lab.jsonl")
    assert [(row["row"], row["label"]) for row in guessed] == [(22, "参考区间"), (23, None)]


@pytest.mark.real
def test_the_shipped_labels_can_be_learnt() -> None:
    from llf_kit import registered

    found = registered.samples(registered.find(REPOSITORY, "lab_qa"))
    classifier = labelling.train(labelling.stage(found.lazy(), {}))
    assert classifier.accuracy is not None
    assert classifier.accuracy >= 0.9


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({"甲": 0.7, "乙": 0.2}, "they sum to 0.9, not to 1"),
        ({"甲": 0.5, "乙": 0.2, "丙": 0.3}, "丙: wants 30%, and no row has this label"),
        ({"甲": 1.0}, "乙: has 2 rows and no share"),
        ({"甲": 0.5, "乙": 0.4, " ": 0.1}, "a label has no name"),
        ({"甲": 1.5, "乙": -0.5}, "甲: 1.5 is no share"),
        ({"甲": float("nan"), "乙": 0.5}, "甲: nan is no share"),
        ({}, "there are none"),
    ],
)
def test_targets_that_cannot_be_are_sentences(targets: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        shares.check({"甲": 3, "乙": 2}, targets)
    assert any(said in problem for problem in error.value.problems)
    assert all(problem.startswith("llf-kit.yaml: shares: ") for problem in error.value.problems)
