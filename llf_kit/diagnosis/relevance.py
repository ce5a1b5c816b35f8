"""How much of what a question is about comes back in its answer: offline, in Chinese and in languages of words.

A Chinese text is taken as pairs of neighbouring characters, which need no dictionary of words (character bigrams; Nie
et al., On the use of words and n-grams for Chinese information retrieval, IRAL 2000); any other as stems of words
(Porter, by nltk). The words by which anything is asked are left out: they are listed in the rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from llf_kit.diagnosis.rules import Rules
from llf_kit.errors import NotInstalledError

LEAST = 8  # units of an answer that is long enough to repeat anything: `3.5～5.3 mmol/L` answers and repeats nothing
FEWEST = 3  # things that a question is about, below which a share of them says too little

_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_WORD = re.compile(r"[a-z][a-z0-9-]+")
_UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+|[0-9][0-9.]*")


def relevance(question: str, answer: str, rules: Rules) -> float | None:
    """The share in percent; None where the question is about too little, or the answer too short to repeat anything.

    Raises:
        NotInstalledError: nltk is missing.
    """
    if len(_UNIT.findall(answer)) < LEAST:
        return None
    asked = _topics(question.lower(), rules)
    if len(asked) < FEWEST:
        return None
    said = answer.lower()
    stems = {_stem(word) for word in _WORD.findall(said)}
    return 100 * sum(topic in (said if _CHINESE.match(topic) else stems) for topic in asked) / len(asked)


def _topics(text: str, rules: Rules) -> set[str]:
    chinese, other = _ignored(rules.ignored["zh"], rules.ignored["en"])
    topics = {_stem(word) for word in _WORD.findall(text) if word not in other}
    for run in _CHINESE.findall(chinese.sub(" ", text)):
        topics |= {run} if len(run) == 1 else {run[place : place + 2] for place in range(len(run) - 1)}
    return topics


@cache
def _ignored(chinese: str, other: str) -> tuple[re.Pattern[str], frozenset[str]]:
    words: Sequence[str] = sorted(chinese.split(), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words))), frozenset(other.split())


@lru_cache(maxsize=10_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


@cache
def _stemmer() -> Any:
    try:
        from nltk.stem.porter import PorterStemmer
    except ImportError:
        raise NotInstalledError("diagnose: needs nltk. Install what it needs: pip install 'llf-kit[eval]'.") from None
    return PorterStemmer()
