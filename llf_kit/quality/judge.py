"""A model as a judge, over any OpenAI-compatible endpoint: the same parts and the same scale as the standard.

What it said is kept by content, so that a run that was stopped goes on where it ended, and a row that did not change is
not paid for twice. A result that is not about all rows says so.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from threading import Event, Lock
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import polars as pl

from llf_kit.errors import JudgeError, UsageError
from llf_kit.project import private_directory
from llf_kit.quality.rows import view
from llf_kit.screening.standard import Standard
from llf_kit.templating import render_text

KEY_VARIABLE = "LLF_KIT_JUDGE_KEY"

_WORKERS = 4
_ATTEMPTS = 4  # that a row gets
_GIVE_UP = 5  # rows without a judgement in a row, after which the endpoint is taken for gone
_LONGEST_PAUSE = 60.0  # seconds
_LARGEST = 1 << 20  # bytes of an answer that are read


@dataclass(frozen=True)
class Endpoint:
    """Whom to ask: ``url`` as ``http://host/v1``, the model's name there, the key, and seconds.

    ``timeout`` is that of one answer, ``pause`` the first wait after a failure; it doubles with each further one.
    """

    url: str
    model: str
    key: str | None = None
    timeout: float = 60.0
    pause: float = 1.0

    @classmethod
    def given(cls, url: str, model: str | None) -> Self:
        """The endpoint of the command line; its key stands in the environment.

        Raises:
            UsageError: the address is no http or https one, or there is no model.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"--judge {url}: is no http or https address. Give one such as https://host/v1.")
        if parts.username or parts.password or parts.query:
            raise UsageError(f"--judge: takes no key in the address. Put it into {KEY_VARIABLE}.")
        if not model:
            raise UsageError("--judge: needs the name of a model there. Add --judge-model NAME.")
        return cls(url, model, os.environ.get(KEY_VARIABLE))

    @property
    def address(self) -> str:
        """Where questions go."""
        base = self.url.rstrip("/")
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


@dataclass(frozen=True)
class Judged:
    """What the judge said: ``scores`` has a Float64 from 0 to 100 a row, null where there is none.

    ``partial`` says why some have none; None where all have.
    """

    model: str
    scores: pl.Series
    parts: dict[str, float | None]
    partial: str | None

    def to_dict(self) -> dict[str, Any]:
        """What JSON and the page show of it."""
        mean = self.scores.mean()
        return {
            "model": self.model,
            "rows": len(self.scores),
            "judged": self.scores.count(),
            "mean": round(float(mean), 1) if isinstance(mean, float) else None,
            "parts": self.parts,
            "partial": self.partial,
        }


class _Wrong(Exception):
    """No judgement, or a busy endpoint: worth another attempt, after ``pause`` seconds where it says so."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


def judge(rows: pl.DataFrame, standard: Standard, endpoint: Endpoint, directory: Path) -> Judged:
    """Have every row of ``rows`` (samples) judged; identifiers are masked in what is sent.

    Raises:
        JudgeError: it refuses, or not one row could be judged.
    """
    cache = private_directory(directory) / "judged.jsonl"
    known = _load(cache)
    prompts = [_prompt(row, standard) for row in rows.iter_rows(named=True)]
    keys = [
        hashlib.sha256(f"{endpoint.model}\0{prompt}".encode("utf-8", "surrogatepass")).hexdigest() for prompt in prompts
    ]
    asked = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if prompt and key not in known}
    stopped = _ask_all(asked, known, standard, endpoint, cache)
    told = [known.get(key) for key in keys]
    scores = pl.Series([None if one is None else _weighed(one, standard) for one in told], dtype=pl.Float64)
    missing = sum(bool(prompt) and one is None for prompt, one in zip(prompts, told, strict=True))
    if missing and not scores.count():
        raise JudgeError(f"{endpoint.url}: no row could be judged ({stopped or 'its answers are no judgements'}). "
                         "Look at the address, the model and the key.")  # fmt: skip
    parts = {
        name: round(sum(one[name] for one in told if one) / scores.count(), 1) if scores.count() else None
        for name in standard.parts
    }
    partial = (
        f"{missing} of {len(prompts)} rows have no judgement ({stopped or 'no usable answer'})." if missing else None
    )
    return Judged(endpoint.model, scores, parts, partial)


def _prompt(row: Mapping[str, Any], standard: Standard) -> str:
    """What the judge is asked of a row; empty where there is nothing to judge."""
    shown = view(dict(row), "en")
    if not shown["answer"]:
        return ""
    return render_text("quality/judge.txt.j2", {"parts": standard.parts, **shown})


def _weighed(parts: Mapping[str, float], standard: Standard) -> float:
    return round(sum(parts[name] * part.weight for name, part in standard.parts.items()) / 100, 1)


def _load(cache: Path) -> dict[str, dict[str, float]]:
    """What was judged before. The last line of a run that was killed may be half of one: it is asked again."""
    known = {}
    for line in cache.read_text(encoding="utf-8").split("\n") if cache.exists() else ():
        try:
            one = json.loads(line)
            known[one["key"]] = {str(name): float(value) for name, value in one["parts"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return known


def _ask_all(
    asked: Mapping[str, str], known: dict[str, dict[str, float]], standard: Standard, endpoint: Endpoint, cache: Path
) -> str | None:
    """Ask, and note every judgement as it comes; why it was stopped early, if it was."""
    stop, lock = Event(), Lock()
    failed: list[str] = []  # in a row
    why: list[str] = []

    with cache.open("a", encoding="utf-8") as notes:
        cache.chmod(0o600)
        if notes.tell():
            notes.write("\n")  # ends the half line of a run that was killed

        def one(key: str, prompt: str) -> None:
            if stop.is_set():
                return
            try:
                parts = _ask(prompt, standard, endpoint, stop)
            except JudgeError as error:  # it will refuse all others too
                with lock:
                    why.append(str(error))
                stop.set()
                return
            except _Wrong as error:
                with lock:
                    failed.append(str(error))
                    if len(failed) >= _GIVE_UP:
                        why.append(str(error))
                        stop.set()
                return
            with lock:
                failed.clear()
                known[key] = parts
                notes.write(json.dumps({"key": key, "parts": parts}) + "\n")
                notes.flush()

        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                for done in [pool.submit(one, key, prompt) for key, prompt in asked.items()]:
                    done.result()
            except BaseException:  # Ctrl-C: what is under way ends, nothing else begins
                stop.set()
                raise
    return why[0] if why else (failed[-1] if failed else None)


def _ask(prompt: str, standard: Standard, endpoint: Endpoint, stop: Event) -> dict[str, float]:
    """One judgement, after some attempts.

    Raises:
        _Wrong: none of them gave one.
        JudgeError: the endpoint refuses, whatever is asked.
    """
    pause = endpoint.pause
    for attempt in range(_ATTEMPTS):
        try:
            return _parts(_post(prompt, endpoint), standard)
        except _Wrong as error:
            if attempt == _ATTEMPTS - 1 or stop.is_set():
                raise
            stop.wait(min(error.pause if error.pause is not None else pause, _LONGEST_PAUSE))
            pause *= 2
    raise AssertionError  # the last attempt returns or raises


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would carry the key, and the texts, to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _post(prompt: str, endpoint: Endpoint) -> str:
    """What the model says to ``prompt``."""
    body = {
        "model": endpoint.model,
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 0,
        "max_tokens": 400,
    }
    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = Request(endpoint.address, json.dumps(body).encode(), headers)  # noqa: S310 - Endpoint.given looked at it
    try:
        with build_opener(_NoRedirect).open(request, timeout=endpoint.timeout) as answer:
            data = json.loads(answer.read(_LARGEST))
    except HTTPError as error:
        if error.code in (408, 409, 425, 429) or error.code >= 500:
            raise _Wrong(f"HTTP {error.code}", _retry_after(error.headers.get("Retry-After"))) from None
        raise JudgeError(f"HTTP {error.code}") from None
    except TimeoutError:
        raise _Wrong(f"no answer within {endpoint.timeout:g} seconds") from None
    except (OSError, HTTPException) as error:
        raise _Wrong(f"{type(error).__name__}") from None
    except ValueError:
        raise _Wrong("its answer is not JSON") from None
    try:
        return str(data["choices"][0]["message"]["content"])
    except (KeyError, IndexError, TypeError):
        raise _Wrong("its answer has no message") from None


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


def _parts(answer: str, standard: Standard) -> dict[str, float]:
    """The parts of the first JSON object in an answer that has them all, each from 0 to 100."""
    decoder = json.JSONDecoder()
    for begin in re.finditer(r"\{", answer):
        try:
            found, _ = decoder.raw_decode(answer, begin.start())
            parts = {name: float(found[name]) for name in standard.parts}
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if all(math.isfinite(value) and 0 <= value <= 100 for value in parts.values()):
            return parts
    raise _Wrong("its answer is no judgement")
