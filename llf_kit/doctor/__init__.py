"""Whether this machine can do what LLaMA-Factory is going to be asked: packages, devices, places, the network.

Like a check, each part is a function to findings, listed below; it changes nothing, and imports neither torch nor
LLaMA-Factory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from llf_kit.doctor import devices, network, packages, places
from llf_kit.schema import Finding

__all__ = ["PARTS", "examine"]

PARTS: dict[str, Callable[[], Iterator[Finding]]] = {
    "packages": packages.run,
    "devices": devices.run,
    "places": places.run,
    "network": network.run,
}

_ORDER = ("error", "warning", "info")


def examine() -> list[Finding]:
    """Every finding, the worst first; the parts are asked at the same time, for most of it is waiting."""
    with ThreadPoolExecutor() as pool:
        found = [finding for part in pool.map(lambda part: list(part()), PARTS.values()) for finding in part]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))
