"""Stage 9: the only door to llamafactory. Nothing outside this package names it or its command."""

from __future__ import annotations

from llf_kit.upstream.inference import chat, serve
from llf_kit.upstream.runs import Progress, Record, finished, run

__all__ = ["Progress", "Record", "chat", "finished", "run", "serve"]
