"""What a dataset becomes: each row as the tokens that LLaMA-Factory itself makes of it, and which are trained on."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llf_kit.errors import ConfigError, RunError, UsageError, did_you_mean
from llf_kit.project import DATASET_INFO
from llf_kit.upstream import configs, dataset_entries, failures, scripts

__all__ = ["Request", "Row", "Seen", "View", "inspect", "request"]

_SCRIPT = "inspect_child.py"
_STAGES = {"dpo": "rm"}  # train/tuner.py: both read pairs


@dataclass(frozen=True)
class Request:
    """A dataset by its name, and the keys of a YAML by which it is looked at; ``where`` is told with every error."""

    name: str
    values: dict[str, Any]
    stage: str
    where: str


@dataclass(frozen=True)
class View:
    """A text in pieces, each with whether its tokens are trained on; a pair has two, ``chosen`` and ``rejected``."""

    name: str
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Row:
    """A row of the dataset, from 1. One that is not ``kept`` is dropped, and has no views; ``cut`` lost tokens."""

    number: int
    kept: bool
    cut: bool = False
    tokens: int = 0
    trained: int = 0
    views: tuple[View, ...] = ()


@dataclass
class Seen:
    """Every row, counted; ``rows`` are the first ones with their texts, ``lengths`` those of all rows that are kept."""

    name: str
    stage: str
    cutoff_len: int = 0
    read: int = 0
    truncated: int = 0
    trained: int = 0
    rows: list[Row] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """How many rows are trained on."""
        return len(self.lengths)

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "dataset": self.name,
            "stage": self.stage,
            "cutoff_len": self.cutoff_len,
            "read": self.read,
            "kept": self.kept,
            "dropped": self.read - self.kept,
            "truncated": self.truncated,
            "tokens": self.statistics(),
            "rows": [_row(row) for row in self.rows],
        }

    def statistics(self) -> dict[str, int]:
        """Lengths in tokens of the rows that are kept; ``total`` and ``trained`` are sums."""
        if not self.lengths:
            return {}
        ordered = sorted(self.lengths)
        return {
            "min": ordered[0],
            "median": round(statistics.median(ordered)),
            "mean": round(statistics.fmean(ordered)),
            "p95": ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))],
            "max": ordered[-1],
            "total": sum(ordered),
            "trained": self.trained,
        }


def _row(row: Row) -> dict[str, Any]:
    views = [
        {"name": view.name, "pieces": [{"text": text, "trained": trained} for text, trained in view.pieces]}
        for view in row.views
    ]
    return {"row": row.number, "kept": row.kept, "truncated": row.cut, "tokens": row.tokens, "views": views}


def request(
    name: str,
    *,
    config: Path | None = None,
    dataset_dir: str | None = None,
    template: str | None = None,
    model: str | None = None,
) -> Request:
    """How to look at ``name``: by ``config``, else by the only YAML here that names it; options come before both.

    Raises:
        ConfigError: a YAML or dataset_info.json is not usable, or has no such dataset.
        UsageError: several YAMLs here name the dataset, or no model is known.
    """
    options = {"dataset_dir": dataset_dir, "template": template, "model_name_or_path": model}
    given = {key: value for key, value in options.items() if value is not None}
    if config is None and not (template and model):
        config = _only_config(name)
    values = {**(configs.load(config).values if config else {"dataset_dir": "."}), **given}
    entry = _entry(name, Path(str(values.get("dataset_dir", "data"))))
    if not values.get("model_name_or_path"):
        raise UsageError(f"{name}: which tokenizer? Give --model, or --config with a YAML that names one.")
    stage = str(values.get("stage") or usual_stage(entry))
    return Request(name, values, _STAGES.get(stage, stage), str(config or name))


def _only_config(name: str) -> Path | None:
    """The YAML in the current directory that names the dataset.

    Raises:
        UsageError: there are several.
    """
    found = []
    for path in sorted([*Path().glob("*.yaml"), *Path().glob("*.yml")]):
        try:
            values = configs.load(path).values
        except ConfigError:
            continue
        named = ",".join(str(values.get(key) or "") for key in ("dataset", "eval_dataset"))
        if name in [one.strip() for one in named.split(",")]:
            found.append(path)
    if len(found) > 1:
        raise UsageError(f"{name}: several YAMLs name it ({', '.join(map(str, found))}). Give one with --config.")
    return found[0] if found else None


def _entry(name: str, directory: Path) -> dict[str, Any]:
    known = dataset_entries.entries(directory)
    if not isinstance(known.get(name), dict):
        raise ConfigError(f"{directory / DATASET_INFO}: has no entry {name!r}. {did_you_mean(name, known)}")
    return dict(known[name])


def usual_stage(entry: dict[str, Any]) -> str:
    """The stage that the columns of an entry are made for: ``sft``, ``rm`` (pairs), ``kto`` or ``pt``."""
    columns = entry.get("columns")
    named = set(columns) if isinstance(columns, dict) else {"prompt", "response"}
    if entry.get("ranking") is True:
        return "rm"
    return "kto" if "kto_tag" in named else "pt" if named == {"prompt"} else "sft"


def inspect(asked: Request, rows: int = 3) -> Seen:
    """Take every row through upstream, and keep the texts of the first ``rows``.

    It runs in the interpreter behind llamafactory-cli, offline where the model is a folder; what it writes on the way
    lies in a private folder and vanishes.

    Raises:
        NotInstalledError: llamafactory-cli is missing.
        RunError: upstream failed; with the reason and what to do.
    """
    seen = Seen(asked.name, asked.stage)
    request = {"name": asked.name, "values": asked.values, "stage": asked.stage, "rows": rows}
    with TemporaryDirectory(prefix="llf-kit-") as work:
        for answer in scripts.answers(_SCRIPT, request, Path(work), asked.where):
            if "error" in answer:
                raise RunError(_told(asked, answer))
            _note(seen, answer, rows)
    return seen


def _note(seen: Seen, answer: dict[str, Any], rows: int) -> None:
    if "cutoff_len" in answer:
        seen.cutoff_len, seen.read = answer["cutoff_len"], answer["rows"]
        return
    number, kept = answer["row"] + 1, answer["kept"]
    if kept:
        seen.lengths.append(answer["tokens"])
        seen.truncated += answer["cut"]
        seen.trained += answer["trained"]
    if number <= rows:
        views = tuple(
            View(view["name"], tuple((text, trained) for text, trained in view["pieces"]))
            for view in answer.get("views", ())
        )
        seen.rows.append(
            Row(number, kept, answer.get("cut", False), answer.get("tokens", 0), answer.get("trained", 0), views)
        )


# Exceptions whose words are about keys, files and types; those of others may quote a row.
_SAFE = ("KeyError", "FileNotFoundError", "OSError", "ArrowInvalid", "HFValidationError", "CastError", "ImportError")


def _told(asked: Request, answer: dict[str, Any]) -> str:
    text = answer["text"].split("\n")[0]
    known = failures.advice(f"{text} {answer['outer']}")
    if known or answer["error"] in _SAFE or "cast array of type" in text:
        said = f"{answer['error']}: {text[:200].rstrip('.')}"
    else:
        said = f"upstream ends with {answer['error']}"
    return f"{asked.where}: {said}. {known or 'llf-kit check says which rows or keys are at fault.'}"
