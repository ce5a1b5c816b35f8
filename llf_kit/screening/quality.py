"""Scores from 0 to 100 by a standard that is a table: the same for every row, offline, with the reasons.

A conversation is scored as a whole: what the user says is its question, what the assistant says is its answer. The
better answer of a pair is scored, the worse is not.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from llf_kit.schema import ASSISTANT, TEXT, USER
from llf_kit.screening.standard import Standard, When

_QUESTION, _ANSWER, _BOTH = "\0question", "\0answer", "\0both"  # names that no stage gives
_QUESTION_UNITS, _ANSWER_UNITS, _SHARED, _TERMS = "\0units of it", "\0units", "\0shared", "\0terms"
_FLAGGED = "\0flagged"

# What counts as one in a length: a Chinese character, a word, a number.
_UNIT = r"[\u3400-\u9fff]|[A-Za-z]+|[0-9][0-9.]*"
# What a question and its answer may share: a Chinese character that carries meaning, a word, a number.
_CONTENT = r"[\u3400-\u9fff]|[a-z]{2,}|[0-9][0-9.]*"
_FUNCTION = list(
    "的了是吗呢么什怎样多少请问我你您他她它这那有没在和与及或不会能要可以为对就都也还把被给个一上下中到从吧啊"
)
_FUNCTION += [
    "the",
    "of",
    "is",
    "are",
    "what",
    "how",
    "do",
    "does",
    "in",
    "to",
    "an",
    "and",
    "or",
    "for",
    "my",
    "which",
]
_CHINESE = r"[\u3400-\u9fff]"

FAULTS = "faults"
SCORE = "score"
PARTS = "parts"


def stage(samples: pl.LazyFrame, standard: Standard) -> pl.LazyFrame:
    """LazyFrame of samples → ``score``, ``parts`` and ``faults`` added.

    ``score`` is Float64 from 0 to 100, null where there is nothing to score; ``parts`` a Struct of the same for each
    part of the standard; ``faults`` a List of the names of the faults, in the standard's order. ``flags`` (see
    :mod:`llf_kit.schema`) count where an earlier stage has added them.
    """
    columns = samples.collect_schema().names()
    flagged = pl.col("flags").list.len() > 0 if "flags" in columns else pl.lit(False)
    said = samples.with_columns(
        _said(USER).alias(_QUESTION), _said(ASSISTANT, TEXT).alias(_ANSWER), flagged.fill_null(False).alias(_FLAGGED)
    )
    both = pl.concat_str(_QUESTION, _ANSWER, separator="\n", ignore_nulls=True)
    measured = said.with_columns(
        both.alias(_BOTH),
        pl.col(_QUESTION).str.count_matches(_UNIT).alias(_QUESTION_UNITS),
        pl.col(_ANSWER).str.count_matches(_UNIT).alias(_ANSWER_UNITS),
        _shared().alias(_SHARED),
        both.str.count_matches(standard.term).alias(_TERMS),
    )
    found = measured.with_columns(
        _holds(fault.when, standard).alias(_own(name)) for name, fault in standard.faults.items()
    )
    parts = []
    for name, part in standard.parts.items():
        loss = (
            pl.sum_horizontal(pl.col(_own(fault)).cast(pl.Float64) * one.loss for fault, one in part.faults.items())
            if part.faults
            else pl.lit(0.0)
        )
        parts.append(((1 - loss).clip(0, 1) * 100).round(1).alias(name))
    weighed = pl.sum_horizontal(
        pl.col(PARTS).struct.field(name) * (part.weight / 100) for name, part in standard.parts.items()
    )
    names = pl.concat_list(pl.when(pl.col(_own(name))).then(pl.lit(name)) for name in standard.faults).list.drop_nulls()
    something = pl.col(_ANSWER).is_not_null()
    return (
        found.with_columns(pl.struct(parts).alias(PARTS), names.alias(FAULTS))
        .with_columns(pl.when(something).then(weighed.round(1)).alias(SCORE))
        .select(*columns, SCORE, PARTS, FAULTS)
    )


def said() -> tuple[pl.Expr, pl.Expr]:
    """What the user says in a sample and what is answered, a line a turn; null where there is nothing."""
    return _said(USER).alias("question"), _said(ASSISTANT, TEXT).alias("answer")


def lengths(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → the lengths ``question`` and ``answer``: in Chinese characters, words and numbers."""
    return samples.select(text.str.count_matches(_UNIT) for text in said())


def reject(scored: pl.LazyFrame, least: float) -> pl.LazyFrame:
    """LazyFrame of scored samples → ``reason`` set where a kept row has less than ``least`` points, or none at all."""
    kept = pl.col("reason").is_null()
    if "duplicate" in scored.collect_schema().names():
        kept &= ~pl.col("duplicate")
    low = kept & (pl.col(SCORE).fill_null(0) < least)
    return scored.with_columns(reason=pl.when(low).then(pl.lit(f"a score below {least:g}")).otherwise("reason"))


def _own(fault: str) -> str:
    return f"\0fault {fault}"


def _said(*roles: str) -> pl.Expr:
    """What the speakers of these roles say, a line a turn; null where they say nothing."""
    message = pl.element().struct
    texts = pl.col("messages").list.eval(
        pl.when(message.field("role").is_in(list(roles))).then(message.field("content")).drop_nulls()
    )
    joined = texts.list.join("\n")
    return pl.when(joined.str.len_bytes() > 0).then(joined)


def _shared() -> pl.Expr:
    """The share of the question's own characters and words that come back in the answer; null for a bare question."""
    words = (
        pl.col(_QUESTION).str.to_lowercase().str.extract_all(_CONTENT).list.set_difference(pl.lit(_FUNCTION)),
        pl.col(_ANSWER).str.to_lowercase().str.extract_all(_CONTENT),
    )
    number = words[0].list.len()
    return pl.when(number > 0).then(words[0].list.set_intersection(words[1]).list.len() / number)


def _holds(when: When, standard: Standard) -> pl.Expr:
    """Whether all conditions of a fault hold; false where there is nothing they could hold for."""
    held = [_CONDITIONS[name](value, standard) for name, value in when.given().items()]
    return pl.all_horizontal(held).fill_null(False)


def _other_language() -> pl.Expr:
    """One has Chinese, and the other has letters and no Chinese: a bare figure is of every language."""
    question, answer = (pl.col(name) for name in (_QUESTION, _ANSWER))

    def foreign(text: pl.Expr) -> pl.Expr:
        return ~text.str.contains(_CHINESE) & (text.str.count_matches(r"[A-Za-z]{3,}") > 3)

    chinese = (question.str.contains(_CHINESE), answer.str.contains(_CHINESE))
    return (chinese[0] & foreign(answer)) | (chinese[1] & foreign(question))


def _has(column: str) -> Callable[[str, Standard], pl.Expr]:
    return lambda pattern, standard: pl.col(column).str.contains(standard.pattern(pattern))


def _lacks(column: str) -> Callable[[str, Standard], pl.Expr]:
    return lambda pattern, standard: ~pl.col(column).str.contains(standard.pattern(pattern))


_CONDITIONS: dict[str, Callable[..., pl.Expr]] = {
    "question_has": _has(_QUESTION),
    "question_lacks": _lacks(_QUESTION),
    "answer_has": _has(_ANSWER),
    "answer_lacks": _lacks(_ANSWER),
    "text_has": _has(_BOTH),
    "text_lacks": _lacks(_BOTH),
    "question_below": lambda most, _: pl.col(_QUESTION_UNITS) < most,
    "answer_below": lambda most, _: pl.col(_ANSWER_UNITS) < most,
    "answer_above": lambda least, _: pl.col(_ANSWER_UNITS) > least,
    "shared_below": lambda most, _: pl.col(_SHARED) < most,
    "terms_below": lambda most, _: pl.col(_TERMS) < most,
    "other_language": lambda wanted, _: _other_language() == wanted,
    "flagged": lambda wanted, _: pl.col(_FLAGGED) == wanted,
}
