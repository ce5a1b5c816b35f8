"""What LLaMA-Factory would drop or train wrongly without a word: no question, no answer, turns out of order."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from llf_kit.schema import ASSISTANT, FUNCTION, NOTHING, OBSERVATION, TEXT, USER

_LETTERS = {USER: "u", ASSISTANT: "a", FUNCTION: "f", OBSERVATION: "o", TEXT: "t"}

_WORD = "\0word"  # a name that no stage gives


def stage(samples: pl.LazyFrame, unfit: Callable[[pl.Expr], pl.Expr]) -> pl.LazyFrame:
    """LazyFrame of samples → ``reason`` set where the conversation cannot be trained on as it is.

    ``unfit`` is asked last: it takes the conversation's word and gives why the output format cannot hold it, or null.
    """
    message = pl.element().struct
    role, content = message.field("role"), message.field("content")
    initial = role.replace_strict(_LETTERS, default="?", return_dtype=pl.String)
    nothing = content.is_null() | content.str.contains(NOTHING)
    # The conversation as a word: `uaua`, a letter a turn, a capital where the turn says nothing.
    letters = pl.col("messages").list.eval(pl.when(nothing).then(initial.str.to_uppercase()).otherwise(initial))
    word = pl.col(_WORD)
    reason = (
        pl.when(word.is_null() | (word == ""))
        .then(pl.lit("no conversation"))
        .when(word == "UA")
        .then(pl.lit("no question and no answer"))
        .when(word.str.contains("U", literal=True))
        .then(pl.lit("no question"))
        .when(word.str.contains("A", literal=True))
        .then(pl.lit("no answer"))
        .when(word.str.starts_with("a"))
        .then(pl.lit("it begins with an answer"))
        .when(word.str.ends_with("u"))
        .then(pl.lit("the last question has no answer"))
        .when(word == "T")
        .then(pl.lit("no text"))
        .when(word.str.contains("[FO]"))
        .then(pl.lit("a tool call or its result is empty"))
        .when(~word.str.contains("^(?:(?:u(?:fo)*[af])+|t)$"))
        .then(pl.lit("two turns of one speaker in a row"))
    )
    # A column of its own: as an expression it would be worked out again in each of the branches above.
    worded = samples.with_columns(letters.list.join("").alias(_WORD))
    return worded.with_columns(reason=pl.coalesce("reason", reason, unfit(word))).drop(_WORD)
