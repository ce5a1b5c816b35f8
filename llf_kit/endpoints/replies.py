"""What a model says: the whole of it, or a JSON object found in what it says around it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from llf_kit.endpoints.endpoint import Reply, UnusableError

T = TypeVar("T")


def text(reply: Reply) -> str:
    """The whole answer."""
    return reply.text.strip()


def found(reply: Reply, take: Callable[[dict[str, Any]], T]) -> T:
    """What ``take`` makes of the first JSON object of which it makes anything.

    ``take`` raises a ValueError, KeyError, TypeError or OverflowError where it makes nothing of one.

    Raises:
        UnusableError: there is none.
    """
    decoder = json.JSONDecoder()
    for begin in re.finditer(r"\{", reply.text):
        try:
            return take(decoder.raw_decode(reply.text, begin.start())[0])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            continue
    raise UnusableError("its answer is no judgement")


def numbers(reply: Reply, names: Iterable[str], low: float, high: float) -> dict[str, float]:
    """The numbers of ``names`` in the first JSON object that has them all, each from ``low`` to ``high``.

    Raises:
        UnusableError: there is none.
    """
    wanted = list(names)

    def take(one: dict[str, Any]) -> dict[str, float]:
        values = {name: float(one[name]) for name in wanted}
        if not all(math.isfinite(value) and low <= value <= high for value in values.values()):
            raise ValueError
        return values

    return found(reply, take)
