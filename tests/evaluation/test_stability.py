"""How steady answers are, by an endpoint that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Server

from llf_kit.endpoints import Endpoint
from llf_kit.evaluation import stability
from llf_kit.evaluation.questions import Asked
from llf_kit.upstream.aligned import Turn


def asked(question: str, place: str = "lab:1", **row: Any) -> Asked:
    return Asked(place, row, (Turn("user", question),), "3.5～5.3 mmol/L", system="你是检验科专家。")


def test_agreement_is_about_values_first_and_texts_besides() -> None:
    said = ["血钾 3.5～5.3 mmol/L。", "参考区间为3.5-5.3mmol/L", "血钾 3.0～5.3 mmol/L。"]
    found = stability.agreement(said)
    assert (found.answers, found.values) == (3, pytest.approx(33.33))
    assert found.text is not None
    assert 0 < found.text < 100
    assert stability.agreement(said[::-1]).text == found.text  # of pairs, whichever comes first
    same = stability.agreement(["好。", "好。"])
    assert (same.text, same.values) == (100.0, None)
    assert stability.agreement(["一"]) == stability.Agreement(1, None, None)


def test_a_value_beside_none_does_not_agree() -> None:
    assert stability.agreement(["血钾 3.5 mmol/L", "不知道"]).values == 0.0


def test_the_rows_own_paraphrases_are_asked_and_not_ours() -> None:
    assert stability.wordings(asked("血钾？", paraphrases=["钾多少？", " "])) == ["钾多少？"]
    assert stability.wordings(asked("血钾？", paraphrases="钾多少？\n钾的区间？")) == ["钾多少？", "钾的区间？"]
    for question in ("血钾的参考区间？", "What is potassium?"):
        made = stability.wordings(asked(question))
        assert all(question in one and one != question for one in made)
        assert len(set(made)) == 2


def test_every_wording_is_asked_with_the_system_prompt_and_none_twice(server: Server, project: Path) -> None:
    server.answers = lambda number, question: "3.5 mmol/L" if question == "血钾？" else "4.5 mmol/L"
    endpoint = Endpoint(server.url, "m", pause=0.01)
    rows = [asked("血钾？"), asked("血钠？", "lab:2", paraphrases=["钠？"])]
    kept = project / "kept.jsonl"
    found = stability.measure(endpoint, rows, 3, kept, {"temperature": 0.7})
    assert len(server.asked) == stability.answers(rows, 3) == 3 + 2 + 3 + 1
    assert {one["temperature"] for one in server.asked} == {0.7}
    assert all(one["messages"][0] == {"role": "system", "content": "你是检验科专家。"} for one in server.asked)
    data = found.to_dict()
    assert data["again"] == {"text": 100.0, "values": 100.0}
    assert found.questions[0].other_words.values == pytest.approx(33.33)  # two of ours agree, and not with its own
    assert found.questions[1].other_words == stability.Agreement(2, 100.0, 100.0)
    assert stability.measure(endpoint, rows, 3, kept, {"temperature": 0.7}) == found
    assert len(server.asked) == 9
    assert kept.stat().st_mode & 0o077 == 0


def test_what_is_missing_is_said(server: Server, project: Path) -> None:
    server.answers = lambda _, question: (500, {}) if question == "钠？" else "好"
    rows = [asked("血钠？", paraphrases=["钠？"])]
    found = stability.measure(Endpoint(server.url, "m", pause=0.01), rows, 2, project / "kept.jsonl")
    assert found.partial == "1 of 3 answers are missing (HTTP 500)."
    assert found.questions[0].other_words == stability.Agreement(1, None, None)


def test_questions_are_spread_over_the_dataset() -> None:
    rows = [asked(f"问题{number}", f"lab:{number}") for number in range(100)]
    assert [one.place for one in stability.some(rows, 4)] == ["lab:0", "lab:25", "lab:50", "lab:75"]
    assert len(stability.some(rows[:3])) == 3
    assert stability.some([Asked("lab:1", {}, refused="its turns are not in order")]) == []
