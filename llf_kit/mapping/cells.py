"""What a cell says before any shape looks at it: nothing, a list of texts, or something told in two columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from llf_kit.mapping.rows import value_of
from llf_kit.mapping.turns import THOUGHT
from llf_kit.schema import NOTHING

# Cells in which `nan` or `无` is no text to train on. A question or an answer of that kind is rejected by screening;
# among options it may be one of them.
_MAY_BE_NOTHING = ("title", "context", "system", "label", "explanation", "thought", "history", "tools")
_TEXTS = ("title", "question", "context", "answer", "text")

_BY = ("role", "from", "speaker", "user", "username", "author", "name", "doctor")  # who wrote a reply

_GOOD = (
    *("true", "1", "yes", "y", "good", "desirable", "like", "up", "thumbs_up", "correct", "accepted", "👍"),
    *("好", "优", "良", "合格", "是", "对", "正确", "采纳", "满意", "赞", "有用"),
)
_BAD = (
    *("false", "0", "no", "n", "bad", "undesirable", "dislike", "down", "thumbs_down", "incorrect", "wrong", "👎"),
    *("差", "劣", "不合格", "否", "错", "错误", "未采纳", "不采纳", "不满意", "踩", "没用", "不正确"),
)


def mend(
    columns: Mapping[str, str], others: Mapping[str, tuple[str, ...]], *, told_apart: bool = False
) -> list[pl.Expr]:
    """The fields of ``raw`` that are read otherwise than they stand, each under its own name.

    ``told_apart`` leaves an explanation and a thought in columns of their own; else they are a part of the answer.
    """
    mended: dict[str, pl.Expr] = {}
    for role, column in columns.items():
        cell = pl.col("raw").struct.field(column)
        if role in _TEXTS:
            cell = _texts(cell)
        if role in _MAY_BE_NOTHING:
            cell = _something(cell)
        if role in others:
            cell = pl.coalesce(
                _something(cell), *(_something(_texts(pl.col("raw").struct.field(name))) for name in others[role])
            )
        mended[role] = cell
    if "answer" in mended and not told_apart:
        answer = mended["answer"]
        if "explanation" in columns:
            explained = mended.pop("explanation")
            answer = pl.coalesce(pl.concat_str(_something(answer), explained, separator="\n"), explained, answer)
        if "thought" in columns:
            both = pl.concat_str(pl.lit(THOUGHT[0]), mended.pop("thought"), pl.lit(THOUGHT[1]), answer)
            answer = pl.coalesce(both, answer)
        mended["answer"] = answer
    changed = {role for role in mended if role in (*_TEXTS, *_MAY_BE_NOTHING) or role in others}
    return [mended[role].alias(columns[role]) for role in changed]


def _something(cell: pl.Expr) -> pl.Expr:
    return pl.when(~cell.str.contains(NOTHING)).then(cell)


def _texts(cell: pl.Expr) -> pl.Expr:
    """A list of texts, as JSON or as a Python literal, becomes those texts, a line each; other cells stay."""

    def batch(cells: pl.Series) -> pl.Series:
        places = (cells.str.starts_with("[") | cells.str.starts_with("{")).fill_null(False).arg_true()
        if places.is_empty():
            return cells
        return cells.clone().scatter(places, [_joined(one) for one in cells.gather(places).to_list()])

    return cell.map_batches(batch, return_dtype=pl.String, is_elementwise=True)


def _joined(cell: str) -> str:
    value = value_of(cell)
    if isinstance(value, dict) and not _is_reply(
        value
    ):  # {"text": […], …} is SQuAD's answer, {"full_text": …} WebGPT's question
        value = value.get("text", value.get("full_text"))
    texts = _flat(value)
    return cell if texts is None else "\n".join(dict.fromkeys(texts))


def _flat(value: object) -> list[str] | None:
    """The texts of a list, and of the lists and replies in it; None where it holds anything else."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict) and _is_reply(value):
        return [value["content"]]
    if not isinstance(value, list):
        return None
    inside = [_flat(one) for one in value]
    return None if None in inside else [text for texts in inside if texts for text in texts]


def _is_reply(value: dict[str, Any]) -> bool:
    """Whether it is a text and who wrote it: ``{"user": "doctor", "content": …}``."""
    return isinstance(value.get("content"), str) and any(key in value for key in _BY)


def judged(cell: pl.Expr) -> pl.Expr:
    """Good is true, bad is false; null where the cell is neither."""
    word = cell.str.strip_chars().str.to_lowercase()
    return pl.when(word.is_in(_GOOD)).then(pl.lit(True)).when(word.is_in(_BAD)).then(pl.lit(False))
