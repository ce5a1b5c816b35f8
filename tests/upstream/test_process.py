"""Signals reach the child, and what it says never stops it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llf_kit.upstream import board, process

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
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
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
