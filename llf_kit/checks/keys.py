"""Keys: unknown ones, those of other versions, and those written twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from llf_kit.checks.subject import Subject
from llf_kit.errors import did_you_mean
from llf_kit.schema import Finding
from llf_kit.upstream.arguments import renamed

NAME = "keys"


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the keys of the YAML and its overrides."""
    known = subject.schema.arguments
    old = renamed()
    for key in subject.config.values:
        if key in known:
            continue
        if key in old:
            change = old[key]
            hint = f"Write {change.new}." if change.new else "Remove it."
            yield subject.finding(NAME, "error", key, f"{key} {change.note}", hint)
        else:
            version = f"LLaMA-Factory {subject.schema.llamafactory} knows no key {key}"
            yield subject.finding(NAME, "error", key, version, did_you_mean(key, known))
    for key, times in Counter(key for key, _ in subject.config.keys).items():
        if times > 1:
            lines = ", ".join(str(line) for name, line in subject.config.keys if name == key)
            yield subject.finding(NAME, "error", key, f"{key} stands {times} times (lines {lines})", "Keep one.")
    if os.environ.get("ALLOW_EXTRA_ARGS", "").lower() in ("1", "true", "y"):
        yield subject.finding(
            NAME, "warning", None, "ALLOW_EXTRA_ARGS is set, so that mistyped keys are ignored", "Unset it."
        )
