"""How an answer says it: variety and repetition, which need no wanted answer. Words by jieba, blanks apart.

distinct-1, distinct-2
    Different words, and pairs of words, by all of them (Li et al. 2016, A Diversity-Promoting Objective Function). The
    paper counts over all answers together, which falls with their number; here it is the mean of the answers, so that
    two models compare on any number of rows.
repetition
    The share of sequences of four words that stood in the answer before: 1 - distinct-4 (seq-rep-4 of Welleck et al.
    2020, Neural Text Generation with Unlikelihood Training).

Not scored: an answer that is too short to have such a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence

from llf_kit.evaluation.metrics import Column, percent
from llf_kit.evaluation.metrics.text import Cut
from llf_kit.evaluation.predictions import Prediction


def columns(rows: Sequence[Prediction], cut: Cut) -> dict[str, Column]:
    """All metrics of this family."""
    said = [[word for word in cut(row.predict) if word.strip()] if row.predict else [] for row in rows]
    four = [_different(words, 4) for words in said]
    return {
        "distinct-1": Column([_share(_different(words, 1)) for words in said]),
        "distinct-2": Column([_share(_different(words, 2)) for words in said]),
        "repetition": Column([None if share is None else percent(1 - share) for share in four]),
    }


def _different(words: list[str], length: int) -> float | None:
    every = list(zip(*(words[begin:] for begin in range(length)), strict=False))
    return len(set(every)) / len(every) if every else None


def _share(share: float | None) -> float | None:
    return None if share is None else percent(share)
