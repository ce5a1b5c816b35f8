"""The rows of a dataset's files in blocks as upstream's loader cuts them, each a frame with the types of its own rows.

A JSON Lines file is loaded in blocks of ten megabytes, and the first block decides upon the type of every column
(datasets 4.0, packaged_modules/json: chunksize). So a block keeps its own types: what one block cannot say, a file of
several may refuse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit.errors import DataError
from llf_kit.upstream import loading

_SIZE = 10 << 20  # bytes of a block of JSON Lines
_ROWS = 10_000  # rows of a block of any other kind
_DECODED = 1000  # lines

Kinds = dict[str, dict[str, list[int]]]  # column → kind of value → the rows that hold it


@dataclass(frozen=True)
class Block:
    """Rows of one file; ``numbers`` are their places in it, from 1: lines where rows are lines.

    ``mixed`` has the columns that hold several kinds of values, which ``frame`` shows as texts; ``broken`` are the
    lines that are no JSON object, which ``frame`` leaves out.
    """

    path: Path
    frame: pl.DataFrame
    numbers: range | list[int]
    mixed: Kinds = field(default_factory=dict)
    broken: tuple[int, ...] = ()


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of ``path``, in order; constant memory, except for an array of JSON, which upstream reads whole too.

    Raises:
        DataError: the file cannot be read, or is of a kind that upstream does not load.
    """
    if path.suffix in (".json", ".jsonl") and not _is_array(path):
        return _lines(path)
    if path.suffix == ".parquet":
        return _parquet(path)
    return _counted(path, loading.rows(path))


def _is_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _parquet(path: Path) -> Iterator[Block]:
    first = 1
    try:
        for frame in pl.scan_parquet(path).collect_batches():
            yield Block(path, frame, range(first, first + frame.height))
            first += frame.height
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: cannot be read ({type(error).__name__}). Convert it again.") from None


def _counted(path: Path, values: Iterator[dict[str, Any]]) -> Iterator[Block]:
    first = 1
    while rows := list(islice(values, _ROWS)):
        yield _from_values(path, rows, range(first, first + len(rows)))
        first += len(rows)


def _lines(path: Path) -> Iterator[Block]:
    first = 1
    schema: pl.Schema | None = None
    with path.open("rb") as file:
        while data := file.read(_SIZE):
            data += file.readline()
            if first == 1:
                data = data.removeprefix(b"\xef\xbb\xbf")
            lines = data.count(b"\n") + (not data.endswith(b"\n"))
            block = _fast(path, data, range(first, first + lines), schema) or _careful(path, data, first)
            schema = block.frame.schema
            if block.frame.height or block.broken:
                yield block
            first += lines


def _fast(path: Path, data: bytes, lines: range, schema: pl.Schema | None) -> Block | None:
    """The block as polars reads it; None where it may have read it otherwise than upstream will.

    ``schema`` is that of the block before, for finding the types takes longer than reading.
    """
    try:
        text = pl.Series([data]).cast(pl.String)
        frame = _decoded(text, len(lines), schema) if schema else None
        if frame is None or not _is_all(frame, data):
            frame = pl.read_ndjson(BytesIO(data), infer_schema_length=None)
        if frame.height != len(lines) or _may_be_mixed(text, frame.schema):
            return None
    except pl.exceptions.PolarsError:
        return None
    return Block(path, frame, lines)


def _decoded(text: pl.Series, count: int, schema: pl.Schema) -> pl.DataFrame | None:
    """The frame of ``count`` lines by a known schema; None where a line is blank.

    A thousand lines at a time: of lists of objects, a fifth of what ``read_ndjson`` takes for them, and no slower else.
    """
    lines = text.str.split("\n").explode().head(count)
    if (lines.str.len_bytes() == 0).any():
        return None
    kind = pl.Struct(dict(schema))
    parts = [lines[start : start + _DECODED].str.json_decode(kind) for start in range(0, count, _DECODED)]
    rows = pl.concat(parts)
    return None if rows.null_count() else rows.struct.unnest()


def _is_all(frame: pl.DataFrame, data: bytes) -> bool:
    """Whether a frame that was read by the schema of another block shows all that ``data`` holds.

    Polars leaves out the keys that a schema lacks. It left out none if every row has every key of the schema, and if
    there are no more keys than these. (What is of another type than before, :func:`_may_be_mixed` notices.)
    """
    expected = 0
    for column in frame:
        if column.null_count() or isinstance(column.dtype, pl.Null | pl.Struct):
            return False
        expected += frame.height
        if isinstance(column.dtype, pl.List) and isinstance(column.dtype.inner, pl.Struct):
            turns = column.explode().struct.unnest()
            if sum(turns.null_count().row(0)):
                return False
            expected += turns.height * turns.width
    return data.count(b'":') - data.count(b'\\":') == expected


def _careful(path: Path, data: bytes, first: int) -> Block:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    broken = []
    for number, line in enumerate(data.split(b"\n"), start=first):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
            numbers.append(number)
        else:
            broken.append(number)
    block = _from_values(path, rows, numbers)
    return Block(path, block.frame, numbers, block.mixed, tuple(broken))


def _from_values(path: Path, rows: list[dict[str, Any]], numbers: range | list[int]) -> Block:
    kinds: Kinds = {}
    for number, row in zip(numbers, rows, strict=True):
        for name, value in row.items():
            _note(kinds, name, value, number)
    mixed = {
        name: found
        for name, found in kinds.items()
        if len(found.keys() - {"whole numbers"}) > 1 or (len(found) > 1 and "numbers" not in found)
    }
    if mixed:
        rows = [{name: _as_texts(name, value, mixed) for name, value in row.items()} for row in rows]
    return Block(path, pl.DataFrame(rows, infer_schema_length=None, strict=False), numbers, mixed)


def _as_texts(name: str, value: Any, mixed: Kinds) -> Any:
    """What is mixed becomes text, as polars reads it, so that the other rules can go on."""
    if name in mixed:
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [_as_texts(f"{name}.*", item, mixed) for item in value]
    if isinstance(value, dict):
        return {key: _as_texts(f"{name}.{key}", item, mixed) for key, item in value.items()}
    return value


_NAMES = {bool: "true or false", int: "whole numbers", float: "numbers", str: "texts", list: "lists", dict: "objects"}


def _note(kinds: Kinds, name: str, value: Any, number: int) -> None:
    """Note of what kind a value is, and those inside it."""
    if value is None:
        return
    of_kind = kinds.setdefault(name, {}).setdefault(_NAMES.get(type(value), "other values"), [])
    if not of_kind or of_kind[-1] != number:
        of_kind.append(number)
    if isinstance(value, list):
        for item in value:
            _note(kinds, f"{name}.*", item, number)
    elif isinstance(value, dict):
        for key, item in value.items():
            _note(kinds, f"{name}.{key}", item, number)


def _may_be_mixed(text: pl.Series, schema: pl.Schema) -> bool:
    """Whether a value may be of another kind than its column's type; polars turns mixtures into texts without a word.

    A quotation mark inside a text is escaped, so that ``"key":`` in a line is a key and never a part of a text.
    """
    begins: dict[str, str] = {}
    for name, kind in schema.items():
        _beginnings(name, kind, begins)
    keys = [rf'"(?:{_spelt(name)})"\s*:\s*[^{begin}\s]' for name, begin in begins.items() if name != "*"]
    if "*" in begins:  # texts in lists: a number, true or false between commas or brackets
        keys.append(r"[\[,]\s*(?:-?\d[\d.eE+-]*|true|false)\s*[\],]")
    if any(isinstance(kind, pl.Int128) for kind in schema.values()):
        return True
    return bool(keys) and bool(text.str.contains("|".join(keys)).item())


def _spelt(key: str) -> str:
    """A key as JSON may write it."""
    return "|".join(re.escape(spelt[1:-1]) for spelt in {json.dumps(key), json.dumps(key, ensure_ascii=False)})


def _beginnings(name: str, kind: pl.DataType, begins: dict[str, str]) -> None:
    """With which characters a value of each key begins, by its type; ``*`` is an item of a list of texts."""
    if isinstance(kind, pl.List):
        begins[name] = begins.get(name, "n") + r"\["
        if isinstance(kind.inner, pl.Struct):
            for part in kind.inner.fields:
                _beginnings(part.name, part.dtype, begins)  # type: ignore[arg-type]
        else:
            _beginnings("*", kind.inner, begins)  # type: ignore[arg-type]
    elif isinstance(kind, pl.Struct):
        begins[name] = begins.get(name, "n") + "{"
        for part in kind.fields:
            _beginnings(part.name, part.dtype, begins)  # type: ignore[arg-type]
    elif name != "*" or isinstance(kind, pl.String):
        begins[name] = begins.get(name, "n") + _BEGIN.get(type(kind), '"')


_BEGIN: dict[type[pl.DataType], str] = {
    pl.Boolean: "tf",
    pl.Int64: r"\d-",
    pl.Float64: r"\d-",
    pl.Null: "",
}
