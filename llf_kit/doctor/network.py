"""Hubs that models come from, and ports that LLaMA Board and the API listen on."""

from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from threading import Thread

from llf_kit.schema import Finding

NAME = "network"
HUBS = ("https://huggingface.co", "https://modelscope.cn")
PORTS = {7860: "LLaMA Board", 8000: "the API"}
_SECONDS = 2


def run() -> Iterator[Finding]:
    """Findings about the network; without one everything works on what is here, which is an info."""
    mirror = os.environ.get("HF_ENDPOINT")
    hubs = (*((mirror,) if mirror else ()), *HUBS)
    for hub, reached in _reached(hubs).items():
        message = "can be reached" if reached else "cannot be reached from here"
        hint = "" if reached else "Models must be on this machine, or come from another hub or HF_ENDPOINT."
        yield Finding(NAME, "info", message, hint, hub)
    for port, what in PORTS.items():
        if in_use(port):
            message = f"something listens there already, where {what} would"
            yield Finding(NAME, "warning", message, "End it, or choose another --port.", f"127.0.0.1:{port}")


def _reached(hubs: tuple[str, ...]) -> dict[str, bool]:
    """Which hubs answer; all are asked at once, and a name server that keeps silent is not waited for."""
    found = dict.fromkeys(hubs, False)

    def ask(hub: str) -> None:
        found[hub] = reaches(hub)

    threads = [Thread(target=ask, args=(hub,), daemon=True) for hub in hubs]
    for thread in threads:
        thread.start()
    end = time.monotonic() + _SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(found)


def reaches(hub: str) -> bool:
    """Whether ``hub`` answers at all within two seconds; what it answers does not matter."""
    if not hub.startswith(("https://", "http://")):
        return False
    try:
        request = urllib.request.Request(hub, method="HEAD")  # noqa: S310 - the scheme is looked at above
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def in_use(port: int) -> bool:
    """Whether something listens on ``port`` of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
