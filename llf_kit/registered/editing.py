"""Rows of a registered dataset corrected or taken away; the others stay, byte by byte where they are JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit import outputs
from llf_kit.errors import DataError
from llf_kit.outputs import Container
from llf_kit.project import atomic_path
from llf_kit.registered import Registered, rows
from llf_kit.upstream.aligned import Attributes

_WRITTEN = ("jsonl", "json", "parquet")

Edits = Mapping[str, Mapping[str, str]]  # place → "question" or "answer" → its new text


def edit(dataset: Registered, edits: Edits, drops: Collection[str]) -> None:
    """Write the new texts of ``edits`` and leave out the rows at ``drops`` (places ``source:row``), file by file.

    The question is the last that the user asks, the answer is the last turn; of a pair, the better one.

    Raises:
        DataError: a file is of a kind that is not written here, or lies outside of the project.
    """
    touched = {}
    for file in dataset.files:
        source = dataset.source(file)
        numbers = {
            number: edits.get(place)
            for place in (*edits, *drops)
            if place.rpartition(":")[0] == source and (number := int(place.rpartition(":")[2]))
        }
        if numbers:
            touched[file] = numbers
    for file in touched:
        if file.suffix.removeprefix(".") not in _WRITTEN:
            raise DataError(f"{file}: is not written by llf-kit. Convert it to one of: {', '.join(_WRITTEN)}.")
        if not file.resolve().is_relative_to(dataset.directory.resolve()):
            raise DataError(f"{file}: lies outside of the project. Correct it in its own.")
    one = dataset.attributes
    for file, numbers in touched.items():
        with atomic_path(file) as place:
            _rewrite(file, place, numbers, one)
            if file.suffix == ".jsonl":
                outputs.finish(place, Container(), dataset.nested)


def _rewrite(file: Path, place: Path, numbers: Mapping[int, Mapping[str, str] | None], one: Attributes) -> None:
    """``file`` into ``place``, with what ``numbers`` says of its rows: new texts, or None to leave one out."""
    with file.open("rb") as old:
        array = old.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    if file.suffix == ".parquet" or array:
        made = [
            row if number not in numbers else corrected(row, new, one)
            for number, row in enumerate(rows(file), start=1)
            if (new := numbers.get(number, {})) is not None
        ]
        if file.suffix == ".parquet":
            pl.DataFrame(made, schema=pl.read_parquet_schema(file)).write_parquet(place)
        else:
            place.write_text("[\n" + ",\n".join(_compact(row) for row in made) + "\n]\n", encoding="utf-8")
        return
    number = 0
    with file.open("rb") as lines, place.open("wb") as end:
        for line in lines:
            if not line.strip():
                continue
            number += 1
            if number not in numbers:
                end.write(line)
            elif (new := numbers[number]) is not None:
                row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
                end.write(_compact(corrected(row, new, one)).encode() + b"\n")


def _compact(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def corrected(row: dict[str, Any], new: Mapping[str, str], one: Attributes) -> dict[str, Any]:
    """A raw row with a new question, a new answer, or both, where its entry says that they stand."""
    row = json.loads(json.dumps(row))
    if one.formatting == "alpaca":
        _alpaca(row, new, one.columns)
    else:
        _conversation(row, new, one)
    return row


def _alpaca(row: dict[str, Any], new: Mapping[str, str], columns: Mapping[str, str | None]) -> None:
    prompt, query = columns.get("prompt") or "", columns.get("query")
    if "question" in new:
        row[prompt] = new["question"]
        if query and row.get(query):  # it is a part of the question that was corrected
            row[query] = ""
    if "answer" in new:
        row[columns.get("chosen") or columns.get("response") or prompt] = new["answer"]


def _conversation(row: dict[str, Any], new: Mapping[str, str], one: Attributes) -> None:
    role, content = one.tags.get("role_tag") or "", one.tags.get("content_tag") or ""
    turns = row[one.columns.get("messages") or ""]
    if "question" in new:
        asked = [turn for turn in turns if turn.get(role) == one.tags.get("user_tag")]
        asked[-1][content] = new["question"]
    if "answer" in new:
        chosen = one.columns.get("chosen")
        (row[chosen] if one.ranking and chosen else turns[-1])[content] = new["answer"]
