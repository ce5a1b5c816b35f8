"""Characters that have a twin of the same meaning: line ends, spaces, marks that nobody sees, the micro sign, ㎎."""

from __future__ import annotations

import polars as pl

from llf_kit.cleaning.text.rules import Rule

# U+3000 ideographic space, U+00A0 and U+202F no-break spaces, U+2000 to U+200A of typography, U+205F of mathematics
_SPACES = "[\u3000\u00a0\u202f\u2000-\u200a\u205f]"
# zero-width space and (non-)joiners, word joiner and invisible operators, byte order mark, soft hyphen, marks of
# direction, interlinear annotation, and control characters but for tab and line feed
_INVISIBLE = "[\u200b-\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\u00ad\ufff9-\ufffb\x00-\x08\x0e-\x1f\x7f]"
_LINE_END = "\r\n?|[\x0b\x0c\u2028\u2029]"  # the vertical tab is how Office breaks a line inside a paragraph

# CJK Compatibility (U+3300) has units in one character; written out as the rest of the text writes them.
_SQUARED = {
    "㎎": "mg",
    "㎏": "kg",
    "㎍": "μg",
    "㎜": "mm",
    "㎝": "cm",
    "㎞": "km",
    "㎛": "μm",
    "㎚": "nm",
    "㎖": "mL",
    "㎗": "dL",
    "㎕": "μL",
    "㎡": "m²",
    "㎥": "m³",
    "㎠": "cm²",
    "㎤": "cm³",
    "㎟": "mm²",
    "㎣": "mm³",
    "㎰": "ps",
    "㎱": "ns",
    "㎲": "μs",
    "㎳": "ms",
    "㎐": "Hz",
    "㎑": "kHz",
    "㎒": "MHz",
    "㎩": "Pa",
    "㎪": "kPa",
    "㎫": "MPa",
    "㏖": "mol",
    "㎾": "kW",
    "㏗": "pH",
}


def _write_out(texts: pl.Series) -> pl.Series:
    return texts.str.replace_many(list(_SQUARED), list(_SQUARED.values()))


RULES = (
    Rule("line end", _LINE_END, lambda texts: texts.str.replace_all(_LINE_END, "\n")),
    Rule("space", _SPACES, lambda texts: texts.str.replace_all(_SPACES, " ")),
    Rule("invisible character", _INVISIBLE, lambda texts: texts.str.replace_all(_INVISIBLE, "")),
    # MICRO SIGN to GREEK MU, so that a unit has one spelling
    Rule("micro sign", "µ", lambda texts: texts.str.replace_all("µ", "μ", literal=True)),
    Rule("unit in one character", f"[{''.join(_SQUARED)}]", _write_out),
)
