"""What answers cost: time to the first token and to the last, speed, memory, and size on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llf_kit.evaluation import generating
from llf_kit.upstream import memory
from llf_kit.upstream.client import Client, Message
from llf_kit.upstream.tuned import Tuned


@dataclass(frozen=True)
class Efficiency:
    """Of a served model, asked one question after another.

    ``first_seconds`` and ``seconds`` are from sending a question to the first and the last piece of its answer: median
    and 95th percentile. ``tokens_per_second`` is all tokens by all seconds. ``memory`` and ``gpu_memory`` are bytes of
    the server at its peak, ``model_size`` and ``adapter_size`` bytes of weights on disk. None is "not known".
    """

    questions: int
    first_seconds: dict[str, float]
    seconds: dict[str, float]
    tokens_per_second: float | None
    memory: int | None
    gpu_memory: int | None
    model_size: int | None
    adapter_size: int | None

    def to_dict(self) -> dict[str, Any]:
        """What JSON has of it."""
        return asdict(self)


def measure(
    client: Client,
    tuned: Tuned,
    questions: Sequence[Sequence[Message]],
    on_answer: Callable[[], None] = lambda: None,
) -> Efficiency:
    """Ask ``client``, behind which ``tuned`` is served and has answered before, each of ``questions``.

    Raises:
        RunError: the server is gone, or refuses.
    """
    first, whole, answers = [], [], []
    longest = tuned.config.values.get("max_new_tokens", generating.LONGEST)
    for question in questions:
        begun = time.perf_counter()
        pieces, came = [], None
        for piece in client.stream(question, max_tokens=longest):
            if piece and came is None:
                came = time.perf_counter() - begun
            pieces.append(piece)
        ended = time.perf_counter() - begun
        first.append(ended if came is None else came)
        whole.append(ended)
        answers.append("".join(pieces))
        on_answer()
    counted = [tokens for tokens in generating.counted(tuned, answers) if tokens is not None]
    pid = client.pid
    model = Path(str(tuned.config.values.get("model_name_or_path")))
    adapters = [size for adapter in tuned.adapters if (size := memory.weighs(Path(adapter))) is not None]
    return Efficiency(
        questions=len(questions),
        first_seconds=_seconds(first),
        seconds=_seconds(whole),
        tokens_per_second=round(sum(counted) / sum(whole), 2) if len(counted) == len(whole) else None,
        memory=memory.peak(pid) if pid else None,
        gpu_memory=memory.gpu(pid) if pid else None,
        model_size=memory.weighs(model),
        adapter_size=sum(adapters) if adapters else None,
    )


def _seconds(measured: Sequence[float]) -> dict[str, float]:
    return {"median": round(float(np.median(measured)), 4), "p95": round(float(np.quantile(measured, 0.95)), 4)}
