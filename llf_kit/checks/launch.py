"""How it is launched: several processes, and a path that a launcher splits."""

from __future__ import annotations

import os
from collections.abc import Iterator

from llf_kit.checks.subject import Severity, Subject
from llf_kit.schema import Finding


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the environment that upstream's launcher reads."""
    forced = os.environ.get("FORCE_TORCHRUN", "").lower() in ("1", "true", "y")
    if " " in str(subject.config.path):
        message = "the path has a space, at which torchrun cuts it in two"
        hint = "Move the file to a path without spaces."
        yield subject.finding("launch", "error" if forced else "warning", None, message, hint)
    if subject.trains and subject.has("deepspeed") and not forced:
        message = "deepspeed needs torchrun, which upstream starts by itself for several GPUs alone"
        severity: Severity = "info" if subject.elsewhere else "error"
        yield subject.finding("launch", severity, "deepspeed", message, "Set FORCE_TORCHRUN=1 for a single one.")
    started = processes()
    if subject.trains and started > 1:
        batch = [subject.get(key) for key in ("per_device_train_batch_size", "gradient_accumulation_steps")]
        device, steps = (value if isinstance(value, int) else 1 for value in batch)
        product = f"{device} × {steps} × {started} = {device * steps * started}"
        message = f"{started} processes make an effective batch of {product}"
        hint = "Divide gradient_accumulation_steps if the batch of one process is meant."
        yield subject.finding("launch", "info", "gradient_accumulation_steps", message, hint)


def processes() -> int:
    """How many processes upstream will start, as far as the environment says."""
    visible = len([device for device in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if device.strip()])
    each = os.environ.get("NPROC_PER_NODE", "") or str(max(1, visible))
    nodes = os.environ.get("NNODES", "") or "1"
    return int(each) * int(nodes) if each.isdecimal() and nodes.isdecimal() else 1
