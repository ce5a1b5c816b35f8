"""How each table was read, in words, and the output format that follows from it."""

from __future__ import annotations

from llf_kit import mapping
from llf_kit.schema import RawTable


def format_of(mappings: list[mapping.Mapping]) -> str:
    """The format that holds what all the tables say, where they agree."""
    formats_ = {one.format for one in mappings if one.shape is not mapping.UNKNOWN}
    return formats_.pop() if len(formats_) == 1 else "alpaca"


def read_as(mappings: list[mapping.Mapping]) -> list[str]:
    """A line a decision, with the tables it was made for; a folder of a hundred alike is one line."""
    alike: dict[str, list[str]] = {}
    for one in mappings:
        encoding = f"; {one.table.encoding}" if one.table.encoding else ""
        alike.setdefault(one.describe() + encoding, []).append(one.table.source)
    return [f"{_some(sources)}: {decision}" for decision, sources in alike.items()]


def left_out(tables: list[RawTable]) -> list[str]:
    """A line a reason why nothing was read of some of the tables."""
    alike: dict[str, list[str]] = {}
    for table in tables:
        if not table.columns:
            alike.setdefault(table.why, []).append(table.source)
    return [f"{_some(sources)}: {why}; nothing read" for why, sources in alike.items()]


def _some(sources: list[str]) -> str:
    shown = 3
    more = f" and {len(sources) - shown} more" if len(sources) > shown else ""
    return ", ".join(sources[:shown]) + more
