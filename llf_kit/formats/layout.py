"""What several formats are made of: Alpaca's columns, turns with a speaker, and the reasons not to fit."""

from __future__ import annotations

import polars as pl

from llf_kit.schema import ASSISTANT, FUNCTION, NOTHING, OBSERVATION, USER

_CONTENT = pl.element().struct.field("content")

SHAREGPT = {USER: "human", ASSISTANT: "gpt", FUNCTION: "function_call", OBSERVATION: "observation"}
OPENAI = {USER: "user", ASSISTANT: "assistant", FUNCTION: "function_call", OBSERVATION: "tool"}


def tags(names: dict[str, str], role: str, content: str) -> dict[str, str]:
    """The tags of a dataset_info entry, all of them: partial tags lose LLaMA-Factory's own defaults."""
    kinds = {"user": USER, "assistant": ASSISTANT, "observation": OBSERVATION, "function": FUNCTION}
    named = {f"{kind}_tag": names[of] for kind, of in kinds.items()}
    return {"role_tag": role, "content_tag": content, **named, "system_tag": "system"}


def text(column: str) -> pl.Expr:
    """A column of texts, ``""`` where there is none.

    LLaMA-Factory takes both for none; but a column that is null for the first ten megabytes of a file, and text after
    them, ends its loading (datasets 4.0: "Couldn't cast array of type string to null").
    """
    return pl.col(column).fill_null("")


def last() -> pl.Expr:
    """The text of the last turn."""
    return pl.col("messages").list.last().struct.field("content")


def alpaca() -> dict[str, pl.Expr]:
    """Alpaca's columns up to the answer: the last question is ``instruction``, the turns before it are ``history``.

    ``input`` stays empty: a context already stands under the question, where LLaMA-Factory would put it.
    """
    content = pl.col("messages").list.eval(_CONTENT)
    # Null where there are none: pairing goes list by list, and an empty one costs as much as a full one.
    earlier = pl.when(content.list.len() > 2).then(content.list.head(content.list.len() - 2))
    pairs = pl.concat_list(pl.element().gather_every(2), pl.element().gather_every(2, 1))
    return {
        "instruction": content.list.get(-2, null_on_oob=True),
        "input": pl.lit(""),
        "system": text("system"),
        "history": earlier.list.eval(pairs).fill_null(pl.lit([], dtype=pl.List(pl.List(pl.String)))),
    }


ALPACA_COLUMNS = {"prompt": "instruction", "query": "input", "system": "system", "history": "history"}
NESTED = '"history":[["'  # how a row looks that shows the type of `history`


def spoken(messages: pl.Expr, names: dict[str, str], role: str, content: str) -> pl.Expr:
    """Messages with their speakers under the names and keys of a format."""
    speaker = pl.element().struct.field("role").replace_strict(names, return_dtype=pl.String, default=None)
    return messages.list.eval(pl.struct(speaker.alias(role), _CONTENT.alias(content)))


def plain_text(word: pl.Expr) -> pl.Expr:
    """Why a plain text is no conversation; ``word`` has a letter a turn (see screening/validity.py)."""
    return pl.when(word == "t").then(pl.lit("a plain text without a question; --format pretrain takes it"))


def tool_calls(word: pl.Expr) -> pl.Expr:
    """Why Alpaca cannot hold a conversation with tools."""
    has = pl.col("tools").is_not_null() | word.str.contains("f", literal=True)
    return pl.when(has).then(pl.lit("tools and their calls; --format sharegpt takes them"))


def bad() -> pl.Expr:
    """Why an answer that was judged bad is not trained on as if it were good."""
    return pl.when(~pl.col("desirable")).then(pl.lit("an answer marked bad; --format kto takes it"))


def no_pair() -> pl.Expr:
    """Why a sample is no preference pair."""
    worse = pl.col("rejected")
    return (
        pl.when(worse.is_null() | worse.str.contains(NOTHING))
        .then(pl.lit("no worse answer to prefer its answer to"))
        .when(worse == last())
        .then(pl.lit("both answers of its pair are the same"))
    )
