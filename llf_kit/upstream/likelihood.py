"""How likely a model finds the answers that were wanted, under LLaMA-Factory's own encoding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llf_kit.errors import RunError
from llf_kit.upstream import failures, scripts
from llf_kit.upstream.configs import Config

__all__ = ["Likelihood", "likelihoods"]

_SCRIPT = "likelihood_child.py"


@dataclass(frozen=True)
class Likelihood:
    """Of the answers of one row: ``loss``, the sum of the negative natural logarithms of the probabilities of their
    ``tokens``, the end token among them. ``options`` has the probability of each letter, which together make one.
    """

    loss: float
    tokens: int
    options: dict[str, float] | None = None


def likelihoods(
    config: Config, letters: Sequence[str], on_row: Callable[[], None] = lambda: None
) -> list[Likelihood | None]:
    """Of every row of the ``eval_dataset`` of ``config`` (a YAML for ``do_eval``), in its order.

    ``letters`` are those of the options of each row, or empty. None for a row that LLaMA-Factory leaves out. The rows
    go through one by one: what is padded counts nowhere, and sums do not depend on a batch.

    Raises:
        NotInstalledError: llamafactory-cli is missing.
        RunError: it failed.
    """
    found: list[Likelihood | None] = []
    with TemporaryDirectory(prefix="llf-kit-") as work:
        values = {**config.values, "output_dir": str(Path(work) / "run")}
        request = {"values": values, "letters": list(letters)}
        for answer in scripts.answers(_SCRIPT, request, Path(work), str(config.path)):
            found.append(_one(answer, config))
            on_row()
    return found


def _one(answer: dict[str, Any], config: Config) -> Likelihood | None:
    if "error" in answer:
        known = failures.advice(answer["text"])
        what = f"upstream ends with {answer['error']}"
        raise RunError(f"{config.path}: {what}. {known or 'llf-kit check says which keys are at fault.'}")
    return None if answer["loss"] is None else Likelihood(answer["loss"], answer["tokens"], answer["options"])
