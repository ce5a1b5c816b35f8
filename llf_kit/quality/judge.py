"""A model as a judge, over any OpenAI-compatible endpoint: the same parts and the same scale as the standard.

What it said is kept by content, so that a run that was stopped goes on where it ended, and a row that did not change is
not paid for twice. A result that is not about all rows says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit.endpoints import Endpoint, Kept, Question, ask_all, content_key, replies
from llf_kit.errors import JudgeError
from llf_kit.project import private_directory
from llf_kit.quality.rows import view
from llf_kit.screening.standard import Standard
from llf_kit.templating import render_text

__all__ = ["Endpoint", "Judged", "judge"]

_SETTINGS = {"temperature": 0, "max_tokens": 400}


@dataclass(frozen=True)
class Judged:
    """What the judge said: ``scores`` has a Float64 from 0 to 100 a row, null where there is none.

    ``partial`` says why some have none; None where all have.
    """

    model: str
    scores: pl.Series
    parts: dict[str, float | None]
    partial: str | None

    def to_dict(self) -> dict[str, Any]:
        """What JSON and the page show of it."""
        mean = self.scores.mean()
        return {
            "model": self.model,
            "rows": len(self.scores),
            "judged": self.scores.count(),
            "mean": round(float(mean), 1) if isinstance(mean, float) else None,
            "parts": self.parts,
            "partial": self.partial,
        }


def judge(rows: pl.DataFrame, standard: Standard, endpoint: Endpoint, directory: Path) -> Judged:
    """Have every row of ``rows`` (samples) judged; identifiers are masked in what is sent.

    Raises:
        JudgeError: it refuses, or not one row could be judged.
    """
    kept = Kept(private_directory(directory) / "judged.jsonl", "parts", _numbers)
    prompts = [_prompt(row, standard) for row in rows.iter_rows(named=True)]
    keys = [content_key(endpoint.model, prompt) for prompt in prompts]
    questions = {
        key: Question([{"role": "user", "content": prompt}], _SETTINGS)
        for key, prompt in zip(keys, prompts, strict=True)
        if prompt
    }
    stopped = ask_all(endpoint, questions, lambda reply: replies.numbers(reply, standard.parts, 0, 100), kept)
    told = [kept.known.get(key) for key in keys]
    scores = pl.Series([None if one is None else _weighed(one, standard) for one in told], dtype=pl.Float64)
    missing = sum(bool(prompt) and one is None for prompt, one in zip(prompts, told, strict=True))
    if missing and not scores.count():
        raise JudgeError(f"{endpoint.url}: no row could be judged ({stopped or 'its answers are no judgements'}). "
                         "Look at the address, the model and the key.")  # fmt: skip
    parts = {
        name: round(sum(one[name] for one in told if one) / scores.count(), 1) if scores.count() else None
        for name in standard.parts
    }
    partial = (
        f"{missing} of {len(prompts)} rows have no judgement ({stopped or 'no usable answer'})." if missing else None
    )
    return Judged(endpoint.model, scores, parts, partial)


def _prompt(row: Mapping[str, Any], standard: Standard) -> str:
    """What the judge is asked of a row; empty where there is nothing to judge."""
    shown = view(dict(row), "en")
    if not shown["answer"]:
        return ""
    return render_text("quality/judge.txt.j2", {"parts": standard.parts, **shown})


def _weighed(parts: Mapping[str, float], standard: Standard) -> float:
    return round(sum(parts[name] * part.weight for name, part in standard.parts.items()) / 100, 1)


def _numbers(parts: Any) -> dict[str, float]:
    return {str(name): float(value) for name, value in parts.items()}
