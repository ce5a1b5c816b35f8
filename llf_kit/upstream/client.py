"""Asking a model that is served: the part of the OpenAI API that llf-kit itself uses."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any

from llf_kit.errors import RunError

__all__ = ["Client", "Message"]

Message = dict[str, str]  # role and content

_SOON = 2.0  # seconds for a server to say that it is there
_ANSWER = 600.0  # seconds without a word; a large model without a GPU takes minutes to read a question


class Client:
    """A model behind ``address`` (``http://…/v1``), called ``model`` there.

    It is asked directly, whatever proxy the environment names: questions are about patients, and the server is near.
    ``pid`` is the server's process where llf-kit has started it.
    """

    def __init__(self, address: str, key: str, model: str) -> None:
        self.address = address
        self.key = key
        self.model = model
        self.pid: int | None = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def is_up(self) -> bool:
        """Whether the server answers, to this key."""
        try:
            with self._open("models", None, _SOON):
                return True
        except (OSError, HTTPException):
            return False

    def ask(self, messages: Sequence[Message], **settings: Any) -> str:
        """The whole answer; ``settings`` are fields of the API, such as ``max_tokens``.

        Raises:
            RunError: the server is gone, or refuses.
        """
        with self._completion(messages, settings) as response:
            said = json.load(response)
        return str(said["choices"][0]["message"]["content"] or "")

    def stream(self, messages: Sequence[Message], **settings: Any) -> Iterator[str]:
        """The answer in pieces, as they come.

        Raises:
            RunError: as :meth:`ask`.
        """
        with self._completion(messages, {**settings, "stream": True}) as response:
            try:
                for line in response:
                    data = line.removeprefix(b"data:").strip()
                    if line.startswith(b"data:") and data != b"[DONE]":
                        yield json.loads(data)["choices"][0]["delta"].get("content") or ""
            except (OSError, HTTPException) as error:
                raise self._gone(error) from None

    def _completion(self, messages: Sequence[Message], settings: dict[str, Any]) -> HTTPResponse:
        body = {"model": self.model, "messages": list(messages), **settings}
        try:
            return self._open("chat/completions", json.dumps(body).encode(), _ANSWER)
        except urllib.error.HTTPError as error:
            error.close()
            raise RunError(f"{self.address}: the model does not answer (HTTP {error.code}).") from None
        except (OSError, HTTPException) as error:
            raise self._gone(error) from None

    def _gone(self, error: Exception) -> RunError:
        return RunError(f"{self.address}: the server is gone ({type(error).__name__}).")

    def _open(self, path: str, body: bytes | None, timeout: float) -> HTTPResponse:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(f"{self.address}/{path}", body, headers)  # noqa: S310 - an address of ours
        response: HTTPResponse = self._opener.open(request, timeout=timeout)
        return response
