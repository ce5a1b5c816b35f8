"""Labels by keywords: a row has the label whose keywords stand in its question most often, else in its answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from llf_kit.errors import ConfigError
from llf_kit.labelling.texts import answer, question


def check(keywords: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError for labels without a name or without keywords; all of them at once."""
    problems = []
    for label, words in keywords.items():
        if not label.strip():
            problems.append("llf-kit.yaml: labels: a label has no name. Give it one.")
        elif not words or not all(word.strip() for word in words):
            problems.append(f"llf-kit.yaml: labels: {label}: has no keyword, or an empty one. Give it some.")
    if problems:
        raise ConfigError(*problems)


def label(keywords: Mapping[str, Sequence[str]]) -> pl.Expr:
    """The label of a sample, or null; of several with as many keywords, the first that llf-kit.yaml names."""
    check(keywords)
    return pl.coalesce(_most(question(), keywords), _most(answer(), keywords))


def _most(text: pl.Expr, keywords: Mapping[str, Sequence[str]]) -> pl.Expr:
    counts = [text.str.count_matches(_pattern(words)) for words in keywords.values()]
    most = pl.max_horizontal(counts)
    chosen = pl.coalesce(
        *(pl.when(count == most).then(pl.lit(name)) for name, count in zip(keywords, counts, strict=True))
    )
    return pl.when(most > 0).then(chosen)


def _pattern(words: Sequence[str]) -> str:
    """Any of the words, in any case; a Latin one as a whole word, also beside Chinese."""
    return "(?i)" + "|".join(_word(word.strip()) for word in words)


def _word(word: str) -> str:
    begin = r"(?-u:\b)" if re.match(r"[A-Za-z0-9]", word) else ""
    end = r"(?-u:\b)" if re.search(r"[A-Za-z0-9]$", word) else ""
    return begin + re.escape(word) + end
