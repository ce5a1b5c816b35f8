"""Many questions to one endpoint, a few at a time: tried again, noted as they come, given up where nobody is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from typing import TypeVar

from llf_kit.endpoints.endpoint import Endpoint, Question, Reply, UnusableError, post
from llf_kit.endpoints.kept import Kept
from llf_kit.errors import EndpointError

T = TypeVar("T")

_WORKERS = 4
_ATTEMPTS = 4  # that a question gets
_GIVE_UP = 5  # questions without an answer in a row, after which the endpoint is taken for gone
_LONGEST_PAUSE = 60.0  # seconds


def ask_all(
    endpoint: Endpoint,
    questions: Mapping[str, Question],
    parse: Callable[[Reply], T],
    kept: Kept[T],
    on_answer: Callable[[], None] = lambda: None,
) -> str | None:
    """Ask every question whose key is not ``kept`` yet, and keep what ``parse`` makes of the answer as it comes.

    ``parse`` raises :class:`UnusableError` where the answer is of no use, and the question is asked again.
    ``on_answer`` is called after each that is kept. Returns why some have no answer, if some have none; those are not
    kept, so that another call asks for them again.
    """
    stop, lock = Event(), Lock()
    failed = 0  # in a row
    last: str | None = None
    why: list[str] = []

    with kept.noting() as note:

        def one(key: str, question: Question) -> None:
            nonlocal failed, last
            if stop.is_set():
                return
            try:
                value = _ask(endpoint, question, parse, stop)
            except EndpointError as error:  # it will refuse all others too
                with lock:
                    why.append(str(error))
                stop.set()
                return
            except UnusableError as error:
                with lock:
                    failed, last = failed + 1, str(error)
                    if failed >= _GIVE_UP:
                        why.append(last)
                        stop.set()
                return
            with lock:
                failed = 0
                note(key, value)
                on_answer()

        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                asked = [
                    pool.submit(one, key, question) for key, question in questions.items() if key not in kept.known
                ]
                for done in asked:
                    done.result()
            except BaseException:  # Ctrl-C: what is under way ends, nothing else begins
                stop.set()
                raise
    return why[0] if why else last


def _ask(endpoint: Endpoint, question: Question, parse: Callable[[Reply], T], stop: Event) -> T:
    """One answer, after some attempts.

    Raises:
        UnusableError: none of them gave one.
        EndpointError: the endpoint refuses, whatever is asked.
    """
    pause = endpoint.pause
    for attempt in range(_ATTEMPTS):
        try:
            return parse(post(endpoint, question))
        except UnusableError as error:
            if attempt == _ATTEMPTS - 1 or stop.is_set():
                raise
            stop.wait(min(error.pause if error.pause is not None else pause, _LONGEST_PAUSE))
            pause *= 2
    raise AssertionError  # the last attempt returns or raises
