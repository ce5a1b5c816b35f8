"""How a dataset was converted here, as its conversion noted it: what was masked, rewritten and left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llf_kit import outputs
from llf_kit.errors import UsageError
from llf_kit.project import json_object


def check_masked(directory: Path, name: str, *, to: str = "a judge", option: str = "--judge-unmasked") -> None:
    """Refuse to send a dataset elsewhere whose identifiers were not masked; ``option`` allows it by name.

    Raises:
        UsageError: its conversion left them as they are, or nobody knows how it was converted.
    """
    record = made_by(directory, name)
    if record is None or record.get("identifiers", "off") == "off":
        why = (
            "nobody knows whether its identifiers were masked" if record is None else "its identifiers were not masked"
        )
        raise UsageError(
            f"{name}: {why}, and {to} would be sent its texts. Convert it again with masking, or allow it by name: "
            f"{option} {name}."
        )


def summary(directory: Path, name: str) -> dict[str, Any] | None:
    """What the conversion of ``name`` has left: its summary; None where llf-kit did not convert it here."""
    return json_object(directory / ".llf-kit" / "converted" / f"{name}.json") or None


def made_by(directory: Path, name: str) -> dict[str, Any] | None:
    """The summary of the conversion that wrote ``name``: its own, or that of the dataset it was split off from."""
    splits = (directory / ".llf-kit" / "splits").glob("*.json")
    whole = (path.stem for path in sorted(splits) if name in outputs.split_off(directory, path.stem))
    return next((found for one in (name, *whole) if (found := summary(directory, one))), None)
