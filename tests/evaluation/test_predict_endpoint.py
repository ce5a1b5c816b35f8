"""Predictions over an endpoint, against a real HTTP server that fails in every way a server can."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Server

from llf_kit import registered
from llf_kit.errors import DataError, EndpointError
from llf_kit.evaluation import candidates
from llf_kit.evaluation.candidates import Candidate
from llf_kit.evaluation.predict import predict

Tree = Callable[[dict[str, Any]], Path]

ENTRY = {
    "file_name": "lab.jsonl", "formatting": "sharegpt",
    "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
    "tags": {
        "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
        "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system",
    },
}  # fmt: skip


def row(question: str, answer: str, **more: str) -> dict[str, Any]:
    return {"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}], **more}


ROWS = [
    row("血钾？", "3.5～5.3", label="离子", system="你是检验科专家。"),
    {"conversations": [{"from": "gpt", "value": "先说"}, {"from": "human", "value": "后问"}], "tools": ""},
    row("血钠？", "137～147", label="离子"),
    row("血氯？", "99～110"),
]


@pytest.fixture
def dataset(tree: Tree) -> registered.Registered:
    here = tree({"lab.jsonl": ROWS, "dataset_info.json": json.dumps({"lab": ENTRY})})
    return registered.find(here, "lab")


def asked(server: Server, *overrides: str, **changes: Any) -> Candidate:
    found = candidates.find(f"{server.url}#m", overrides)
    assert found.endpoint is not None
    return replace(found, endpoint=replace(found.endpoint, **{"pause": 0.01, "timeout": 5.0, **changes}))


def test_rows_come_back_in_their_order_with_those_that_nobody_can_ask(
    server: Server, dataset: registered.Registered, project: Path
) -> None:
    server.answers = lambda _, question: f" 答{question}"
    done = predict(asked(server, "max_new_tokens=64"), dataset, project)
    assert [(one.place, one.question, one.predict, one.label, one.scenario) for one in done.rows] == [
        ("lab:1", "血钾？", "答血钾？", "3.5～5.3", "离子"),
        ("lab:2", "", None, "", None),
        ("lab:3", "血钠？", "答血钠？", "137～147", "离子"),
        ("lab:4", "血氯？", "答血氯？", "99～110", None),
    ]
    assert done.partial == "1 of 4 rows cannot be asked (its turns are not in order)."
    assert done.rows[0].prompt == "你是检验科专家。\n血钾？"
    assert done.rows[0].seconds is not None
    first = next(one for one in server.asked if len(one["messages"]) == 2)
    assert [turn["role"] for turn in first["messages"]] == ["system", "user"]
    assert (first["temperature"], first["max_tokens"]) == (0, 64)
    assert done.folder is not None
    assert {path.stat().st_mode & 0o077 for path in done.folder.rglob("*")} == {0}


def test_what_is_missing_is_said_and_alone_asked_again(
    server: Server, dataset: registered.Registered, project: Path
) -> None:
    server.answers = lambda _, question: (429, {"Retry-After": "0"}) if "血钠" in question else "好"
    done = predict(asked(server), dataset, project)
    assert [one.predict for one in done.rows] == ["好", None, None, "好"]
    assert done.partial is not None
    assert done.partial.startswith("1 of 4 rows have no answer (HTTP 429); run it again to ask for them alone; 1 of 4")
    server.asked.clear()
    server.answers = lambda *_: "好"
    done = predict(asked(server), dataset, project)
    assert [one["messages"][-1]["content"] for one in server.asked] == ["血钠？"]
    assert done.partial == "1 of 4 rows cannot be asked (its turns are not in order)."
    predict(asked(server), dataset, project)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (0.5, "no answer within 0.2 seconds"),
        (b"<html>busy</html>", "its answer is not JSON"),
        (b'{"choices": [{"message": {"content": null}}]}', "its answer has no message"),
        (b'{"error": "no"}', "its answer has no message"),
        (b"[1]", "its answer has no message"),
        ((503, {}), "HTTP 503"),
    ],
)
def test_nonsense_is_no_answer(
    server: Server, dataset: registered.Registered, project: Path, failure: Any, said: str
) -> None:
    server.answers = lambda _, question: failure if "血钾" in question else ""
    done = predict(asked(server, timeout=0.2), dataset, project)
    assert [one.predict for one in done.rows] == [None, None, "", ""]  # an empty answer is one
    assert done.partial is not None
    assert f"1 of 4 rows have no answer ({said})" in done.partial


def test_an_endpoint_that_answers_nothing_is_no_result(
    server: Server, dataset: registered.Registered, project: Path
) -> None:
    server.answers = lambda *_: (401, {})
    with pytest.raises(EndpointError, match=r"has answered nothing \(HTTP 401\)"):
        predict(asked(server), dataset, project)


def test_what_is_asked_otherwise_is_asked_anew(server: Server, dataset: registered.Registered, project: Path) -> None:
    server.answers = lambda *_: "好"
    for number, overrides in enumerate([(), ("max_new_tokens=64",), ("temperature=0.7",)], start=1):
        predict(asked(server, *overrides), dataset, project)
        assert len(server.asked) == 3 * number
    sampled = server.asked[-1]
    assert (sampled["temperature"], sampled["max_tokens"]) == (0.7, 512)


def test_plain_texts_ask_nothing(tree: Tree) -> None:
    here = tree({
        "pt.jsonl": [{"text": "血钾"}],
        "dataset_info.json": json.dumps({"pt": {"file_name": "pt.jsonl", "columns": {"prompt": "text"}}}),
    })  # fmt: skip
    with pytest.raises(DataError, match="holds plain texts"):
        predict(Candidate("x"), registered.find(here, "pt"), here)
