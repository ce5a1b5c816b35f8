"""The nouns that every stage shares: the table of raw rows, the table of samples, and the entry of a dataset.

**Raw rows** are what a reader yields, whatever the container was:

======== ================= ==========================================================================
column   type              meaning
======== ================= ==========================================================================
source   String            path of the file, with ``#sheet`` where the container has parts
row      Int64             place in that file as its users count: the header of a table is row 1
reason   String or null    why the reader could not read this row
raw      Struct of String  the row itself; a list or an object inside it stands as JSON text
======== ================= ==========================================================================

**A sample** is what mapping makes of a raw row and what every later stage works on:

======== ================================= ==========================================================
column   type                              meaning
======== ================================= ==========================================================
source   String                            as above; messages about data say ``source:row``
row      Int64                             as above
messages List[Struct{role, content}]       the conversation; ``role`` is ``user`` or ``assistant``
system   String or null                    the system prompt
label    String or null                    the sub-scenario, for balanced splits and for evaluation
reason   String or null                    why this row is rejected; null means that it is kept
======== ================================= ==========================================================

Screening adds ``duplicate`` (Boolean) and splitting adds ``test`` (Boolean).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import polars as pl

USER = "user"
ASSISTANT = "assistant"

CJK = re.compile(r"[\u3400-\u9fff]")  # whether a text is answered, or masked, in Chinese

# What exports write into an empty cell, as the whole of it.
NOTHING = r"(?i)^\s*(?:nan|none|null|n/a|#n/a|-|--|/|无|暂无|空)?\s*$"

MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})

SAMPLE: dict[str, pl.DataType] = {
    "source": pl.String(),
    "row": pl.Int64(),
    "messages": pl.List(MESSAGE),
    "system": pl.String(),
    "label": pl.String(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class RawTable:
    """One table of raw rows (a file, or a sheet of one) that has not been read yet.

    ``columns`` are the names of the fields of ``raw``; ``encoding`` is set where the container is text.
    """

    source: str
    columns: tuple[str, ...]
    rows: pl.LazyFrame
    encoding: str | None = None


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

    def to_dict(self) -> dict[str, Any]:
        """The entry as LLaMA-Factory reads it."""
        entry: dict[str, Any] = {"file_name": self.file_name, "formatting": self.formatting, "columns": self.columns}
        return {**entry, "tags": self.tags} if self.tags else entry


@dataclass(frozen=True)
class Score:
    """What one metric says of one sample; ``value`` None is "not scored", which is not zero."""

    sample: str
    metric: str
    value: float | None
    explanation: str = ""
