"""An output folder that would be resumed or overwritten without a word, or cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from llf_kit.checks.subject import Subject
from llf_kit.schema import Finding

# extras/constants.py of LLaMA-Factory 0.9.5: CHECKPOINT_NAMES
_WEIGHTS = (
    *("adapter_model.safetensors", "adapter_model.bin", "model.safetensors", "pytorch_model.bin"),
    *("model.safetensors.index.json", "pytorch_model.bin.index.json"),
)


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about output_dir and export_dir."""
    key = {"train": "output_dir", "export": "export_dir"}.get(subject.verb)
    if key is None:
        return
    if not subject.has(key):
        message = f"{key} is missing" + (", and would be trainer_output" if key == "output_dir" else "")
        yield subject.finding("output", "error", key, message, f"Add {key}.")
        return
    folder = Path(str(subject.get(key))).expanduser()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        yield subject.finding("output", "error", key, f"{folder} cannot be written", f"Give another {key}.")
    elif subject.trains and not subject.has("resume_from_checkpoint") and folder.is_dir():
        if any(folder.glob("checkpoint-*")) and subject.get("overwrite_output_dir") is not True:
            message = f"{folder} holds checkpoints, from which upstream would go on without being asked"
            hint = "Give another output_dir, or continue with llf-kit train --resume."
            yield subject.finding("output", "error", key, message, hint)
        elif any((folder / name).exists() for name in _WEIGHTS):
            yield subject.finding(
                "output", "error", key, f"{folder} holds a finished model", "Give another output_dir."
            )
    elif subject.verb == "export" and any((folder / name).exists() for name in _WEIGHTS):
        yield subject.finding(
            "output", "warning", key, f"{folder} holds a model, which is overwritten", "Move it away."
        )
    if subject.verb == "export" and subject.has("model_name_or_path"):
        model = Path(str(subject.get("model_name_or_path"))).expanduser()
        if model.exists() and folder.exists() and model.samefile(folder):
            message = "export_dir is the folder of the base model itself"
            yield subject.finding("output", "error", key, message, "Give another export_dir.")
