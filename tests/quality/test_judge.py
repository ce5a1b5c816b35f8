"""The judge, against a real HTTP server that fails in every way a server can."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import Result, Server

from llf_kit.errors import JudgeError, UsageError
from llf_kit.quality.judge import Endpoint, judge
from llf_kit.schema import SAMPLE
from llf_kit.screening import standard

STANDARD = standard.load()
PARTS = dict.fromkeys(STANDARD.parts, 80)


def rows(number: int) -> pl.DataFrame:
    made = [
        {"source": "a", "row": row, "messages": [
            {"role": "user", "content": f"血钾问题{row}？"}, {"role": "assistant", "content": f"答案{row}"}]}
        for row in range(number)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=SAMPLE)


@pytest.fixture(autouse=True)
def judges(server: Server) -> None:
    server.answers = lambda *_: json.dumps(PARTS)


def endpoint(server: Server, **changes: Any) -> Endpoint:
    return Endpoint(server.url, "judge-1", **{"pause": 0.01, "timeout": 5.0, **changes})


def test_the_scale_is_that_of_the_standard(server: Server, project: Path) -> None:
    server.answers = lambda *_: "好的：\n```json\n" + json.dumps({**PARTS, "sources": 0, "why": "无出处"}) + "\n```"
    judged = judge(rows(3), STANDARD, endpoint(server, key="secret"), project)
    assert judged.scores.to_list() == [72.0, 72.0, 72.0]
    assert (judged.parts["sources"], judged.parts["language"], judged.partial) == (0.0, 80.0, None)
    assert server.headers[0]["Authorization"] == "Bearer secret"
    prompt = server.asked[0]["messages"][0]["content"]
    assert all(name in prompt and part.zh in prompt for name, part in STANDARD.parts.items())
    assert server.asked[0]["temperature"] == 0


def test_what_was_judged_is_not_asked_again_and_what_was_not_is(server: Server, project: Path) -> None:
    judge(rows(3), STANDARD, endpoint(server), project)
    assert len(server.asked) == 3
    kept = project / ".llf-kit/judged.jsonl"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "血钾" not in kept.read_text()  # neither texts nor what the model says of them
    kept.write_text(kept.read_text()[:-9])  # killed while it wrote
    assert judge(rows(4), STANDARD, endpoint(server), project).scores.null_count() == 0
    assert len(server.asked) == 5
    assert judge(rows(4), STANDARD, endpoint(server), project).scores.null_count() == 0
    assert len(server.asked) == 5
    judge(rows(1), STANDARD, Endpoint(server.url, "judge-2"), project)  # another model says something else
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "failure",
    [
        (429, {"Retry-After": "0"}),
        (503, {}),
        (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        (429, {"Retry-After": "soon"}),
        b"<html>busy</html>",
        b'{"choices": []}',
        b"",
        "I cannot judge that.",
        json.dumps({**PARTS, "terms": 180}),
        json.dumps({"terms": 80}),
        '{"terms": NaN}',
        "{" * 5000,
    ],
)
def test_what_passes_is_asked_again(server: Server, project: Path, failure: Any) -> None:
    server.answers = lambda number, _: failure if number < 2 else json.dumps(PARTS)
    judged = judge(rows(1), STANDARD, endpoint(server), project)
    assert (judged.scores.to_list(), judged.partial, len(server.asked)) == ([80.0], None, 3)


def test_a_pause_that_the_server_asks_for_is_kept(server: Server, project: Path) -> None:
    server.answers = lambda number, _: (429, {"Retry-After": "1"}) if number == 0 else json.dumps(PARTS)
    began = time.monotonic()
    judge(rows(1), STANDARD, endpoint(server), project)
    assert time.monotonic() - began >= 1


def test_an_answer_that_does_not_come_is_given_up_and_the_result_is_partial(server: Server, project: Path) -> None:
    server.answers = lambda _, prompt: 1.0 if "血钾问题1" in prompt else json.dumps(PARTS)
    judged = judge(rows(3), STANDARD, endpoint(server, timeout=0.1), project)
    assert judged.scores.to_list() == [80.0, None, 80.0]
    assert judged.partial is not None
    assert judged.partial.startswith("1 of 3 rows have no judgement (no answer within 0.1 seconds)")
    assert judged.to_dict()["judged"] == 2


def test_nonsense_for_one_row_is_no_score_for_it_and_not_zero(server: Server, project: Path) -> None:
    server.answers = lambda _, prompt: "好" if "血钾问题1" in prompt else json.dumps(PARTS)
    judged = judge(rows(3), STANDARD, endpoint(server), project)
    assert judged.scores.to_list() == [80.0, None, 80.0]
    assert judged.parts["terms"] == 80.0


def test_a_refusal_ends_it_and_keeps_what_there_is(server: Server, project: Path) -> None:
    judge(rows(2), STANDARD, endpoint(server), project)
    server.answers = lambda *_: (401, {})
    judged = judge(rows(200), STANDARD, endpoint(server), project)
    assert judged.scores.count() == 2
    assert judged.partial == "198 of 200 rows have no judgement (HTTP 401)."
    assert len(server.asked) < 20
    (project / ".llf-kit/judged.jsonl").unlink()
    with pytest.raises(JudgeError, match=r"no row could be judged \(HTTP 401\)"):
        judge(rows(5), STANDARD, endpoint(server), project)


def test_a_server_that_is_gone_is_not_asked_for_every_row(server: Server, project: Path) -> None:
    server.answers = lambda *_: (500, {})
    with pytest.raises(JudgeError, match="HTTP 500"):
        judge(rows(300), STANDARD, endpoint(server), project)
    assert len(server.asked) < 60
    with pytest.raises(JudgeError, match="no row could be judged"):
        judge(rows(2), STANDARD, Endpoint("http://127.0.0.1:9/v1", "m", pause=0.01), project)


def test_neither_key_nor_texts_follow_a_redirect(server: Server, project: Path) -> None:
    server.answers = lambda *_: (302, {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(JudgeError, match="HTTP 302"):
        judge(rows(1), STANDARD, endpoint(server, key="secret"), project)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host/v1", "no http or https address"),
        ("host:8000", "no http or https address"),
        ("https://me:secret@host/v1", "takes no key in the address"),
        ("https://host/v1?key=secret", "takes no key in the address"),
    ],
)
def test_an_address_that_cannot_be(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        Endpoint.given(url, "m")
    assert "secret" not in str(error.value) or "takes no key" not in said


RAW = "问题,答案\n患者电话13800138000，血钾多少算高？,大于 5.3 mmol/L。\n"


def test_nothing_leaves_unless_identifiers_were_masked_or_it_is_allowed_by_name(
    server: Server,
    tree: Callable[[dict[str, Any]], Path],
    llf_kit: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LLF_KIT_JUDGE_KEY", "from the environment")
    directory = tree({"a.csv": RAW})
    ask = ("quality", "lab", "--judge", server.url, "--judge-model", "m", "--json")
    assert llf_kit("convert", "a.csv", "--name", "lab", "--identifiers", "off").status == 0
    done = llf_kit(*ask)
    assert (done.status, server.asked) == (2, [])
    assert "its identifiers were not masked" in done.err
    assert "--judge-unmasked lab" in done.err
    assert llf_kit(*ask, "--judge-unmasked", "other").status == 2
    assert llf_kit(*ask, "--judge-unmasked", "lab").json["judge"]["judged"] == 1
    assert "13800138000" not in json.dumps(server.asked)  # masked on its way, even so
    assert server.headers[0]["Authorization"] == "Bearer from the environment"
    assert llf_kit("convert", "a.csv", "--name", "lab").status == 0
    assert llf_kit(*ask).json["judge"]["mean"] == 80.0
    (directory / ".llf-kit/converted/lab.json").unlink()
    done = llf_kit(*ask)
    assert done.status == 2
    assert "nobody knows whether its identifiers were masked" in done.err


def test_the_page_says_that_a_result_is_partial(
    server: Server, tree: Callable[[dict[str, Any]], Path], llf_kit: Callable[..., Result]
) -> None:
    directory = tree({"a.csv": RAW + "溶血？,重采。\n"})
    assert llf_kit("convert", "a.csv", "--name", "lab").status == 0
    server.answers = lambda _, prompt: (400, {}) if "溶血" in prompt else json.dumps(PARTS)
    done = llf_kit("quality", "lab", "--lang", "zh", "--html", "a.html", "--judge", server.url, "--judge-model", "m")
    assert done.status == 0, done.err
    text = (directory / "a.html").read_text(encoding="utf-8")
    assert re.search(r"m 评了 1 行（共 2 行），平均 80\.0 分", text)
    assert "只评了一部分：1 of 2 rows have no judgement (HTTP 400)." in text
    assert "partial: 1 of 2 rows" in done.err
