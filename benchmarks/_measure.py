"""One whole process, measured by the operating system: wall seconds and peak memory; and the spread of several."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    seconds: float
    peak_mb: float


def measure(command: Sequence[str], directory: Path, **environment: str) -> Measured:
    """Run ``command`` to a good end; peak memory is that of the process itself."""
    quiet = subprocess.DEVNULL
    begun = time.monotonic()
    child = subprocess.Popen(command, cwd=directory, stdout=quiet, stderr=quiet, env={**os.environ, **environment})
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {child.returncode}")
    return Measured(seconds, usage.ru_maxrss / 1024)


def spread(values: Sequence[float], digits: int = 1) -> str:
    """``median (min–max)``."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def machine() -> str:
    """What this was measured on."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
