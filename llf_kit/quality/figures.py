"""The figures of a dataset: distributions of lengths, scores, faults, flags and units."""

from __future__ import annotations

from typing import Any

import polars as pl

from llf_kit.quality.words import Language
from llf_kit.screening import quality
from llf_kit.screening.standard import Standard

_LENGTHS = (0, 5, 10, 20, 40, 80, 160, 320, 640, 1280)
_SCORES = tuple(range(0, 100, 10))
_MOST_UNITS = 30

# What stands after a number: an amount or a power of ten over a volume or a time, or one of a few that stand alone.
_POWER = r"[×xX*]\s*10\s*\^?\s*[0-9⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}"
_AMOUNT = r"[kmnpfμµu]?(?:mol|g|L|l|U|IU|eq|Eq|m|s)|%|mOsm|个|cells?|copies|拷贝|次|滴"
_OVER = r"[mdcμµunfk]?[Ll]|min|h|d|s|kg|g|mol|HPF|LPF|HP|LP|1\.73"
_ALONE = r"%|％|‰|℃|°C|mmHg|kPa|[fm]?[Ll]|[μµu]L|[pnμµmk]?g|m?mol|[nμcm]?m|min|h|d|s"
_RULE = r"[0-9]+-[0-9]+[sx]"  # Westgard's, whose s is no second
_UNIT = rf"[0-9]\s*((?:{_POWER}\s*)?(?:{_AMOUNT})?/\s*(?:{_OVER})|{_ALONE}|{_POWER})(?:[^A-Za-z/]|$)"


def lengths(rows: pl.DataFrame) -> dict[str, Any]:
    """How many rows have a question, or an answer, of so many units."""
    counted = quality.lengths(rows.lazy()).collect()
    return {
        name: {
            "from": list(_LENGTHS),
            "rows": _histogram(counted[name], _LENGTHS),
            "median": _number(counted[name].median()),
        }
        for name in ("question", "answer")
    }


def scores(rows: pl.DataFrame, standard: Standard, language: Language) -> dict[str, Any]:
    """The distribution of the scores, the mean of each part, and how many rows have each fault."""
    score = rows[quality.SCORE]
    parts = rows[quality.PARTS].struct.unnest()
    counted = dict(rows[quality.FAULTS].explode().drop_nulls().value_counts(sort=True).iter_rows())
    points = losses(standard)
    return {
        "mean": _number(score.mean()),
        "median": _number(score.median()),
        "from": list(_SCORES),
        "rows": _histogram(score, _SCORES),
        "parts": [
            {
                "part": name,
                "says": part.zh if language == "zh" else part.en,
                "means": part.means_zh if language == "zh" else part.means_en,
                "weight": part.weight,
                "mean": _number(parts.filter(score.is_not_null())[name].mean()),
            }
            for name, part in standard.parts.items()
        ],
        "faults": [
            {"fault": name, "says": standard.say(name, language), "points": points[name], "rows": number}
            for name, number in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        ],
    }


def losses(standard: Standard) -> dict[str, float]:
    """How many of the 100 points each fault costs by itself."""
    return {
        fault: round(part.weight * one.loss, 1)
        for part in standard.parts.values()
        for fault, one in part.faults.items()
    }


def units(texts: pl.Series) -> list[dict[str, Any]]:
    """What stands after numbers as a unit, the most frequent first; without blanks, otherwise as it is written."""
    plain = texts.drop_nulls().str.replace_all(_RULE, " ")
    found = plain.str.extract_all(_UNIT).explode().drop_nulls().str.extract(_UNIT, 1)
    counted = found.str.replace_all(r"\s", "").value_counts(sort=True, name="number")
    pairs = sorted(counted.iter_rows(), key=lambda pair: (-pair[1], pair[0]))
    return [{"unit": unit, "number": number} for unit, number in pairs[:_MOST_UNITS]]


def flags(rows: pl.DataFrame) -> dict[str, int]:
    """How many rows have a flag of each kind, the most frequent first."""
    kinds = rows.select("row", kinds=pl.col("flags").list.eval(pl.element().struct.field("kind")).list.unique())
    counted = kinds.explode("kinds")["kinds"].drop_nulls().value_counts()
    return dict(sorted(counted.iter_rows(), key=lambda pair: (-pair[1], pair[0])))


def _histogram(values: pl.Series, begins: tuple[int, ...]) -> list[int]:
    """How many values stand from each beginning to the next; the last has no end."""
    known = values.drop_nulls()
    return [
        int(((known >= begin) & (known < end)).sum())
        for begin, end in zip(begins, (*begins[1:], float("inf")), strict=True)
    ]


def _number(value: Any) -> float | None:
    return None if value is None else round(float(value), 1)
