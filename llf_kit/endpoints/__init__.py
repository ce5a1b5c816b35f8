"""Models behind OpenAI-compatible endpoints: asked side by side, again where it may help, never twice for one thing.

::

    kept = Kept(private_directory(project) / "judged.jsonl", "parts", check)
    stopped = ask_all(endpoint, {key: Question([{"role": "user", "content": "…"}])}, parse, kept)
    kept.known[key]          # what parse made of the answer; missing where there was none
"""

from __future__ import annotations

from llf_kit.endpoints import replies
from llf_kit.endpoints.asking import ask_all
from llf_kit.endpoints.endpoint import Endpoint, Question, Reply, UnusableError
from llf_kit.endpoints.kept import Kept, content_key, kept_texts

__all__ = ["Endpoint", "Kept", "Question", "Reply", "UnusableError", "ask_all", "content_key", "kept_texts", "replies"]
