"""The verdict on a training: whether it fits, by its own logs, with the numbers, the checkpoint to keep, what to try.

:mod:`.fit_judging` comes to it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["converging", "underfitting", "overfitting", "diverging", "memorising", "unknown"]


@dataclass(frozen=True)
class Point:
    """A number of the log: ``name`` is loss, eval_loss or a metric; ``step`` and ``epoch`` say where it stands."""

    name: str
    value: float
    step: int | None
    epoch: float | None


@dataclass(frozen=True)
class Verdict:
    """What can be said of a training.

    ``turned`` is where validation was best before it rose (overfitting) or where the loss began to grow or was no
    number any more (diverging). ``evidence`` are the numbers behind it. ``keep`` is the folder of a checkpoint that
    exists, or the run itself. ``next`` are settings of LLaMA-Factory, ``key=value``. ``missing`` says by language what
    was not logged; ``sentences`` the verdict by language, ``zh`` and ``en``. ``train`` and ``validation`` are the
    curves as they were logged, to be drawn.
    """

    kind: Kind
    turned: Point | None
    evidence: tuple[Point, ...]
    keep: str | None
    next: tuple[str, ...]
    missing: dict[str, tuple[str, ...]]
    sentences: dict[str, str]
    train: tuple[Point, ...]
    validation: tuple[Point, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; a loss that is no number is null."""
        return _finite(asdict(self))  # type: ignore[no-any-return]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value
