"""Identifiers of persons go before anything is written; laboratory values are left alone.

A cheap expression, the union of every finder's sign, picks the rows that may hold one; only those go through Python's
``re``, because polars' linear-time engine has no look-around, and ``\\b`` does not work beside Chinese. No pattern of
ours repeats anything without a bound that can also end in another way, so that no text can make it hang.
"""

from __future__ import annotations

from llf_kit.cleaning.identifiers.finding import SIGN, find, replaced
from llf_kit.cleaning.identifiers.pseudonyms import Pseudonyms
from llf_kit.cleaning.identifiers.replacing import MODES, Mode, Policy, policy, rewrite
from llf_kit.cleaning.identifiers.report import Found

__all__ = ["MODES", "SIGN", "Found", "Mode", "Policy", "Pseudonyms", "find", "mask", "policy", "rewrite"]


def mask(text: str) -> str:
    """``text`` with a placeholder for every identifier."""
    return replaced(text, find(text), lambda hit, chinese: hit.kind.placeholder(chinese))
