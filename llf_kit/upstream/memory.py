"""What a process has taken at the most, and what a model takes on disk."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections import Counter
from pathlib import Path

__all__ = ["gpu", "peak", "weighs"]

_WEIGHTS = (".safetensors", ".bin", ".gguf")
_NOT_WEIGHTS = ("training_args.bin",)


def peak(pid: int) -> int | None:
    """The most main memory, in bytes, that the process has had at once; None where the system does not tell (Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = [line.split() for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0][1]) * 1024 if found else None


def gpu(*processes: int) -> int | None:
    """The memory of GPUs, in bytes, that the largest of the processes has now, by nvidia-smi; None without a GPU.

    PyTorch keeps what it has once taken, so that after the work this is its peak.
    """
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return None
    query = [smi, "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout
        used: Counter[int] = Counter()
        for row in csv.reader(said.splitlines()):
            if len(row) == 2 and int(row[0]) in processes:
                used[int(row[0])] += int(row[1])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return max(used.values()) * 1024 * 1024 if used else None


def weighs(folder: Path) -> int | None:
    """The bytes of the weights in the folder of a model or an adapter; None where there are none."""
    if not folder.is_dir():
        return None
    files = [one for one in folder.iterdir() if one.suffix in _WEIGHTS and one.name not in _NOT_WEIGHTS]
    return sum(one.stat().st_size for one in files) if files else None
