"""Precision and quantisation against the device of this machine, which is looked for without torch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from llf_kit.checks.subject import Subject
from llf_kit.schema import Finding


def has_cuda() -> bool:
    """Whether NVIDIA's driver is here and not hidden from the process."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about what this machine cannot do; a file may be meant for another one, which is said."""
    if subject.schema.source != "installed" or has_cuda() or Path("/dev/davinci_manager").exists():
        return
    elsewhere = "On the GPU machine it is right."
    values = subject.config.values
    if subject.verb == "train" and values.get("bf16") is True and values.get("use_cpu") is not True:
        message = "bf16 needs a GPU, and this machine shows none"
        yield subject.finding("device", "error", "bf16", message, f"{elsewhere} Here: use_cpu: true, or no bf16.")
    if subject.verb == "train" and values.get("fp16") is True:
        message = "fp16 needs a GPU, and this machine shows none"
        yield subject.finding("device", "error", "fp16", message, f"{elsewhere} Here: remove fp16.")
    for key in ("pure_bf16", "tf32"):
        if values.get(key) is True:
            message = f"{key} needs a GPU, and this machine shows none"
            yield subject.finding("device", "error", key, message, f"{elsewhere} Here: remove {key}.")
    if subject.has("quantization_bit"):
        message = "quantization_bit needs a GPU, and this machine shows none"
        yield subject.finding("device", "error", "quantization_bit", message, f"{elsewhere} Here: remove it.")
