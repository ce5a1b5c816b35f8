"""A dataset that dataset_info.json names, read back: its files, its rows as LLaMA-Factory has them, its samples.

For what looks at a dataset after it was written, whoever wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit import dataset_info
from llf_kit.errors import DataError, UsageError, did_you_mean
from llf_kit.project import DATASET_INFO
from llf_kit.schema import ASSISTANT, SAMPLE, TEXT
from llf_kit.upstream.aligned import Aligned, Attributes, Refused, aligner, attributes, rows
from llf_kit.upstream.dataset_entries import Dataset

__all__ = ["Registered", "find", "rows", "samples"]

_CHUNK = 20_000  # rows that are Python objects at once


@dataclass(frozen=True)
class Registered:
    """A dataset in ``directory``: its name and its entry, whose files are there."""

    directory: Path
    name: str
    entry: dict[str, Any]

    @property
    def upstream(self) -> Dataset:
        """As the mirror of upstream knows it."""
        return Dataset(self.name, "dataset", self.entry, self.path)

    @property
    def attributes(self) -> Attributes:
        """What upstream makes of the entry."""
        return attributes(self.upstream)

    @property
    def path(self) -> Path:
        """The file, or the folder of parts."""
        return self.directory / str(self.entry["file_name"])

    @property
    def files(self) -> list[Path]:
        """What LLaMA-Factory loads, in its order."""
        return sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]

    @property
    def nested(self) -> str | None:
        """How a line looks that shows the type of an empty history: see :mod:`llf_kit.outputs`."""
        history = self.attributes.columns.get("history")
        return f'{json.dumps(history, ensure_ascii=False)}:[["' if history else None

    def source(self, file: Path) -> str:
        """How messages name a file of it: as seen from the project."""
        return file.relative_to(self.directory).as_posix() if file.is_relative_to(self.directory) else str(file)


def find(directory: Path, name: str) -> Registered:
    """The dataset ``name`` of ``directory``.

    Raises:
        UsageError: dataset_info.json does not name it.
        ConfigError: dataset_info.json is not JSON.
        DataError: its entry has no file here.
    """
    entries = dataset_info.load(directory)
    if name not in entries:
        hint = did_you_mean(name, entries) or "Convert one first: llf-kit convert."
        raise UsageError(f"{name}: {DATASET_INFO} here has no such dataset. {hint}")
    found = Registered(directory, name, entries[name])
    if "file_name" not in found.entry or not found.path.exists():
        raise DataError(f"{name}: its file is not here. Convert it again, or correct file_name in {DATASET_INFO}.")
    return found


def samples(dataset: Registered) -> pl.DataFrame:
    """All rows of ``dataset`` as samples (see :mod:`llf_kit.schema`), in their order.

    ``row`` counts the rows of a file from 1; a row that LLaMA-Factory would not train on has its ``reason`` and no
    ``messages``.

    Raises:
        DataError: a file cannot be read.
    """
    align, one = aligner(dataset.upstream), dataset.attributes
    plain = one.formatting == "alpaca" and not one.columns.get("response") and not one.ranking
    judged = one.columns.get("kto_tag")
    frames = [pl.DataFrame(schema=SAMPLE)]
    for file in dataset.files:
        source = dataset.source(file)
        numbered = enumerate(rows(file), start=1)
        while made := [_sample(source, number, row, align(row), plain, judged) for number, row in _next(numbered)]:
            frames.append(_frame(made))
    return pl.concat(frames)


def _frame(made: list[tuple[Any, ...]]) -> pl.DataFrame:
    try:
        return pl.DataFrame(made, schema=SAMPLE, orient="row")
    except UnicodeEncodeError:  # JSON can hold half of a character, which no text can
        whole = json.loads(json.dumps(made, ensure_ascii=False).encode("utf-8", "replace"))
        return pl.DataFrame(whole, schema=SAMPLE, orient="row")


def _next(numbered: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    return islice(numbered, _CHUNK)


def _sample(
    source: str, number: int, row: dict[str, Any], made: Aligned | Refused, plain: bool, judged: str | None
) -> tuple[Any, ...]:
    label = row.get("label")
    label = label if isinstance(label, str) and label.strip() else None
    if isinstance(made, Refused):
        return source, number, None, None, None, None, None, label, str(made)
    desirable = row.get(judged) if judged else None
    turns = [(turn.role, turn.content) for turn in made.prompt]
    rejected = None
    if plain:
        turns = [(TEXT, content) for _, content in turns]
    elif desirable is not None:
        turns.append((ASSISTANT, next((turn.content for turn in made.response if turn.content), "")))
    elif made.response:
        turns.append((made.response[0].role, made.response[0].content))
        rejected = made.response[1].content if len(made.response) > 1 else None
    messages = [{"role": role, "content": content} for role, content in turns]
    reason = None if plain or made.response else str(Refused.NO_ANSWER)
    return source, number, messages, made.system or None, made.tools or None, rejected, desirable, label, reason
