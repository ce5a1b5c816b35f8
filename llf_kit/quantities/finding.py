"""Finds quantities in texts: all texts of a batch at once, in polars' linear-time engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

import polars as pl

from llf_kit.quantities import patterns
from llf_kit.quantities.analytes import analytes, by_key
from llf_kit.quantities.units import units

FOUND: dict[str, pl.DataType] = {
    "text": pl.UInt32(),
    "written": pl.String(),
    "name": pl.String(),
    "analyte": pl.String(),
    "weak": pl.Boolean(),
    "change": pl.Boolean(),
    "comparator": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "unit": pl.String(),
    "other": pl.Boolean(),
    "arrow": pl.String(),
    "reference_low": pl.Float64(),
    "reference_high": pl.Float64(),
    "reference_unit": pl.String(),
}
_CHANGE = r"升|降|增|rose|fell|increased|decreased"
_REACHED = r"至|到|为|达|是|is|was|to"
_FROM = "[从由自]|from"
_OTHER = ""  # in place of the code of a unit that is none of a result


# A quantity with one number, which is a plain one.
_PLAIN = r"[0-9]+(?:\.[0-9]+)?"
_ONE = rf"^[^0-9]*{_PLAIN}[^0-9]*$"


def find_all(
    texts: pl.Series, *, alone: bool = False, known: Callable[[pl.DataFrame], pl.DataFrame] | None = None
) -> pl.DataFrame:
    """Quantities in ``texts`` (String, null allowed): a DataFrame of :data:`FOUND`, a row a quantity, in their order.

    ``text`` is the place of the text in the series. ``name`` is the analyte as written, ``analyte`` its key in the
    table, null where the name means something else, or another specimen; ``weak`` where the name means other things
    too. ``high`` is set for an interval. ``unit`` is a UCUM code; ``other`` is true where what follows the number is no
    unit of a result (a dose, a count, a time) or was not understood. ``arrow`` is ↑ or ↓. ``change`` is true where the
    number says by how much something rose or fell. The ``reference`` is the interval that stands right behind.

    Without ``alone`` only numbers with a name, and intervals with a unit, are looked for.

    ``known`` may add columns that follow from the others, ``low`` apart: it is given a row for all quantities that
    differ in nothing but their number, so that what is the same for many is looked up once.
    """
    found = _found(_parted(texts), alone)
    found = found.with_columns(like=_like(pl.col("written")))
    kinds = _apart(found["like"].unique())
    found = found.join(known(kinds) if known else kinds, on="like", maintain_order="left")
    number = pl.col("written").str.strip_prefix(pl.col("before")).str.strip_suffix(pl.col("after")).cast(pl.Float64)
    low = pl.coalesce(number, "low")
    found = found.with_columns(low=pl.when("negative").then(-low).otherwise(low))
    return found.drop("like", "before", "after", "negative")


def named(texts: pl.Series) -> list[frozenset[str]]:
    """The keys of the analytes that each text names, with or without a number; not by a name with other meanings."""
    found = texts.str.extract_all(patterns.head()).to_list()
    meant = ([_meant(head) for head in heads or ()] for heads in found)
    return [frozenset(key for _, key, weak in names if key and not weak) for names in meant]


def _parted(texts: pl.Series) -> pl.DataFrame:
    """The texts with a number, by ``text``; those that may hold intervals in ``part``s, which stay in their order."""
    places = texts.str.contains("[0-9]").fill_null(False).arg_true()
    parts = pl.DataFrame({"text": places.cast(pl.UInt32), "part": texts.gather(places)})
    parts = parts.with_columns(dash=pl.col("part").str.contains(patterns.DASH))
    # what stands behind the word LOINC and its commas is a code
    cut = pl.col("dash") & ~pl.col("part").str.contains("LOINC", literal=True)
    small = parts.filter(cut).with_columns(pl.col("part").str.extract_all(patterns.PART)).explode("part")
    if small.is_empty():
        return parts
    small = small.with_columns(dash=pl.col("part").str.contains(patterns.DASH))
    return pl.concat([parts.filter(~cut), small]).sort("text", maintain_order=True)


def _found(parts: pl.DataFrame, alone: bool) -> pl.DataFrame:
    """The quantities as ``written``, by ``text``.

    What a part has no sign of is not looked for there: with names and intervals in one pattern the engine needs more
    room for its automaton than it has, and is many times as slow.
    """
    part, dash = pl.col("part"), pl.col("dash")
    name = pl.when(dash).then(part).str.contains_any(patterns.names(), ascii_case_insensitive=True)
    parts = parts.with_columns(name=name)
    written = [
        pl.when(sign).then(part).str.extract_all(patterns.some(names=names, intervals=intervals, numbers=alone))
        for sign, names, intervals in (
            (~dash, True, False),
            (dash & ~pl.col("name"), False, True),
            (dash & pl.col("name"), True, True),
        )
    ]
    found = parts.select("text", written=pl.coalesce(written))
    return found.filter(pl.col("written").list.len() > 0).explode("written")


def _like(written: pl.Expr) -> pl.Expr:
    """0 in place of the only number: what differs in nothing else is taken apart once."""
    return pl.when(written.str.contains(_ONE)).then(written.str.replace(_PLAIN, "0")).otherwise(written)


def _peel(rest: pl.Series, pattern: str) -> tuple[pl.Series, pl.Series]:
    """What ``rest`` begins with, null where it does not, and what is left of it."""
    if (rest == "").all():
        return pl.repeat(None, len(rest), dtype=pl.String, eager=True), rest
    # extract_all needs no captures and so stays in the fast engine; a pattern at the start finds one at most
    part = rest.str.extract_all(f"^(?:{pattern})").list.first()
    left = pl.select(pl.lit(rest).str.strip_prefix(pl.lit(part).fill_null(""))).to_series()
    return part, left


def _apart(different: pl.Series) -> pl.DataFrame:
    """The parts of each quantity, by ``like``; ``before`` and ``after`` are what stands around its only number."""
    head, rest = _peel(different, patterns.head())
    skipped = head.is_null()
    if skipped.any():
        skipped &= _peel(different, patterns.SKIPPED)[0].is_not_null()
    between, rest = _peel(rest, patterns.BETWEEN)
    comparator, rest = _peel(rest, patterns.COMPARATOR)
    arrow, rest = _peel(rest, patterns.ARROW)
    sign, rest = _peel(rest, patterns.SIGN)
    low, rest = _peel(rest, patterns.NUMBER)
    found = pl.DataFrame([different.alias("like")]).with_columns(
        head=head, between=between, comparator=comparator, first_arrow=arrow, sign=sign, low=low, rest=rest
    )
    found = found.filter(~skipped & low.is_not_null())
    # `血钾为 2823-3`: a code
    found = found.filter(~pl.col("like").str.contains("[0-9]{3,7}-[0-9]$"))
    return _read(found.hstack(_behind(found["rest"])))


def _behind(rest: pl.Series) -> pl.DataFrame:
    """What follows the first number."""
    parts: dict[str, pl.Series] = {}
    parts["first_unit"], rest = _peel(rest, patterns.unit())
    dash, left = _peel(rest, patterns.TO)
    high, left = _peel(left, patterns.NUMBER)
    high = high.set(dash.is_null(), None)
    rest = left.zip_with(high.is_not_null(), rest)
    parts["high"] = high
    parts["last_unit"], rest = _peel(rest, patterns.unit())
    parts["tail"], rest = _peel(rest, patterns.TAIL)
    parts["arrow"], rest = _peel(rest, patterns.ARROW)
    _, rest = _peel(rest, patterns.REFERENCE)
    parts["reference_low"], rest = _peel(rest, patterns.NUMBER)
    _, rest = _peel(rest, patterns.unit())
    dash, rest = _peel(rest, patterns.TO)
    parts["reference_high"], rest = _peel(rest, patterns.NUMBER)
    parts["reference_low"] = parts["reference_low"].set(dash.is_null() | parts["reference_high"].is_null(), None)
    parts["reference_unit"], _ = _peel(rest, patterns.unit())
    return pl.DataFrame(parts)


def _read(found: pl.DataFrame) -> pl.DataFrame:
    """The parts as numbers, keys and codes."""
    found = found.join(_meanings(found["head"]), on="head", how="left", maintain_order="left")
    written = pl.concat([found["first_unit"], found["last_unit"], found["reference_unit"]]).drop_nulls().unique()
    codes = {text: _code(text) for text in written}
    unit = _looked_up(pl.coalesce("last_unit", "first_unit"), codes)
    titre = pl.col("low").str.contains("[:：]")
    between = pl.col("between").str
    rose = between.contains(_CHANGE) & ~between.contains(_REACHED)
    numbers = {name: _number(found[name]) for name in ("low", "high", "reference_low", "reference_high")}
    around = pl.when(pl.col("like").str.contains(_ONE)).then(pl.col("like").str.split_exact("0", 1)).struct
    return found.with_columns(**{f"{name}_number": number for name, number in numbers.items()}).select(
        "like",
        "name",
        "analyte",
        "weak",
        change=(rose | between.contains(_FROM)).fill_null(False),
        comparator=_looked_up(pl.col("comparator").str.strip_chars().str.to_lowercase(), patterns.COMPARATORS),
        low="low_number",
        high="high_number",
        unit=pl.when(titre).then(pl.lit("{titer}")).when(pl.col("tail").is_null() & (unit != _OTHER)).then(unit),
        other=(pl.col("tail").is_not_null() | (unit == _OTHER)).fill_null(False),
        arrow=pl.coalesce("first_arrow", "arrow").str.strip_chars().str.replace("⬆", "↑").str.replace("⬇", "↓"),
        reference_low="reference_low_number",
        reference_high="reference_high_number",
        reference_unit=_looked_up(pl.col("reference_unit"), codes),
        # Elsewhere the stroke is a dash: `血糖-5.6`
        negative=(pl.col("sign").is_not_null() & pl.col("signed")).fill_null(False),
        before=around.field("field_0"),
        after=around.field("field_1"),
    )


def _looked_up(column: pl.Expr, table: Mapping[str, str]) -> pl.Expr:
    """What the table has for it, or null."""
    if not table:
        return pl.lit(None, dtype=pl.String)
    return column.replace_strict(table, default=None, return_dtype=pl.String)


def _number(written: pl.Series) -> pl.Series:
    if written.str.contains("[^0-9.]").any():  # titres, thousands, full-width points
        written = written.str.replace(".*[:：]", "").str.replace_all(",", "").str.replace("．", ".")
    return written.cast(pl.Float64, strict=False)


def _meanings(heads: pl.Series) -> pl.DataFrame:
    """Name, key and weakness of each different head, and whether its values may be negative."""
    different = heads.drop_nulls().unique()
    meant = [_meant(head) for head in different]
    return pl.DataFrame(
        {
            "head": different,
            "name": pl.Series([name for name, _, _ in meant], dtype=pl.String),
            "analyte": pl.Series([key for _, key, _ in meant], dtype=pl.String),
            "weak": pl.Series([weak for _, _, weak in meant], dtype=pl.Boolean),
            "signed": pl.Series([key is not None and by_key()[key].low < 0 for _, key, _ in meant], dtype=pl.Boolean),
        }
    )


@cache
def _names() -> dict[str, tuple[str, bool]]:
    """The key of every name, and whether it is weak; English ones in small letters."""
    table: dict[str, tuple[str, bool]] = {}
    for analyte in analytes():
        for name in (*analyte.zh, *analyte.abbreviations):
            table[name] = (analyte.key, name in analyte.weak)
        for name in analyte.en:
            table[name.lower()] = (analyte.key, name in analyte.weak)
    return table


@lru_cache(maxsize=65_536)
def _meant(head: str) -> tuple[str, str | None, bool]:
    """Name, key and weakness of what stands before a number."""
    name = head
    if name not in _names() and name.lower() not in _names():
        name = re.sub(r"[ \t]?[（(][^（()）]*[)）]$", "", name)
    if name not in _names():
        name = re.sub("[+⁺]$", "", name)
    key, weak = _names().get(name) or _names().get(name.lower()) or (None, False)
    return name, key, weak


@cache
def _spellings() -> dict[str, str]:
    return {_plain(spelling): unit.ucum for unit in units().values() for spelling in unit.spellings}


@lru_cache(maxsize=65_536)
def _code(text: str) -> str:
    """The UCUM code of a unit as written."""
    return _spellings().get(_plain(text), _OTHER)


_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹／％Ｌμµ", "0123456789/%Luu")


def _plain(text: str) -> str:
    """One spelling for all that differ in case, blanks, width, or the way a power of ten is written."""
    plain = re.sub(r"\s+", "", text.translate(_DIGITS)).lower()
    return re.sub(r"^[×x✕*·]?10(?:\^|\*{1,2}|e)?(\d{1,2})(?=/)", r"10^\1", plain)
