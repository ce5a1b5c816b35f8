"""Stage 9: the only door to llamafactory. Nothing outside this package names it or its command."""

from __future__ import annotations

from llf_kit.upstream.runs import Progress, Record, finished, run
from llf_kit.upstream.serving import chat, serve

__all__ = ["Progress", "Record", "chat", "finished", "run", "serve"]
