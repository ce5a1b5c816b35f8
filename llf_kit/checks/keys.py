"""Keys: unknown ones, those of other versions, and those written twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from llf_kit.checks.subject import Subject
from llf_kit.errors import did_you_mean
from llf_kit.schema import Finding
from llf_kit.upstream.arguments import snapshots
from llf_kit.upstream.renamed import renamed

# hparams/evaluation_args.py, which train never took
_EVAL = ("task", "task_dir", "batch_size", "lang", "n_shot", "save_dir", "download_mode")


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the keys of the YAML and its overrides."""
    known = subject.schema.arguments
    for key in subject.config.values:
        if key not in known:
            message, hint = _unknown(subject, key)
            name, value = _renamed(subject, key)
            yield subject.finding("keys", "error", key, message, hint, name=name, value=value)
    if subject.verb != "train" and (training := subject.of_training):
        message = f"{', '.join(training)}: for training alone, and refused in chat, api and export"
        hint = "Take a YAML made for it: llf-kit templates list."
        yield subject.finding("keys", "error", training[0], message, hint)
    if "use_cache" in subject.config.values and "use_kv_cache" in known:
        message = "use_cache is a key of transformers' training now, and no longer sets the cache of inference"
        yield subject.finding("keys", "warning", "use_cache", message, "Write use_kv_cache if that is meant.")
    for key, times in Counter(key for key, _ in subject.config.keys).items():
        if times > 1:
            lines = ", ".join(str(line) for name, line in subject.config.keys if name == key)
            yield subject.finding("keys", "error", key, f"{key} stands {times} times (lines {lines})", "Keep one.")
    if os.environ.get("ALLOW_EXTRA_ARGS", "").lower() in ("1", "true", "y"):
        message = "ALLOW_EXTRA_ARGS is set, so that LLaMA-Factory ignores mistyped keys"
        yield subject.finding("keys", "warning", None, message, "Unset it.")


def _renamed(subject: Subject, key: str) -> tuple[str | None, str | None]:
    """The new name of a key whose value stays the same, and how that is written where it was read otherwise."""
    old = renamed().get(key)
    known, values = subject.schema.arguments, subject.config.values
    if old is None or old.new is None or not old.same or old.new not in known or old.new in values:
        return None, None
    no = values[key] is False and "no" in known[old.new].choices
    return old.new, '"no"' if no else None


def _unknown(subject: Subject, key: str) -> tuple[str, str]:
    """What to say of a key that the schema lacks, and what to do."""
    known = subject.schema.arguments
    if old := renamed().get(key):
        new = f"Write {old.new}. " if old.new in known and not old.note.startswith("Write ") else ""
        return f"{key} is gone since {old.package} {old.since}", f"{new}{old.note}"
    if key in ("use_ray", "use_mca"):
        return f"{key} is no key but a variable of the environment", f"Remove it and set {key.upper()}=1."
    if key in _EVAL:
        return f"{key} is a key of llamafactory-cli eval, which is gone since 0.9.4", "Remove it."
    elsewhere = [version for version, one in snapshots().items() if key in one.arguments]
    if elsewhere:
        return f"{subject.schema.label} has no key {key}; LLaMA-Factory {', '.join(elsewhere)} has", "Remove it."
    near = did_you_mean(key, known)
    return f"{subject.schema.label} has no key {key}", near if near.startswith("Did") else "Remove it."
