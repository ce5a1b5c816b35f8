"""The shipped rows: enough of them, over every sub-scenario, each with its source, and no probe among them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import openpyxl
import pytest
from conftest import REPOSITORY

from llf_kit.cleaning.identifiers import mask
from llf_kit.evaluation import probes, values

RAW = REPOSITORY / "datasets/raw"
CJK = re.compile(r"[\u3400-\u9fff]")
LABELS = {
    *("参考区间", "检验前与标本", "室内质控", "室间质评", "结果解读", "危急值", "标准与认可", "方法学与干扰"),
    *("reference intervals", "pre-analytical", "internal quality control", "external assessment", "interpretation"),
    *("critical values", "standards and accreditation", "methods and interferences"),
}


def everything() -> Iterator[tuple[str, str, str, str]]:
    """Label, question, answer and source of every shipped row."""
    for sheet in openpyxl.load_workbook(RAW / "laboratory_handbook.xlsx").worksheets:
        lines = list(sheet.iter_rows(values_only=True))
        for line in lines[2:]:
            yield str(line[0]), str(line[-3]), str(line[-2]), str(line[-1] or "")
    for name, encoding in (
        ("quality_and_interpretation", "gb18030"),
        ("questions_en", "utf-8"),
        ("reference_intervals_en", "utf-8"),
    ):
        with (RAW / f"{name}.csv").open(encoding=encoding, newline="") as file:
            for line in list(csv.reader(file))[1:]:
                yield line[0], line[-3], line[-2], line[-1]
    for text in (RAW / "consultations.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        said = [message["content"] for message in row["messages"]]
        yield row["scene"], said[0], "\n".join(said[1:]), row["source"]
    for row in json.loads((RAW / "multiple_choice.json").read_text(encoding="utf-8")):
        assert set(row["answer"]) <= set(row["options"])
        yield row["category"], row["question"], row["explanation"], row["source"]


ROWS = list(everything())


def test_there_is_enough_over_every_sub_scenario_in_both_languages() -> None:
    assert len(ROWS) >= 320
    labels = Counter(label for label, *_ in ROWS)
    assert set(labels) == LABELS
    assert min(labels.values()) >= 8
    chinese = sum(bool(CJK.search(question)) for _, question, *_ in ROWS) / len(ROWS)
    assert 0.6 <= chinese <= 0.7


def test_every_row_names_its_source_and_no_question_comes_twice() -> None:
    assert all(question.strip() and answer.strip() and len(source.strip()) > 3 for _, question, answer, source in ROWS)
    twice = [question for question, times in Counter(question for _, question, *_ in ROWS).items() if times > 1]
    assert not twice


def test_the_rows_keep_our_own_rules_of_notation() -> None:
    text = "\n".join(f"{question}\n{answer}" for _, question, answer, _ in ROWS)
    assert "µ" not in text, "the micro sign is written as the Greek letter"
    assert not re.search(r"[×x]10(?:9|12)/L", text), "a lost superscript"
    assert mask(text) == text, "an identifier"


def test_probes_are_enough_and_never_in_training() -> None:
    found = probes.load(REPOSITORY / "datasets/probes.jsonl")
    assert len(found) >= 40
    assert len({probe.id for probe in found}) == len(found)

    def plain(text: str) -> str:
        return re.sub(r"\W+", "", text).casefold()

    assert not {plain(probe.question) for probe in found} & {plain(question) for _, question, *_ in ROWS}


@cache
def taught() -> list[list[values.Found]]:
    """The values that each answer holds."""
    return values.found([answer for _, _, answer, _ in ROWS])


@pytest.mark.parametrize("probe", probes.load(REPOSITORY / "datasets/probes.jsonl"), ids=lambda probe: probe.id)
def test_every_probe_is_answered_right_by_its_own_answer_and_the_value_is_taught(probe: probes.Probe) -> None:
    assert probes.judge([probe], [probe.answer])[0].right == 1.0
    assert any(probes.judge_values(probe, found).right == 1.0 for found in taught())
