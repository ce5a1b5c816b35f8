"""What may be changed in laboratory text without changing what it says: an explicit table, and nothing else.

Never NFKC: it turns ``10⁹/L`` into ``109/L`` and full-width Chinese punctuation into ASCII.
"""

from __future__ import annotations

import polars as pl

from llf_kit.cleaning import sparing

# U+3000 ideographic space, U+00A0 and U+202F no-break spaces
_SPACES = "[\u3000\u00a0\u202f]"
# zero-width space and (non-)joiners, word joiner, byte order mark, soft hyphen, directional marks, control characters
_INVISIBLE = "[\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\\x00-\\x08\\x0e-\\x1f\\x7f]"
_NEWLINE = "\r\n?|[\\v\\f\u2028\u2029]"  # the vertical tab is how Office breaks a line inside a paragraph
_MICRO = "µ"
_SIGN = f"{_SPACES}|{_INVISIBLE}|{_NEWLINE}|{_MICRO}"


def _clean(content: pl.Expr) -> pl.Expr:
    return sparing.change(content, _SIGN, _replace).str.strip_chars()


def _replace(texts: pl.Series) -> pl.Series:
    return (
        texts.str.replace_all(_NEWLINE, "\n")
        .str.replace_all(_SPACES, " ")
        .str.replace_all(_INVISIBLE, "")
        .str.replace_all(_MICRO, "μ", literal=True)  # MICRO SIGN to GREEK MU, so that a unit has one spelling
    )


def stage(samples: pl.LazyFrame) -> pl.LazyFrame:
    """LazyFrame of samples → the same columns, with its texts cleaned."""
    message = pl.element().struct
    content = _clean(message.field("content")).alias("content")
    return samples.with_columns(
        _clean(pl.col("system")),
        _clean(pl.col("label")),
        _clean(pl.col("rejected")),
        messages=pl.col("messages").list.eval(message.with_fields(content)),
    )
