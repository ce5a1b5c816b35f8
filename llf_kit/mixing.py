"""A registered dataset in the shares that are wanted: one dataset a label for LLaMA-Factory to mix, or resampled rows.

LLaMA-Factory's own mixing (``mix_strategy``, ``interleave_probs``: data_utils.py of 0.9.5, by ``interleave_datasets``)
draws from the datasets at random, with these probabilities; the dataset itself stays as it is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llf_kit import dataset_info, outputs, registered
from llf_kit.labelling import shares
from llf_kit.outputs import Container
from llf_kit.project import check_dataset_name, private_directory, write_text
from llf_kit.registered import Registered
from llf_kit.schema import DatasetEntry

_CONTAINER = Container()


@dataclass(frozen=True)
class Part:
    """A label in the mix: the dataset that holds it, its rows there, and its share. ``before`` counts its rows."""

    label: str
    name: str
    before: int
    rows: int
    share: float


@dataclass(frozen=True)
class Mixed:
    """What was made; ``yaml`` has the lines for a training YAML, ``rows`` what one epoch then holds (about).

    ``repeated`` and ``left_out`` count the rows that stand more than once, and not at all.
    """

    parts: list[Part]
    yaml: dict[str, str]
    rows: int
    repeated: int
    left_out: int
    files: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """What ``mix --json`` prints."""
        return asdict(self)


def by_label(directory: Path, name: str, targets: Mapping[str, float]) -> Mixed:
    """One dataset a label, ``NAME_LABEL``, registered beside ``name``; labels that want nothing get none.

    Raises:
        UsageError: there is no such dataset, or a name is taken.
        ConfigError: the shares are wrong, or do not fit the labels.
        DataError: the file cannot be read.
    """
    dataset, counts = _counted(directory, name, targets)
    wanted = {label: target for label, target in targets.items() if target}
    names = _names(name, wanted)
    files = {names[label]: _CONTAINER.file_name(names[label]) for label in wanted}
    dataset_info.check_ours(directory, files, outputs.file_names)
    with ExitStack() as stack:
        places = {
            label: stack.enter_context(outputs.whole(directory / files[names[label]], _CONTAINER)) for label in wanted
        }
        ends = {label: stack.enter_context(place.open("w", encoding="utf-8")) for label, place in places.items()}
        for label, row in _rows(dataset):
            if label in ends:
                ends[label].write(_line(row))
        for label, end in ends.items():
            end.close()
            outputs.finish(places[label], _CONTAINER, dataset.nested)
        _register(directory, dataset, files)
    _forget(directory, name, files)
    # interleave_over goes on until the dataset that lasts longest is through; the others begin anew meanwhile.
    rows = round(max(counts[label] / target for label, target in wanted.items()))
    parts = [Part(label, names[label], counts[label], counts[label], target) for label, target in wanted.items()]
    repeated = sum(max(0, round(rows * part.share) - part.rows) for part in parts)
    yaml = {
        "dataset": ",".join(part.name for part in parts),
        "mix_strategy": "interleave_over",
        "interleave_probs": ",".join(f"{part.share:g}" for part in parts),
    }
    left_out = sum(number for label, number in counts.items() if label not in wanted)
    return Mixed(parts, yaml, rows, repeated, left_out, list(files.values()))


def resample(directory: Path, name: str, targets: Mapping[str, float], seed: int) -> Mixed:
    """One dataset ``NAME_mixed`` of as many rows, in the shares that are wanted.

    Rows of a label that wants more are repeated, all of them equally often but for a remainder that is drawn; rows of
    one that wants less are drawn. The same ``seed`` draws the same.

    Raises:
        As :func:`by_label`.
    """
    dataset, counts = _counted(directory, name, targets)
    made = f"{name}_mixed"
    files = {made: _CONTAINER.file_name(made)}
    dataset_info.check_ours(directory, files, outputs.file_names)
    goals = _goals(sum(counts.values()), targets)
    times = _times(counts, goals, seed)
    seen: Counter[str] = Counter()
    repeated = left_out = 0
    with outputs.whole(directory / files[made], _CONTAINER) as place:
        with place.open("w", encoding="utf-8") as end:
            for label, row in _rows(dataset):
                number = times[label][seen[label]]
                seen[label] += 1
                end.write(_line(row) * number)
                repeated += max(0, number - 1)
                left_out += number == 0
        outputs.finish(place, _CONTAINER, dataset.nested)
        _register(directory, dataset, files)
    parts = [Part(label, made, counts[label], goals[label], targets[label]) for label in goals if counts.get(label)]
    return Mixed(parts, {"dataset": made}, sum(goals.values()), repeated, left_out, list(files.values()))


def _counted(directory: Path, name: str, targets: Mapping[str, float]) -> tuple[Registered, Counter[str]]:
    dataset = registered.find(directory, check_dataset_name(name))
    counts = Counter(label for label, _ in _rows(dataset))
    shares.check(counts, targets)
    return dataset, counts


def _rows(dataset: Registered) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in dataset.files:
        for row in registered.rows(file):
            label = row.get("label")
            yield (label if isinstance(label, str) and label.strip() else shares.UNKNOWN), row


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def _names(name: str, labels: Iterable[str]) -> dict[str, str]:
    """A dataset name for each label: its own letters where they are ASCII, else its number."""
    names: dict[str, str] = {}
    for number, label in enumerate(labels, start=1):
        own = re.sub(r"[^A-Za-z0-9-]+", "_", label).strip("_").lower() if label.isascii() else ""
        made = f"{name}_{own or f'label{number}'}"
        names[label] = f"{made}_{number}" if made in names.values() else made
    return names


def _goals(total: int, targets: Mapping[str, float]) -> dict[str, int]:
    """Whole rows that sum to ``total``; what rounding leaves goes to those that lose most by it."""
    scale = total / sum(targets.values())
    goals = {label: int(target * scale) for label, target in targets.items()}
    lost = sorted(targets, key=lambda label: goals[label] - targets[label] * scale)
    for label in lost[: total - sum(goals.values())]:
        goals[label] += 1
    return goals


def _times(counts: Mapping[str, int], goals: Mapping[str, int], seed: int) -> dict[str, list[int]]:
    """How often each row of each label stands in the mix, in the order of the rows."""
    import numpy as np

    random = np.random.default_rng(seed)
    times = {}
    for label in sorted(counts):
        whole, rest = divmod(goals.get(label, 0), counts[label])
        number = np.full(counts[label], whole)
        number[random.permutation(counts[label])[:rest]] += 1
        times[label] = number.tolist()
    return times


def _register(directory: Path, dataset: Registered, files: Mapping[str, str]) -> None:
    one = dataset.attributes
    columns = {role: column for role, column in one.columns.items() if column}
    tags = {tag: text for tag, text in one.tags.items() if text} if one.formatting != "alpaca" else {}
    entries = [DatasetEntry(name, file, one.formatting, columns, tags, one.ranking) for name, file in files.items()]
    dataset_info.register(directory, entries)


def _forget(directory: Path, name: str, files: Mapping[str, str]) -> None:
    """Take away the datasets of labels that an earlier mix of ``name`` had and this one has not."""
    record = private_directory(directory) / "mixed" / f"{name}.json"
    old = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for gone in old.keys() - files.keys():
        dataset_info.register(directory, [], forget=[gone])
        outputs.remove(directory / old[gone])
    write_text(record, json.dumps(files) + "\n", mode=0o600)
