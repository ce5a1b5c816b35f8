"""Asking a served model: what goes over the wire, and what is said when nobody answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from llf_kit.errors import RunError
from llf_kit.upstream.client import Client

KEY = "a key"


class Server(BaseHTTPRequestHandler):
    """As much of the API as the client uses; a model called ``broken`` fails."""

    def do_GET(self) -> None:
        self._send(200 if self.headers["Authorization"] == f"Bearer {KEY}" else 401, b"{}")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["model"] == "broken":
            self._send(500, b"{}")
        elif asked.get("stream"):
            parts = [{"content": ""}, {"content": "3.5"}, {"content": "～5.3"}, {}]
            lines = [json.dumps({"choices": [{"delta": part}]}, ensure_ascii=False) for part in parts]
            self._send(200, "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode())
        else:
            content = f"{asked['messages'][-1]['content']} {asked.get('max_tokens')}"
            self._send(200, json.dumps({"choices": [{"message": {"content": content}}]}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of this machine, in an environment whose proxy is not there."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_answers_come_whole_and_in_pieces(address: str) -> None:
    client = Client(address, KEY, "lab")
    asked = [{"role": "user", "content": "血钾？"}]
    assert client.is_up()
    assert client.ask(asked, max_tokens=8) == "血钾？ 8"
    assert list(client.stream(asked)) == ["", "3.5", "～5.3", ""]


def test_without_the_key_a_server_is_not_ours(address: str) -> None:
    assert not Client(address, "another", "lab").is_up()


def test_a_model_that_fails_and_a_server_that_is_gone_are_told_apart(address: str) -> None:
    with pytest.raises(RunError, match=r"does not answer \(HTTP 500\)"):
        Client(address, KEY, "broken").ask([{"role": "user", "content": "x"}])
    nowhere = Client("http://127.0.0.1:9/v1", KEY, "lab")
    assert not nowhere.is_up()
    with pytest.raises(RunError, match="the server is gone"):
        list(nowhere.stream([{"role": "user", "content": "x"}]))
