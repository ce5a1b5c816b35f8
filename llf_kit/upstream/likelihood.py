"""How likely a model finds the answers that were wanted, under LLaMA-Factory's own encoding."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llf_kit.errors import RunError
from llf_kit.upstream import failures, locate, process
from llf_kit.upstream.configs import Config

__all__ = ["Likelihood", "likelihoods"]

_SCRIPT = Path(__file__).with_name("likelihood_child.py")


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
    python = locate.interpreter(locate.find())
    found: list[Likelihood | None] = []
    with TemporaryDirectory(prefix="llf-kit-") as work:
        values = {**config.values, "output_dir": str(Path(work) / "run")}
        request = Path(work) / "request"
        request.write_text(json.dumps({"values": values, "letters": list(letters), "cache": work}), encoding="utf-8")
        log = Path(work) / "log"
        with request.open("rb") as stdin, log.open("wb") as stderr:
            child = subprocess.Popen(
                process.script(python, _SCRIPT),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "LLAMAFACTORY_VERBOSITY": "ERROR", "HF_DATASETS_CACHE": work},
            )
            try:
                assert child.stdout is not None  # noqa: S101 - a pipe was asked for
                for line in child.stdout:
                    found.append(_one(json.loads(line), config))
                    on_row()
                code = child.wait()
            finally:
                child.kill()
                child.wait()
                if child.stdout:
                    child.stdout.close()
        if code:
            raise RunError(f"{config.path}: {failures.explain(log, code)}")
    return found


def _one(answer: dict[str, Any], config: Config) -> Likelihood | None:
    if "error" in answer:
        known = failures.advice(answer["text"])
        what = f"upstream ends with {answer['error']}"
        raise RunError(f"{config.path}: {what}. {known or 'llf-kit check says which keys are at fault.'}")
    return None if answer["loss"] is None else Likelihood(answer["loss"], answer["tokens"], answer["options"])
