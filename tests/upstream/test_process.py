"""A child beside our own work: no signal that ends us leaves it behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
from llf_kit.upstream import process
with process.private_log({log!r}) as log:
    try:
        with process.background({command!r}, log=log) as child:
            print(child.pid, flush=True)
            child.wait()
    except KeyboardInterrupt:
        print("told", flush=True)
"""
# Says when it is ready to be stopped, and ends at no signal that can be ignored.
_DEAF = [
    *(sys.executable, "-c"),
    "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


def started(log: Path, command: list[str]) -> subprocess.Popen[str]:
    """The program with a child, as a shell starts it in the background: with Ctrl-C ignored."""
    program = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{_PROGRAM}"
    text = program.format(log=log, command=command).replace("PosixPath", "__import__('pathlib').Path")
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_us_ends_the_child(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path / "log", ["sleep", "60"]) as running:
        assert running.stdout is not None
        child = int(running.stdout.readline())
        running.send_signal(number)
        assert running.stdout.read() == "told\n"
    assert running.returncode == 0
    assert not Path(f"/proc/{child}").exists()


def test_a_second_ctrl_c_ends_a_child_that_does_not_listen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(log, _DEAF) as running:
        assert running.stdout is not None
        child = int(running.stdout.readline())
        while not log.read_text():
            pass
        running.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=1)
        running.send_signal(signal.SIGINT)
        assert running.stdout.read() == "told\n"
    assert not Path(f"/proc/{child}").exists()
    assert log.stat().st_mode & 0o777 == 0o600
