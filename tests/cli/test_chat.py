"""The conversation on a terminal; the model is a stand-in, which tests/upstream/test_real.py replaces by a real one."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest

from llf_kit.cli.chat import _talk
from llf_kit.upstream.client import Client, Message


class Model(Client):
    """Repeats what it was asked, and how many messages that was; Ctrl-C is pressed where it is asked to wait."""

    def __init__(self) -> None:
        self.asked: list[list[Message]] = []

    def stream(self, messages: list[Message], **_: object) -> Iterator[str]:  # type: ignore[override]
        self.asked.append(list(messages))
        yield "so "
        if messages[-1]["content"] == "wait":
            raise KeyboardInterrupt
        yield messages[-1]["content"]


def talk(monkeypatch: pytest.MonkeyPatch, text: str | bytes) -> Model:
    model = Model()
    raw = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw, encoding="utf-8"))
    _talk(model)
    return model


def test_a_conversation_goes_on_until_it_is_cleared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = talk(monkeypatch, "一\n\n二\nclear\n三\nexit\n四\n")
    assert [[message["content"] for message in asked] for asked in model.asked] == [
        ["一"],
        ["一", "so 一", "二"],
        ["三"],
    ]
    assert "Assistant: so 三" in capsys.readouterr().out


def test_a_stopped_answer_is_forgotten_and_the_end_of_input_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    model = talk(monkeypatch, "wait\nwell")
    assert [len(asked) for asked in model.asked] == [1, 1]


def test_input_that_is_not_utf_8_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model = talk(monkeypatch, "血钾\n".encode("gb18030"))
    assert model.asked == []
    assert "was not UTF-8" in capsys.readouterr().err
