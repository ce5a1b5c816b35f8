"""One question to an OpenAI-compatible endpoint: no redirects, an answer of bounded size, what may be tried again."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from llf_kit.errors import EndpointError, UsageError

JUDGE_KEY = "LLF_KIT_JUDGE_KEY"

_LARGEST = 1 << 20  # bytes of an answer that are read


@dataclass(frozen=True)
class Endpoint:
    """Whom to ask: ``url`` as ``http://host/v1``, the model's name there, the key, and seconds.

    ``timeout`` is that of one answer, ``pause`` the first wait after a failure; it doubles with each further one.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 60.0
    pause: float = 1.0

    @classmethod
    def given(cls, url: str, model: str | None, *, option: str = "--judge", variable: str = JUDGE_KEY) -> Self:
        """The endpoint that ``option`` of the command line names; its key stands in the environment.

        Raises:
            UsageError: the address is no http or https one, or there is no model.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{option} {url}: is no http or https address. Give one such as https://host/v1.")
        if parts.username or parts.password or parts.query:
            raise UsageError(f"{option}: takes no key in the address. Put it into {variable}.")
        if not model:
            raise UsageError(f"{option}: needs the name of a model there. Add {option}-model NAME.")
        return cls(url, model, os.environ.get(variable))

    @property
    def address(self) -> str:
        """Where questions go."""
        base = self.url.rstrip("/")
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


@dataclass(frozen=True)
class Question:
    """What is asked: the messages, and settings by the names of the API (``temperature``, ``max_tokens``)."""

    messages: Sequence[Mapping[str, str]]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What was answered: ``finished`` is False where it was cut off, ``tokens`` counts its own; None is unknown."""

    text: str
    finished: bool | None
    tokens: int | None
    seconds: float


class UnusableError(Exception):
    """A busy endpoint, or an answer that is of no use: worth another attempt, after ``pause`` seconds if it says so."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the key, and the texts, to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def post(endpoint: Endpoint, question: Question) -> Reply:
    """What the model says to ``question``, in one attempt.

    Raises:
        UnusableError: it is busy, does not answer in time, or not as the API does.
        EndpointError: it refuses, whatever is asked.
    """
    body = {"model": endpoint.model, "messages": list(question.messages), **question.settings}
    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = Request(endpoint.address, json.dumps(body).encode(), headers)  # noqa: S310 - Endpoint.given looked at it
    begun = time.monotonic()
    try:
        with build_opener(_NoRedirect).open(request, timeout=endpoint.timeout) as answer:
            data = json.loads(answer.read(_LARGEST))
    except HTTPError as error:
        if error.code in (408, 409, 425, 429) or error.code >= 500:
            raise UnusableError(f"HTTP {error.code}", _retry_after(error.headers.get("Retry-After"))) from None
        raise EndpointError(f"HTTP {error.code}") from None
    except TimeoutError:
        raise UnusableError(f"no answer within {endpoint.timeout:g} seconds") from None
    except (OSError, HTTPException) as error:
        raise UnusableError(f"{type(error).__name__}") from None
    except (ValueError, RecursionError):
        raise UnusableError("its answer is not JSON") from None
    seconds = time.monotonic() - begun
    try:
        choice = data["choices"][0]
        text = choice["message"]["content"]
    except (KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str):
        raise UnusableError("its answer has no message")
    usage = data.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    reason = choice.get("finish_reason")
    return Reply(
        text,
        None if reason is None else reason != "length",
        tokens if isinstance(tokens, int) and tokens >= 0 else None,
        seconds,
    )


def _retry_after(text: str | None) -> float | None:
    """Seconds of a Retry-After header: a number or a date (RFC 9110)."""
    if text is None:
        return None
    try:
        return max(
            0.0,
            float(text) if re.fullmatch(r"[0-9.]+", text) else parsedate_to_datetime(text).timestamp() - time.time(),
        )
    except (ValueError, TypeError):
        return None
