"""json of any size: an array of objects, an object keyed by id, or an object with one array inside.

Read twice, so that a key which first appears in the last object is a column too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from llf_kit.errors import DataError
from llf_kit.readers import json_lines
from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.readers.json_window import Damage, More, Part, in_sequence, parts
from llf_kit.readers.records import DECODER, Record, from_json, table
from llf_kit.readers.sheets import ASKS
from llf_kit.schema import RawTable


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table; the row is the place in the array, from 1. JSON Lines under the name of .json are read too.

    What stands before a damage is read, and the damage is a row with a reason.

    Raises:
        DataError: not JSON, or JSON without rows.
    """
    encoding = detect(path, opening.encoding)
    file = as_utf8(path, encoding, opening.work)
    try:
        shape = _survey(file)
    except More:
        lines = json_lines.read(path, opening)
        if lines[0].columns:
            return lines
        shape = _survey(file, in_sequence)  # objects of several lines
    columns = shape.columns()
    if columns is None and shape.damage is None:
        value = DECODER.decode(file.read_text(encoding="utf-8-sig"))
        found = [from_json(row, one) for row, one in enumerate(_inside(value) or _asked(value) or [value], start=1)]
        return [table(path.name, dict.fromkeys(key for one in found for key in one.fields), lambda: found, encoding)]
    if not columns and shape.damage is not None:
        lines = json_lines.read(path, opening)  # damaged in their first line
        if lines[0].columns:
            return lines
        if str(shape.damage) == "a single value":
            raise DataError(f"{path}: holds a single value. Give an array of objects.")
        where = f"{path}:{shape.damage.line}"
        raise DataError(f"{where}: is not JSON ({shape.damage}). Correct or export it again.")
    return [table(path.name, columns or (), lambda: _records(file, shape), encoding)]


def read_lines(path: Path, opening: Opening) -> list[RawTable]:
    """JSON Lines, or an array under their name.

    Raises:
        DataError: no line is JSON.
    """
    encoding = detect(path, opening.encoding)
    with as_utf8(path, encoding, opening.work).open(encoding="utf-8-sig") as text:
        start = text.read(1 << 16).lstrip()
    if re.match(r"\[\s*(?:\{|$)", start):
        return read(path, opening)
    lines = json_lines.read(path, opening)
    if start and not lines[0].columns:
        raise DataError(f"{path}: has no line that is a JSON object. Export it again.")
    return lines


@dataclass
class _Shape:
    """What a first look finds: the columns of every list with objects and of the members, and where the text ends.

    ``split`` takes the text apart.
    """

    split: Callable[[TextIO], Iterator[Part]] = parts
    lists: dict[str, dict[str, None]] = field(default_factory=dict)
    members: dict[str, None] = field(default_factory=dict)
    mixed: bool = False  # members that are no objects
    array: bool = False
    damage: Damage | None = None

    def add(self, part: Part) -> None:
        if part.kind == "element" and part.key and _is_message(part.value):
            self.mixed = True  # a conversation: the whole is its row
        elif part.kind == "element" and isinstance(part.value, dict):
            columns = self.lists.setdefault(part.key, {})
            if not columns.keys() >= part.value.keys():
                columns.update(dict.fromkeys(part.value))
        elif part.kind == "member" and isinstance(part.value, dict):
            self.members.update(dict.fromkeys(("id", *part.value)))
        self.mixed |= part.kind == "list" or (part.kind == "member" and not isinstance(part.value, dict))

    @property
    def rows(self) -> tuple[str, str] | None:
        """Kind of the parts that are rows, and the key of their list; None where the whole is a single row."""
        if self.array:
            return ("element", "")
        if len(self.lists) == 1:
            return ("element", next(iter(self.lists)))
        return ("member", "") if self.members and not self.mixed else None

    def columns(self) -> dict[str, None] | None:
        if self.rows is None:
            return None
        kind, key = self.rows
        return self.members if kind == "member" else self.lists.get(key, {})


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and (value.keys() >= {"role", "content"} or value.keys() >= {"from", "value"})


def _inside(value: dict[str, Any]) -> list[Any] | None:
    """The one list of objects somewhere among objects: ``{"data": {"rows": […]}}``, as interfaces answer."""
    objects = [item for item in value.values() if isinstance(item, dict)]
    lists = [item for one in objects for item in one.values() if isinstance(item, list) and _all_rows(item)]
    if not lists:
        lists = [found for one in objects if (found := _inside(one))]
    return lists[0] if len(lists) == 1 else None


def _asked(value: dict[str, Any]) -> list[Any] | None:
    """A question and an answer of every member, where most of the keys ask: ``{"…？": "…", "…？": "…"}``."""
    asking = sum(bool(ASKS.search(key)) for key in value)
    if 2 * asking <= len(value) or not all(isinstance(item, str) for item in value.values()):
        return None
    return [{"question": key, "answer": item} for key, item in value.items()]


def _all_rows(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, dict) and not _is_message(item) for item in items)


def _survey(file: Path, split: Callable[[TextIO], Iterator[Part]] = parts) -> _Shape:
    shape = _Shape(split)
    with file.open(encoding="utf-8-sig") as text:
        shape.array = split is in_sequence or text.read(1 << 16).lstrip().startswith("[")
        text.seek(0)
        try:
            for part in split(text):
                shape.add(part)
        except Damage as damage:
            shape.damage = damage
    return shape


def _records(file: Path, shape: _Shape) -> Iterator[Record]:
    row = 0
    rows = shape.rows
    with file.open(encoding="utf-8-sig") as text:
        try:
            for part in shape.split(text):
                if rows == ("element", part.key) and part.kind == "element":
                    row += 1
                    yield from_json(row, part.value)
                elif rows == ("member", "") and part.kind == "member":
                    row += 1
                    yield from_json(row, {"id": part.key, **part.value})
        except Damage as damage:
            yield Record(row + 1, {}, f"not JSON from line {damage.line} on: the rest of the file was not read")
