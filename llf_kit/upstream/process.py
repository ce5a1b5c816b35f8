"""A child process that gets our signals: Ctrl-C, SIGTERM and a lost terminal reach it and all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

_GRACE = 20.0  # seconds between asking a child to stop and ending it
_POLL = 0.25  # seconds between two looks at the child; each costs microseconds
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
# Not as a file: its folder would come first on sys.path, and its inspect.py before that of the standard library; nor
# may what lies in the current directory.
_START = """
import sys
if sys.path[0] == "":
    del sys.path[0]
with open(sys.argv[1], encoding="utf-8") as script:
    exec(compile(script.read(), sys.argv[1], "exec"))
"""


def private_log(path: Path) -> IO[bytes]:
    """A new log file for writing, readable by its owner only: upstream prints examples and questions into it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def script(python: Path, path: Path, *arguments: str) -> list[str]:
    """The command that runs a script of this package in another interpreter; ``sys.argv[2:]`` are the arguments."""
    return [str(python), "-W", "ignore", "-c", _START, str(path), *arguments]


def run(
    command: Sequence[str | Path],
    *,
    log: IO[bytes],
    env: Mapping[str, str] | None = None,
    stdin: IO[bytes] | None = None,
    watch: Callable[[], None] = lambda: None,
) -> tuple[int, bool]:
    """Run ``command`` to its end, with its output in ``log``.

    ``watch`` is called about four times a second; what it raises ends the child. Returns the exit code and whether a
    signal of ours stopped it. A second Ctrl-C, or 20 seconds after the first, ends it for good.
    """
    stopped_at: list[float] = []
    child = _start(command, log, env, stdin)

    def forward(number: int, _frame: FrameType | None) -> None:
        stopped_at.append(time.monotonic())
        _signal(child, signal.SIGKILL if len(stopped_at) > 1 else number)

    before = {number: signal.signal(number, forward) for number in _heard()}
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(timeout=_POLL), bool(stopped_at)
            watch()
            if stopped_at and time.monotonic() - stopped_at[0] > _GRACE:
                _signal(child, signal.SIGKILL)
    finally:
        _end(child)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def background(
    command: Sequence[str | Path], *, log: IO[bytes], env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """``command`` beside the block, with its output in ``log``; when the block ends, it is asked to stop.

    In the block SIGTERM and the end of the terminal raise KeyboardInterrupt as Ctrl-C does, or the child would outlive
    us; and so does Ctrl-C itself where a shell had it ignored, as for what it starts in the background. A second one,
    or 20 seconds, ends the child for good.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _heard()}
    try:
        child = _start(command, log, env, None)
        try:
            yield child
        finally:
            _end(child)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def writers(log: Path) -> Iterator[int]:
    """The processes whose output goes into ``log``; none where the system does not tell (Linux does)."""
    for output in Path("/proc").glob("[0-9]*/fd/[12]"):
        with suppress(OSError):  # it ended, or is another user's
            if output.samefile(log):
                yield int(output.parts[2])


def end_writers(log: Path) -> None:
    """End what still writes into ``log``: the child of one of us that was killed goes on without it."""
    while found := set(writers(log)):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL)


def _heard() -> list[signal.Signals]:
    """What is to end us. Under nohup a lost terminal is to be ignored, by us as by the child."""
    return [one for one in _SIGNALS if one == signal.SIGINT or signal.getsignal(one) != signal.SIG_IGN]


def _start(
    command: Sequence[str | Path], log: IO[bytes], env: Mapping[str, str] | None, stdin: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    """The child in a session of its own: it is signalled by us alone, never by the terminal."""
    return subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        start_new_session=True,
        stdin=stdin or subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        if child.poll() is None:
            _signal(child, signal.SIGINT)
            child.wait(timeout=_GRACE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        _signal(child, signal.SIGKILL)
        child.wait()


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
