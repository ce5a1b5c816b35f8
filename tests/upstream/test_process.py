"""Signals reach the child and end it with us, and what it says never stops it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llf_kit.upstream import board, process

# Tests may themselves be run under nohup, which what they start would inherit.
HEARD = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
PARENT = """
import sys
from pathlib import Path
from llf_kit.upstream import process
with process.private_log(Path("log")) as log:
    code, stopped = process.run([sys.executable, "-c", sys.argv[1]], log=log)
print(code, stopped)
"""
CHILD = """
import pathlib, time
pathlib.Path("started").touch()
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_child_and_is_told(project: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", HEARD + PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    until(project / "started")
    parent.send_signal(number)
    said, _ = parent.communicate(timeout=30)
    assert said.split()[1] == "True" and said.split()[0] != "0"


def test_under_nohup_a_lost_terminal_ends_nothing(project: Path) -> None:
    command = [sys.executable, "-c", PARENT, CHILD.replace("60", "2")]
    ignored = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    parent = subprocess.Popen([sys.executable, "-c", ignored, *command], stdout=subprocess.PIPE, text=True)
    until(project / "started")
    parent.send_signal(signal.SIGHUP)
    said, _ = parent.communicate(timeout=30)
    assert said.split() == ["0", "False"]


def until(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, "it did not start"
        time.sleep(0.05)


def test_a_script_runs_without_the_folders_around_it(project: Path) -> None:
    (project / "json.py").write_text("raise SystemExit('of the current directory')")
    script = project / "sub" / "script.py"
    script.parent.mkdir()
    (script.parent / "inspect.py").write_text("raise SystemExit('beside the script')")
    script.write_text("import inspect, json, sys\nprint(json.dumps(sys.stdin.read()))")
    done = subprocess.run(process.script(Path(sys.executable), script), input="asked", capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('"asked"\n', "")


def test_a_training_is_read_while_nobody_looks() -> None:
    talks = "import sys\nsys.stderr.buffer.write(b'\\xff 1%\\r' * 200_000)\nprint('end', file=sys.stderr)\nsys.exit(3)"
    command = [sys.executable, "-c", talks]
    trainer = board.Trainer(command, stderr=subprocess.PIPE, text=True)
    assert trainer.wait(timeout=30) == 3  # with upstream's own, it waits for a reader
    said = trainer.communicate(timeout=30)[1]
    assert said.endswith("end\n") and len(said) < 20_000
    waits = board.Trainer([sys.executable, "-c", "import time; time.sleep(60)"], stderr=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        waits.communicate(timeout=0.2)
    waits.kill()
    waits.communicate(timeout=30)


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
    program = f"{HEARD}signal.signal(signal.SIGINT, signal.SIG_IGN)\n{_PROGRAM}"
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
