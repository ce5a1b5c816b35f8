"""Precision and quantisation against the device of this machine.

A YAML that is checked where there is no GPU is usually meant for a machine that has one, which is an info; one that is
about to be started here is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from llf_kit.checks import subject as subjects
from llf_kit.checks.subject import Subject
from llf_kit.schema import Finding


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about what this machine cannot do."""
    if subject.schema.source != "installed" or subjects.has_gpu():
        return
    values = subject.config.values
    needing = [key for key in ("fp16", "pure_bf16", "tf32") if values.get(key) is True and subject.verb == "train"]
    if subject.verb == "train" and values.get("bf16") is True and values.get("use_cpu") is not True:
        needing.append("bf16")
    if subject.has("quantization_bit"):
        needing.append("quantization_bit")
    for key in needing:
        mend = "add use_cpu: true, or remove bf16" if key == "bf16" else f"remove {key}"
        message = f"{key} needs a GPU, and this machine shows none"
        hint = f"It is right for a machine with one; here, {mend}."
        yield subject.finding("device", "info" if subject.elsewhere else "error", key, message, hint)
