"""A model as a judge of answers, against a real server: both orders, what is kept, and the experts beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Server
from reviewing import convert, fill, ready

SCALES = ("relevance", "depth", "fluency", "accuracy", "tone")


@pytest.fixture
def judge(llf_kit: Callable[..., Result], project: Path, server: Server) -> Callable[..., Result]:
    convert(llf_kit, project)
    assert ready(llf_kit, project)("--raters", "张老师").status == 0

    def call(*more: object) -> Result:
        return llf_kit("review", "judge", "blind", "--judge", server.url, "--judge-model", "judge-1", *more)

    return call


def fair(_number: int, prompt: str) -> str:
    """Likes every answer that does not say "不清楚"."""
    if "[A]" in prompt:
        first = prompt.split("[A]")[1].split("[B]")[0]
        return json.dumps({"better": "B" if "不清楚" in first else "A"})
    return "评分：" + json.dumps(dict.fromkeys(SCALES, 2 if "不清楚" in prompt.split("[answer]")[1] else 5))


def test_a_fair_judge_agrees_with_the_experts(
    judge: Callable[..., Result], llf_kit: Callable[..., Result], project: Path, server: Server
) -> None:
    server.answers = fair
    assert judge("--json").json["experts"] is None
    path = fill(project, "张老师", {"base": 1, "tuned": 5}, {**dict.fromkeys(range(5), "tuned"), 5: "base"})
    assert llf_kit("review", "import", "blind", path).status == 0
    data = judge("--json").json
    assert len(server.asked) == 12 + 12, "what was judged is not asked again"
    assert (data["answers"], data["pairs"], data["inconsistent"], data["partial"]) == (12, 6, 0.0, None)
    assert data["means"]["tuned"]["depth"]["value"] == 5.0 and data["means"]["base"]["tone"]["value"] == 2.0
    assert (data["duels"][0]["wins"], data["duels"][0]["losses"]) == (0, 6)
    assert set(data["experts"]) == {"relevance", "fluency", "accuracy", "better"}
    accuracy = data["experts"]["accuracy"]
    assert accuracy["spearman"] == pytest.approx(1.0) and 0.9 < accuracy["agreement"]["kappa"] < 1
    assert data["experts"]["better"]["agreement"]["percent"] == pytest.approx(100 * 5 / 6)
    said = judge().err
    assert "judge-1 judged 12 answers and 6 pairs" in said and "with experts on accuracy" in said
    sent = "".join(one["messages"][0]["content"] for one in server.asked)
    assert "13800138000" not in sent and "事实准确性" in sent
    for name in ("judged_answers", "judged_pairs"):
        kept = project / f".llf-kit/{name}.jsonl"
        assert kept.stat().st_mode & 0o777 == 0o600 and "血钾" not in kept.read_text(encoding="utf-8")


def test_a_judge_that_likes_what_stands_first_is_found_out(judge: Callable[..., Result], server: Server) -> None:
    server.answers = lambda number, prompt: '{"better": "A"}' if "[A]" in prompt else fair(number, prompt)
    data = judge("--json").json
    assert (data["inconsistent"], data["first"]) == (100.0, 100.0)
    assert data["duels"][0] | {"won": 0, "lost": 0} == {
        "first": "base", "second": "tuned", "wins": 0, "ties": 6, "losses": 0, "won": 0, "lost": 0, "p": None,
    }  # fmt: skip
    assert "position bias: another answer in the other order for 100.0 % of the pairs" in judge().err


@pytest.mark.parametrize("answer", ["no", '{"better": "C"}', json.dumps(dict.fromkeys(SCALES, 6)), (401, {})])
def test_a_judge_that_says_nothing_of_use_is_an_error(
    judge: Callable[..., Result], server: Server, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llf_kit.endpoints.asking._LONGEST_PAUSE", 0.0)
    server.answers = lambda *_: answer
    done = judge()
    assert done.status == 1 and "nothing could be judged" in done.err and "Traceback" not in done.err


def test_what_one_answer_lacks_is_told_and_asked_again(
    judge: Callable[..., Result], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llf_kit.endpoints.asking._LONGEST_PAUSE", 0.0)
    server.answers = lambda number, prompt: "?" if "脂血" in prompt and "[A]" in prompt else fair(number, prompt)
    data = judge("--json").json
    assert data["pairs"] == 5 and data["partial"].startswith("2 of 24 have no judgement")
    server.answers = fair
    assert judge("--json").json["partial"] is None


def test_unmasked_questions_are_not_sent_unless_allowed_by_name(
    judge: Callable[..., Result], llf_kit: Callable[..., Result], server: Server
) -> None:
    server.answers = fair
    assert llf_kit("convert", "raw.csv", "--name", "lab", "--identifiers", "off").status == 0
    done = judge()
    assert done.status == 2 and "lab: its identifiers were not masked" in done.err and not server.asked
    assert judge("--judge-unmasked", "lab").status == 0
