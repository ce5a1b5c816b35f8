"""GPUs and memory, looked up without torch."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from llf_kit.schema import Finding

NAME = "devices"
MEMINFO = Path("/proc/meminfo")
DRM = Path("/sys/class/drm")
_GIB = 2**30
_LITTLE_MEMORY = 8 * _GIB  # a model of 1.5B parameters in bf16, loaded, and the packages beside it


def has_nvidia() -> bool:
    """Whether NVIDIA's driver is here."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def run() -> Iterator[Finding]:
    """Findings about what there is to compute with."""
    cards = [*_nvidia(), *_amd(), *_ascend()]
    for message in cards:
        yield Finding(NAME, "info", message, "", "GPU")
    if not cards:
        message = "there is no GPU: small models train on the processor, slowly"
        yield Finding(NAME, "info", message, "Use precision=fp32, or a machine with a GPU.", "GPU")
    yield from _memory()


def _nvidia() -> Iterator[str]:
    if smi := shutil.which("nvidia-smi"):
        query = "--query-gpu=name,memory.total,memory.free,driver_version"
        try:
            said = subprocess.run(
                [smi, query, "--format=csv,noheader,nounits"], capture_output=True, text=True, check=True, timeout=2
            ).stdout
        except (OSError, subprocess.SubprocessError):
            yield "nvidia-smi is there and does not answer"
            return
        for line in said.splitlines():
            name, total, free, driver = (part.strip() for part in line.split(","))
            yield f"{name}: {_mib(total)} of memory, {_mib(free)} free, driver {driver}"


def _mib(number: str) -> str:
    return f"{int(number) / 1024:.1f} GiB" if number.isdigit() else "unknown"


def _amd() -> Iterator[str]:
    for path in sorted(DRM.glob("card*/device/mem_info_vram_total")):
        yield f"AMD GPU: {int(path.read_text()) / _GIB:.1f} GiB of memory"


def _ascend() -> Iterator[str]:
    if Path("/dev/davinci_manager").exists():
        yield "Ascend NPU"


def _memory() -> Iterator[Finding]:
    try:
        found = dict(re.findall(r"^(\w+):\s+(\d+) kB", MEMINFO.read_text(), re.MULTILINE))
        total, free = (int(found[key]) * 1024 for key in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError):
        return
    message = f"{total / _GIB:.1f} GiB of memory, {free / _GIB:.1f} GiB free"
    if free < _LITTLE_MEMORY:
        yield Finding(NAME, "warning", f"{message}, which is little for a model", "End other programs.", "memory")
    else:
        yield Finding(NAME, "info", message, "", "memory")
