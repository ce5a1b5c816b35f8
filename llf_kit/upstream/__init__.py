"""Stage 9: the only door to llamafactory. Nothing outside this package names it or its command."""

from __future__ import annotations

from llf_kit.upstream.runs import Progress, Record, before, checkpoint, finished, run
from llf_kit.upstream.serving import chat, serve, served
from llf_kit.upstream.tuned import Tuned, find, verify

__all__ = [
    "Progress",
    "Record",
    "Tuned",
    "before",
    "chat",
    "checkpoint",
    "find",
    "finished",
    "run",
    "serve",
    "served",
    "verify",
]
