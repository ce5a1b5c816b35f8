"""A live run: a model answers the questions of the cases, over HTTP and, once, a real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result, Server, call

Tree = Callable[[dict[str, Any]], Path]
LlfKit = Callable[..., Result]


def test_answers_are_asked_for_several_times_and_kept(llf_kit: LlfKit, tree: Tree, server: Server) -> None:
    here = tree({"cases.csv": "问题,提示词,症状\n血钾？,你是检验科专家。,\n血钠？,,不相关\n"})
    server.answers = lambda number, _: f"参考区间为 {number}～{number + 10} mmol/L"
    who = f"{server.url}#m"
    asking = ("diagnose", "cases.csv", "--ask", who, "--runs", "3", "temperature=0.7", "default_system=你是助手。")
    done = llf_kit(*asking, "--json")
    assert done.status == 0, done.err
    assert [row["symptoms"] for row in done.json["rows"]] == [["unstable"], ["off_topic"]]  # it had no answer before
    assert f"--ask '{who}' temperature=0.7 'default_system=你是助手。'" in done.json["next"]
    assert len(server.asked) == 6
    assert {one["temperature"] for one in server.asked} == {0.7}
    assert sorted({one["messages"][0]["content"] for one in server.asked}) == ["你是助手。", "你是检验科专家。"]
    kept = here / ".llf-kit" / "diagnosis" / "answers.jsonl"
    assert kept.stat().st_mode & 0o077 == 0
    assert llf_kit(*asking, "--json").json == done.json
    assert len(server.asked) == 6, "what was answered was asked again"


def test_a_symptom_of_an_old_answer_is_none_of_the_new(llf_kit: LlfKit, tree: Tree, server: Server) -> None:
    tree({"cases.csv": "question,answer,expected,symptom\nPotassium?,unclear,3.5-5.3 mmol/L,not professional\n"})
    server.answers = lambda *_: "3.5-5.3 mmol/L"
    done = llf_kit("diagnose", "cases.csv", "--ask", f"{server.url}#m", "--json").json
    assert done["next"] == f"llf-kit diagnose cases.csv --ask '{server.url}#m' --excel TO_FILL_IN.xlsx"
    assert done["symptoms"] == {"none": 1} and done["rows"][0]["measures"]["values"] == 100
    assert done["notes"][0].startswith("cases whose symptom is of an old answer: 1.")


def test_a_question_leaves_this_machine_without_identifiers(
    tree: Tree, server: Server, monkeypatch: pytest.MonkeyPatch, llf_kit: LlfKit
) -> None:
    tree(
        {"cases.csv": "question,prompt\nMy phone is 13800138000. Is my potassium of 6.2 high?,You know 13800138001.\n"}
    )
    llf_kit("diagnose", "cases.csv", "--ask", f"{server.url}#here")
    monkeypatch.setattr("llf_kit.diagnosis.live_answers._LOOPBACK", ())  # as if it were elsewhere
    llf_kit("diagnose", "cases.csv", "--ask", f"{server.url}#there")
    here, there = (json.dumps(one["messages"]) for one in server.asked)
    assert "13800138000" in here and "13800138001" in here
    assert "1380013800" not in there and "6.2" in there


def test_nobody_there_is_said(llf_kit: LlfKit, tree: Tree, server: Server) -> None:
    tree({"cases.csv": "question\nPotassium?\n"})
    server.answers = lambda *_: (401, {})
    done = llf_kit("diagnose", "cases.csv", "--ask", f"{server.url}#m")
    assert done.status == 1 and "has answered nothing" in done.err and "Traceback" not in done.err


@pytest.mark.real
def test_a_real_model_is_asked(smollm2: Path, tmp_path: Path) -> None:
    """A base model of 135M: served, asked twice with sampling, measured, and its instability seen."""
    (tmp_path / "cases.csv").write_text(
        "question,expected\nWhat is the reference interval of serum sodium?,137-147 mmol/L\n"
    )
    settings = ("template=smollm2", "max_new_tokens=24", "do_sample=true", "temperature=1.5")
    status, out, err = call(tmp_path, "diagnose", "cases.csv", "--ask", smollm2, "--runs", 2, *settings, "--json")
    assert status == 0, err
    [row] = json.loads(out)["rows"]
    assert row["measures"]["stability"] < 95 and row["measures"]["values"] is not None
    assert row["symptoms"][0] in ("unstable", "unprofessional", "off_topic", "tone_format")
