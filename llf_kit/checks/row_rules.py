"""What is asked of every row, as polars expressions: true where the row breaks the rule.

``suspect`` is the one rule that decides nothing: a row that it leaves alone is trained on, of the others
:mod:`llf_kit.upstream.aligned` says what upstream makes of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from llf_kit.upstream.aligned import Attributes

# What is left of Chinese and accents that were decoded by a wrong table: the byte order mark and UTF-8 read as
# Windows-1252, replacement characters read as GBK, and fresh memory of a debugger read as GBK.
DAMAGE = "\ufffd|ï»¿|Ã[©¨¤¶¼±¡\u00ad]|â€[œ™\u009d]|锟斤拷|烫烫烫|屯屯屯"
MARKS = {"images": "<image>", "videos": "<video>", "audios": "<audio>"}  # extras/constants.py

# A conversation as a word, a letter a turn, a capital where the turn says nothing; `?` has an unknown tag.
_LETTERS = {"system": "s", "user": "u", "observation": "o", "assistant": "a", "function": "f"}
_SOUND = r"^[sS]?(?:[uoUO][afAF])+$"
_SOUND_BEFORE_A_PAIR = r"^[sS]?(?:[uoUO][afAF])*[uoUO]$"
_BLANK = r"^\s*$"


@dataclass(frozen=True)
class Columns:
    """The columns of an entry as one block has them: ``""`` where the entry names none, or the block lacks it."""

    one: Attributes
    schema: pl.Schema
    stage: str

    def name(self, role: str) -> str:
        """The column of ``role`` if the block has it."""
        found = self.one.columns.get(role)
        return found if found and found in self.schema else ""

    def texts(self, *roles: str) -> list[pl.Expr]:
        """The columns of ``roles`` that hold texts, null as the empty one."""
        names = [name for role in roles if (name := self.name(role))]
        return [pl.col(name).fill_null("") for name in names if self.schema[name] == pl.String]

    def answers(self) -> list[pl.Expr]:
        """The column of answers, if it holds texts; null stays null, for such a row is dropped and not learnt from."""
        name = self.name("response")
        return [pl.col(name)] if name and self.schema[name] == pl.String else []

    @property
    def talk(self) -> str:
        """The column of turns, if the entry has turns and the block has them with their two keys."""
        name = self.name("messages") if self.one.formatting != "alpaca" else ""
        return name if name and {self.role, self.content} <= keys(self.schema[name]) else ""

    @property
    def role(self) -> str:
        """The key of a turn that says who speaks."""
        return str(self.one.tags.get("role_tag"))

    @property
    def content(self) -> str:
        """The key of a turn that says what."""
        return str(self.one.tags.get("content_tag"))

    @property
    def pairs(self) -> str:
        """The column of earlier turns, if it is made of lists of texts."""
        name = self.name("history") if self.one.formatting == "alpaca" else ""
        return name if name and self.schema[name] == pl.List(pl.List(pl.String)) else ""


def keys(kind: pl.DataType) -> set[str]:
    """The keys of the objects in a list."""
    inner = kind.inner if isinstance(kind, pl.List) else None
    return {part.name for part in inner.fields} if isinstance(inner, pl.Struct) else set()


def word(columns: Columns) -> pl.Expr:
    """The conversation as a word."""
    letters = {str(tag): _LETTERS[role] for tag, role in columns.one.roles.items() if tag}
    turn = pl.element().struct
    content = turn.field(columns.content)
    if dict(_fields(columns.schema[columns.talk])).get(columns.content) == pl.String:
        blank = content.is_null() | content.str.contains(_BLANK)
    else:
        blank = content.is_null()
    letter = turn.field(columns.role).cast(pl.String).replace_strict(letters, default="?", return_dtype=pl.String)
    return (
        pl.col(columns.talk).list.eval(pl.when(blank).then(letter.str.to_uppercase()).otherwise(letter)).list.join("")
    )


def _fields(kind: pl.DataType) -> list[tuple[str, object]]:
    inner = kind.inner if isinstance(kind, pl.List) else None
    return [(part.name, part.dtype) for part in inner.fields] if isinstance(inner, pl.Struct) else []


def suspect(columns: Columns, spoken: pl.Expr) -> pl.Expr:
    """Whether upstream may not train on the row; ``spoken`` is its word, where it has one."""
    wanted = [*_answers(columns), *(("system", pl.String), ("tools", pl.String))]
    judged = bool(columns.one.columns.get("kto_tag"))
    doubts = [pl.lit(True)] if columns.stage in ("sft", "rm", "dpo") and judged else []
    for role, kind in wanted:
        optional = role in ("system", "tools")
        name = columns.name(role)
        if not name:
            doubts += [] if optional else [pl.lit(True)]
        elif columns.schema[name] != kind:
            doubts += [pl.col(name).is_not_null()] if optional else [pl.lit(True)]
        elif not optional:
            doubts.append(pl.col(name).is_null())
    if columns.one.formatting == "alpaca":
        doubts += _doubts_of_questions(columns)
    else:
        doubts += _doubts_of_turns(columns, spoken)
    return pl.any_horizontal(doubts) if doubts else pl.lit(False)


def _answers(columns: Columns) -> Iterator[tuple[str, pl.DataType | type[pl.DataType]]]:
    one, alpaca = columns.one, columns.one.formatting == "alpaca"
    if columns.stage == "ppo":  # it asks, and answers by itself; so does a prediction
        return
    if one.columns.get("kto_tag"):
        yield "kto_tag", pl.Boolean
    if one.ranking and alpaca:
        yield from (("chosen", pl.String), ("rejected", pl.String))
    elif alpaca and columns.stage != "pt":
        yield "response", pl.String


def _doubts_of_questions(columns: Columns) -> Iterator[pl.Expr]:
    for role in ("prompt", "query"):
        if (name := columns.name(role)) and columns.schema[name] not in (pl.String, pl.Null):
            yield pl.col(name).is_not_null()
    name = columns.name("history")
    if name and columns.pairs:
        pair = pl.element()
        odd = (pair.list.len() != 2) | pair.is_null() | pair.list.contains(None)
        yield pl.col(name).list.eval(odd.fill_null(True)).list.any() & (pl.col(name).list.len() > 0)
    elif name and columns.schema[name] not in (pl.Null, pl.List(pl.Null)):
        yield pl.col(name).is_not_null()


def _doubts_of_turns(columns: Columns, spoken: pl.Expr) -> Iterator[pl.Expr]:
    if not columns.talk or columns.one.formatting == "openai" or columns.one.ranking:
        yield pl.lit(True)
        return
    said = pl.element().struct.field(columns.content)
    if dict(_fields(columns.schema[columns.talk]))[columns.content] != pl.String:
        yield pl.lit(True)
    yield spoken.is_null() | ~spoken.str.contains(_SOUND_BEFORE_A_PAIR if columns.one.ranking else _SOUND)
    yield pl.col(columns.talk).list.eval(said.is_null()).list.any()


def rules(columns: Columns, spoken: pl.Expr) -> Iterator[tuple[str, pl.Expr]]:
    """The name of each rule that the block can break, and where it does."""
    if columns.talk:
        yield "empty question", spoken.str.contains("U", literal=True)
        yield "empty answer", spoken.str.contains("[AF]")
    elif columns.one.formatting == "alpaca":
        if asked := columns.texts("prompt", "query"):
            yield "empty question", pl.all_horizontal(text.str.contains(_BLANK) for text in asked)
        answers = [] if columns.stage == "pt" or columns.one.ranking else columns.answers()
        yield from (("empty answer", answer.str.contains(_BLANK)) for answer in answers)
    better, worse = columns.texts("chosen"), columns.texts("rejected")
    if columns.one.ranking and better and worse:
        yield "empty answer", better[0].str.contains(_BLANK) | worse[0].str.contains(_BLANK)
        yield "same answers", better[0] == worse[0]


def signs(columns: Columns) -> pl.Expr | None:
    """Whether a text has any sign that :func:`rules_of_signs` looks for, or media: one search for all of them."""
    text = everything(columns)
    if text is None or any(columns.name(role) for role in MARKS):
        return None if text is None else pl.lit(True)
    return text.str.contains("|".join((DAMAGE, *MARKS.values())))


def rules_of_signs(columns: Columns) -> Iterator[tuple[str, pl.Expr]]:
    """As :func:`rules`, for blocks that have such signs."""
    text = everything(columns)
    if text is not None:
        yield "damage", text.str.contains(DAMAGE)
        for role, mark in MARKS.items():
            yield role, _marks(columns, role, text.str.count_matches(mark, literal=True))


def _marks(columns: Columns, role: str, marks: pl.Expr) -> pl.Expr:
    """Where there are not as many marks as there is of what they stand for."""
    name = columns.name(role)
    if not name:
        return marks > 0
    if isinstance(columns.schema[name], pl.List):
        there = pl.col(name).list.len().fill_null(0)
    else:
        there = pl.col(name).is_not_null().cast(pl.UInt32)
    return marks != there


def everything(columns: Columns) -> pl.Expr | None:
    """All texts of a row that upstream shows to the model, as one; None where there is none."""
    roles = ("system", "prompt", "query", "response") if columns.one.formatting == "alpaca" else ("system",)
    parts = columns.texts(*roles, *(("chosen",) if columns.one.ranking else ()))
    if columns.pairs:
        pair = pl.element().list.join("\n", ignore_nulls=True)
        parts.append(pl.col(columns.pairs).list.eval(pair).list.join("\n", ignore_nulls=True).fill_null(""))
    if columns.talk and dict(_fields(columns.schema[columns.talk]))[columns.content] == pl.String:
        said = pl.element().struct.field(columns.content)
        parts.append(pl.col(columns.talk).list.eval(said).list.join("\n", ignore_nulls=True).fill_null(""))
    return pl.concat_str(parts, separator="\n") if parts else None


def question(columns: Columns) -> pl.Expr | None:
    """What makes two rows one question, as a hash: its first turn without white space (as splitting.py has it)."""
    if columns.talk:
        turns = pl.col(columns.talk)
        begins_with_system = turns.list.first().struct.field(columns.role) == str(columns.one.tags.get("system_tag"))
        second = turns.list.get(1, null_on_oob=True)
        turn = pl.when(begins_with_system.fill_null(False)).then(second).otherwise(turns.list.first())
        first = turn.struct.field(columns.content).cast(pl.String)
    elif asked := columns.texts("prompt", "query"):
        first = pl.concat_str(asked)
        if columns.pairs:
            earlier = pl.col(columns.pairs).list.first().list.first()
            first = pl.coalesce(earlier, first)
    else:
        return None
    asks = first.str.replace_all(r"[ \n\t]", "")
    return pl.when(asks != "").then(asks.hash())


def whole(columns: Columns) -> pl.Expr:
    """What makes two rows the same, as a hash."""
    names = sorted({name for role in columns.one.columns if (name := columns.name(role))})
    return pl.struct(names).hash() if names else pl.lit(0, pl.UInt64)
