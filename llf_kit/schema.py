"""The nouns that every stage shares: the table of raw rows, the table of samples, and the entry of a dataset.

**Raw rows** are what a reader yields, whatever the container was:

======== ================= ==========================================================================
column   type              meaning
======== ================= ==========================================================================
source   String            file name, with ``#sheet`` where the container has parts
row      Int64             place in that file as its users count: the header of a table is row 1
reason   String or null    why the reader could not read this row
raw      Struct of String  the row itself; a list or an object inside it stands as JSON text
======== ================= ==========================================================================

**A sample** is what mapping makes of a raw row and what every later stage works on:

========= ============================= ==============================================================
column    type                          meaning
========= ============================= ==============================================================
source    String                        as above; messages about data say ``source:row``
row       Int64                         as above
messages  List[Struct{role, content}]   the conversation; its roles are the constants below
system    String or null                the system prompt
tools     String or null                the tools that the assistant may call, as JSON text
rejected  String or null                the worse answer of a preference pair; the better ends ``messages``
desirable Boolean or null               whether the answer was judged good, for KTO
label     String or null                the sub-scenario, for balanced splits and for evaluation
reason    String or null                why this row is rejected; null means that it is kept
========= ============================= ==============================================================

Cleaning adds ``flags`` (List[:data:`FLAG`]), screening adds ``duplicate`` (Boolean) and more flags, and splitting adds
``side`` (UInt8: see :func:`llf_kit.splitting.parts`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

# The roles of a turn, named as LLaMA-Factory names them inside, and the one turn of a plain text.
USER = "user"
ASSISTANT = "assistant"
FUNCTION = "function"  # the assistant calls tools: JSON, ``[{"name", "arguments"}]``
OBSERVATION = "observation"  # what the tools answered
TEXT = "text"

CJK = re.compile(r"[\u3400-\u9fff]")  # whether a text is answered, or masked, in Chinese

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def mostly(texts: Iterable[str]) -> Language:
    """The language of most of ``texts``, which is that of their reader."""
    chinese = [bool(CJK.search(text)) for text in texts]
    return "zh" if 2 * sum(chinese) > len(chinese) else "en"


# The traditional characters of the words by which columns, speakers and parts of a text are known
SIMPLIFIED = str.maketrans(
    "問題詢諮覆選項類別標對話會歷專業幹補充說備場參正確統試複醫師內輸憶較優質絕維鏈過評價饋滿護檢驗實臨顧機學員屬戶處",
    "问题询咨复选项类别标对话会历专业干补充说备场参正确统试复医师内输忆较优质绝维链过评价馈满护检验实临顾机学员属户处",
)


_TRADITIONAL: dict[str, str] = {}
for _old, _new in SIMPLIFIED.items():
    _TRADITIONAL[chr(_new)] = _TRADITIONAL.get(chr(_new), "") + chr(_old)


def either(words: str) -> str:
    """A pattern of Chinese words that matches them in traditional characters too; it may hold no character class."""
    return "".join(f"[{char}{_TRADITIONAL[char]}]" if char in _TRADITIONAL else char for char in words)


# What exports write into an empty cell, as the whole of it.
NOTHING = r"(?i)^\s*(?:nan|none|null|n/a|#n/a|-|--|/|无|暂无|空)?\s*$"

MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})

# What a person should look at in a kept row: the kind in words that can be counted, and what it is about.
FLAG = pl.Struct({"kind": pl.String, "detail": pl.String})

SAMPLE: dict[str, pl.DataType] = {
    "source": pl.String(),
    "row": pl.Int64(),
    "messages": pl.List(MESSAGE),
    "system": pl.String(),
    "tools": pl.String(),
    "rejected": pl.String(),
    "desirable": pl.Boolean(),
    "label": pl.String(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class RawTable:
    """One table of raw rows (a file, or a sheet of one) that has not been read yet.

    ``columns`` are the names of the fields of ``raw``; ``encoding`` is set where the container is text. Without
    columns there is nothing to read, and ``why`` says so.
    """

    source: str
    columns: tuple[str, ...]
    rows: pl.LazyFrame
    encoding: str | None = None
    why: str = "is empty"


@dataclass(frozen=True)
class DatasetEntry:
    """One entry of dataset_info.json.

    LLaMA-Factory turns every column that a partial ``columns`` leaves out into None, so an entry always names every
    column its rows have, and every tag.
    """

    name: str
    file_name: str
    formatting: str
    columns: dict[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    ranking: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The entry as LLaMA-Factory reads it."""
        entry: dict[str, Any] = {"file_name": self.file_name, "formatting": self.formatting}
        if self.ranking:
            entry["ranking"] = True
        entry["columns"] = self.columns
        return {**entry, "tags": self.tags} if self.tags else entry


@dataclass(frozen=True)
class Fix:
    """A mend that takes no judgement: what the text of a file becomes."""

    path: Path
    change: Callable[[str], str]


@dataclass(frozen=True)
class Finding:
    """What a check says: what is wrong, where, and what to do.

    An ``error`` will fail or train something else than written, a ``warning`` is probably not meant, an ``info`` is
    worth knowing.
    """

    check: str
    severity: Literal["error", "warning", "info"]
    message: str
    hint: str
    where: str
    fix: Fix | None = None

    def to_dict(self) -> dict[str, str]:
        """What ``check --json`` prints of it."""
        names = ("check", "severity", "message", "hint", "where")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        return f"{self.where}: {self.severity}: {self.message}. {self.hint} [{self.check}]"
