"""How alike the words of answer and wanted answer are: what LLaMA-Factory measures, and what the field publishes.

=========== ======================= ====================== ============================================================
metric      counted on              library                value of all rows
=========== ======================= ====================== ============================================================
bleu-4      characters              nltk (method3)         mean of the rows; LLaMA-Factory's ``predict_bleu-4``
rouge-1/2/l words (jieba)           rouge-chinese          mean of the rows; LLaMA-Factory's ``predict_rouge-…`` (F1)
bleu        Chinese: characters and sacrebleu (``zh``,     corpus BLEU: n-grams are summed over all rows, so it is not
            words; else words       ``13a``)               the mean of the rows, which have sentence BLEU each
chrf        characters              sacrebleu (chrF2)      corpus chrF in the same way
meteor      words (jieba)           nltk                   mean of the rows; matches exact words and Porter stems only:
                                                           nltk's synonyms need WordNet, a download, and know no Chinese
=========== ======================= ====================== ============================================================

Every row with a prediction and a wanted answer is scored; an empty answer is 0. Exception: where a wanted answer is
empty too, LLaMA-Factory gives 0, and so do bleu-4 and rouge; the others do not score it.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from llf_kit.evaluation.metrics import Column, missing, percent, sums
from llf_kit.evaluation.predictions import Prediction
from llf_kit.schema import CJK

Cut = Callable[[str], list[str]]


def cutter() -> Cut:
    """Words by jieba, each text cut once.

    Raises:
        NotInstalledError: jieba is missing.
    """
    with warnings.catch_warnings():  # it names its own patterns in a way that Python warns of
        warnings.simplefilter("ignore")
        try:
            import jieba
        except ImportError as error:
            raise missing(error) from None
    jieba.setLogLevel(logging.WARNING)
    known: dict[str, list[str]] = {}

    def cut(text: str) -> list[str]:
        words = known.get(text)
        if words is None:
            words = known[text] = list(jieba.cut(text))
        return words

    return cut


def columns(rows: Sequence[Prediction], cut: Cut) -> dict[str, Column]:
    """All metrics of this family.

    Raises:
        NotInstalledError: a package is missing.
    """
    return {**_rouge(rows, cut), "bleu-4": _bleu_4(rows), "meteor": _meteor(rows, cut), **_sacrebleu(rows)}


def _rouge(rows: Sequence[Prediction], cut: Cut) -> dict[str, Column]:
    try:
        from rouge_chinese import Rouge
    except ImportError as error:
        raise missing(error) from None
    names = ("rouge-1", "rouge-2", "rouge-l")
    found: dict[str, list[float | None]] = {name: [] for name in names}
    rouge = Rouge()
    for row in rows:
        said = wanted = ""
        if row.predict is not None:
            said, wanted = " ".join(cut(row.predict)), " ".join(cut(row.label))
        if row.predict is None or not said.split() or not wanted.split():
            nothing = None if row.predict is None else 0.0
            scores = dict.fromkeys(names, nothing)
        else:
            scores = {name: percent(score["f"]) for name, score in rouge.get_scores(said, wanted)[0].items()}
        for name in names:
            found[name].append(scores[name])
    return {name: Column(values) for name, values in found.items()}


def _bleu_4(rows: Sequence[Prediction]) -> Column:
    try:
        from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    except ImportError as error:
        raise missing(error) from None
    smooth = SmoothingFunction().method3
    return Column(
        [
            None
            if row.predict is None
            else percent(sentence_bleu([list(row.label)], list(row.predict), smoothing_function=smooth))
            for row in rows
        ]
    )


class _NoSynonyms:
    """In the place of WordNet."""

    def synsets(self, _: str) -> tuple[()]:
        return ()


def _meteor(rows: Sequence[Prediction], cut: Cut) -> Column:
    try:
        from nltk.stem.porter import PorterStemmer
        from nltk.translate.meteor_score import single_meteor_score
    except ImportError as error:
        raise missing(error) from None

    class Stemmer(PorterStemmer):  # type: ignore[misc, unused-ignore]
        stem = lru_cache(maxsize=None)(PorterStemmer.stem)

    stemmer, synonyms = Stemmer(), _NoSynonyms()

    def score(row: Prediction) -> float | None:
        if row.predict is None or not row.label:
            return None
        words = [[word for word in cut(text) if word.strip()] for text in (row.label, row.predict)]
        if not all(words):
            return 0.0
        return percent(single_meteor_score(*words, stemmer=stemmer, wordnet=synonyms))

    return Column([score(row) for row in rows])


def _sacrebleu(rows: Sequence[Prediction]) -> dict[str, Column]:
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError as error:
        raise missing(error) from None
    chinese, other = BLEU(tokenize="zh", effective_order=True), BLEU(tokenize="13a", effective_order=True)
    whole, chrf = BLEU(), CHRF()

    def corpus_bleu(counts: np.ndarray) -> np.ndarray:
        # corpus BLEU is of order 4 whatever stands in it; a sentence may be shorter than that
        return _scores(whole, counts)

    def corpus_chrf(counts: np.ndarray) -> np.ndarray:
        return _scores(chrf, counts)

    def of(row: Prediction) -> Any:
        return chinese if CJK.search(row.label) else other

    return {
        "bleu": _summed(rows, of, 10, sums(corpus_bleu)),
        "chrf": _summed(rows, lambda _: chrf, 18, sums(corpus_chrf)),
    }


# sacrebleu's corpus and sentence scores come of the same counts. It gives no public way to the counts of one sentence,
# only to its score; these two are what its metrics override (sacrebleu.metrics.base.Metric), the same in all of 2.x.
def _counts(metric: Any, row: Prediction) -> list[float]:
    return [float(count) for count in metric._extract_corpus_statistics([row.predict], [[row.label]])[0]]


def _scores(metric: Any, counts: np.ndarray) -> np.ndarray:
    return np.array([metric._compute_score_from_stats(list(one)).score for one in counts])


def _summed(rows: Sequence[Prediction], metric: Callable[[Prediction], Any], width: int, of: Any) -> Column:
    data = np.full((len(rows), width), np.nan)
    values: list[float | None] = [None] * len(rows)
    for place, row in enumerate(rows):
        if row.predict is not None and row.label:
            data[place] = _counts(metric(row), row)
            values[place] = round(float(_scores(metric(row), data[place : place + 1])[0]), 4)
    return Column(values, data=data, of=of)
