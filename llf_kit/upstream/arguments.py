"""The argument schema: every key that a LLaMA-Factory YAML may hold, for one pair of llamafactory and transformers.

The pair decides: LLaMA-Factory 0.9.5 takes 365 keys with transformers 4.57.1 and 346 with 5.6.0. So the schema is that
of the installed pair, read from its sources without importing it, and kept in the user's cache. Where none is
installed, and to tell which version a key belongs to, there are snapshots of released pairs.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from llf_kit.errors import UsageError, did_you_mean
from llf_kit.project import cache_directory, write_text
from llf_kit.upstream import fields, sources
from llf_kit.upstream.fields import UNKNOWN, Argument

__all__ = ["UNKNOWN", "Argument", "Schema", "installed", "read", "schema", "snapshot", "snapshots"]

SNAPSHOTS = Path(__file__).parent / "snapshots"

# What a schema is read from, for the cache to notice an edited checkout.
_READ = (
    "llamafactory/hparams/*.py",
    "llamafactory/data/*.py",
    "llamafactory/extras/*.py",
    "transformers/training_args*.py",
    "transformers/trainer_utils.py",
)


@dataclass(frozen=True)
class Schema:
    """The arguments of one pair by their names, and the chat templates that it registers."""

    llamafactory: str
    transformers: str
    arguments: dict[str, Argument]
    templates: tuple[str, ...]
    source: Literal["installed", "snapshot"]

    @property
    def label(self) -> str:
        """The pair in words."""
        return f"LLaMA-Factory {self.llamafactory} with transformers {self.transformers}"

    def text(self) -> str:
        """As JSON with one argument a line, so that two versions can be compared by eye."""
        entries = ",\n".join(f"{_json(name)}: {_json(_entry(one))}" for name, one in self.arguments.items())
        templates = ",\n".join(map(_json, self.templates))
        versions = f'"llamafactory": {_json(self.llamafactory)},\n"transformers": {_json(self.transformers)}'
        return f'{{\n{versions},\n"arguments": {{\n{entries}\n}},\n"templates": [\n{templates}\n]\n}}\n'


def schema() -> Schema:
    """The schema of the installed pair, else the newest snapshot; ``source`` says which."""
    return installed() or list(snapshots().values())[-1]


def installed() -> Schema | None:
    """The schema of the pair in this environment.

    None where a package is missing, or its sources are laid out in another way than llf-kit knows.
    """
    folders = [_folder("llamafactory"), _folder("transformers")]
    if not all(folders):
        return None
    llamafactory, transformers = (folder for folder in folders if folder)
    try:
        kept = cache_directory() / "schema" / f"{_fingerprint(llamafactory, transformers)}.json"
        with suppress(OSError, ValueError, LookupError, TypeError):  # none yet, or not what this version writes
            return _parse(kept.read_text(encoding="utf-8"), "installed")
        made = read(llamafactory, transformers)
    except (OSError, LookupError):
        return None
    with suppress(OSError):  # a home that cannot be written: read again the next time
        write_text(kept, made.text())
    return made


def read(llamafactory: Path, transformers: Path) -> Schema:
    """The schema of two package folders, freshly read.

    Raises:
        LookupError: the sources are laid out in another way than llf-kit knows.
        OSError: they cannot be read.
    """
    arguments, templates = fields.read(llamafactory, transformers)
    return Schema(*_versions(llamafactory, transformers), arguments, templates, "installed")


def snapshot(version: str) -> Schema:
    """The shipped schema of LLaMA-Factory ``version``, with the newest transformers that it admits.

    Raises:
        UsageError: there is none.
    """
    known = [path.stem for path in SNAPSHOTS.glob("*.json")]
    if version not in known:
        raise UsageError(f"{version!r}: there is no snapshot of that LLaMA-Factory. {did_you_mean(version, known)}")
    return _parse((SNAPSHOTS / f"{version}.json").read_text(encoding="utf-8"), "snapshot")


def snapshots() -> dict[str, Schema]:
    """Every shipped schema by its LLaMA-Factory version, the newest last."""
    versions = sorted((path.stem for path in SNAPSHOTS.glob("*.json")), key=lambda v: [int(n) for n in v.split(".")])
    return {version: snapshot(version) for version in versions}


def _folder(package: str) -> Path | None:
    """Where a package lies; importing nothing, for it would take seconds."""
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _versions(llamafactory: Path, transformers: Path) -> tuple[str, str]:
    return (
        fields.version(llamafactory / "extras" / "env.py", "VERSION"),
        fields.version(transformers / "__init__.py", "__version__"),
    )


def _fingerprint(llamafactory: Path, transformers: Path) -> str:
    """The two versions, and a hash that changes with the sources and with our way of reading them."""
    folders = {"llamafactory": llamafactory, "transformers": transformers}
    files = [
        path for pattern in _READ for path in sorted(folders[pattern.split("/")[0]].glob(pattern.split("/", 1)[1]))
    ]
    files += [Path(__file__), Path(fields.__file__), Path(sources.__file__)]
    seen = "".join(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n" for path in files)
    return "-".join((*_versions(llamafactory, transformers), hashlib.sha256(seen.encode()).hexdigest()[:12]))


def _entry(argument: Argument) -> dict[str, Any]:
    entry: dict[str, Any] = {"group": argument.group, "types": sorted(argument.types)}
    if argument.choices:
        entry["soft_choices" if argument.soft_choices else "choices"] = argument.choices
    if argument.comma_list:
        entry["comma_list"] = True
    if argument.default is not UNKNOWN:
        entry["default"] = argument.default
    return {**entry, "help": argument.help}


def _parse(text: str, source: Literal["installed", "snapshot"]) -> Schema:
    data = json.loads(text)
    arguments = {
        name: Argument(
            name=name,
            group=entry["group"],
            types=frozenset(entry["types"]),
            choices=tuple(entry.get("choices") or entry.get("soft_choices") or ()),
            soft_choices="soft_choices" in entry,
            comma_list=entry.get("comma_list", False),
            default=entry.get("default", UNKNOWN),
            help=entry["help"],
        )
        for name, entry in data["arguments"].items()
    }
    return Schema(data["llamafactory"], data["transformers"], arguments, tuple(data["templates"]), source)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
