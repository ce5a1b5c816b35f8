"""What a conversion is told, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llf_kit import mapping, splitting
from llf_kit.outputs import Container
from llf_kit.project import Settings


@dataclass(frozen=True)
class Plan:
    """What to convert, and into what.

    ``format`` None is the one that holds all that the tables say; ``function`` makes the sample of a row where no
    ``map`` can say it; ``test`` and ``val`` are shares of the rows, and 0 writes no such set (see
    :mod:`llf_kit.splitting`). ``near_duplicates`` is the similarity from which on a row goes, None for none;
    ``exclude`` are files, or names of registered datasets, whose questions must not be trained on. ``identifiers``,
    ``notation`` and ``script`` say how texts are cleaned (see :func:`llf_kit.cleaning.check`). ``labels`` are keywords
    a label; ``min_score`` is the least score of a row, by the ``standard`` of a file or the shipped one.
    """

    name: str
    sources: tuple[Path, ...]
    format: str | None = None
    container: Container = field(default_factory=Container)
    map: Mapping[str, str] = field(default_factory=dict)
    system: str | None = None
    encoding: str | None = None
    test: float = 0.0
    val: float = 0.0
    folds: int = 0
    seed: int = 42
    near_duplicates: float | None = None
    exclude: tuple[str, ...] = ()
    identifiers: str = "mask"
    notation: str = "keep"
    script: str | None = None
    function: mapping.Function | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    learn_labels: bool = False
    min_score: float | None = None
    standard: Path | None = None

    @classmethod
    def of(cls, settings: Settings, directory: Path) -> Plan:
        """What ``llf-kit.yaml`` in ``directory`` says; its ``name`` and ``sources`` may be missing there."""
        return cls(
            name=settings.name or "",
            sources=tuple(directory / source for source in settings.sources),
            format=settings.format,
            container=Container(settings.file_type, settings.shard_rows),
            map=settings.map,
            system=settings.system,
            encoding=settings.encoding,
            test=settings.test,
            val=settings.val,
            folds=settings.folds,
            seed=settings.seed,
            near_duplicates=settings.near_duplicates,
            exclude=tuple(settings.exclude),
            labels=settings.labels,
            learn_labels=settings.learn_labels,
            min_score=settings.min_score,
            standard=directory / settings.standard if settings.standard else None,
            identifiers=settings.identifiers,
            notation=settings.notation,
            script=settings.script,
        )

    @property
    def shares(self) -> dict[str, float]:
        """The sets to write and the share of each."""
        return splitting.parts(self.test, self.val, self.folds)

    @property
    def names(self) -> list[str]:
        """The datasets to write, in the order of ``shares``."""
        return [self.name if part == splitting.TRAIN else f"{self.name}_{part}" for part in self.shares]


@dataclass
class Summary:
    """What happened to every row; ``near_duplicates`` are counted among ``duplicates``.

    ``changed`` counts texts by the kind of change, ``masked`` identifiers by kind, whatever became of them, and
    ``flagged`` written rows by what a person should look at; ``changes`` show the first of each kind, before and after.
    ``decisions`` say how each table was read, ``examples`` are for people.
    """

    format: str = ""
    read: int = 0
    written: int = 0
    duplicates: int = 0
    near_duplicates: int = 0
    clusters: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)
    identifiers_file: str | None = None
    labelled: dict[str, int] = field(default_factory=dict)
    classifier: dict[str, Any] | None = None
    files: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    rejects_file: str | None = None
    clusters_file: str | None = None
    decisions: list[str] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What ``convert --json`` prints."""
        apart = ("rows", "examples", "changes")
        return {name: value for name, value in vars(self).items() if name not in apart}
