"""Whether an answer has the format that was asked for: a regular expression, or a JSON schema.

``format`` is 100 where the whole answer (thoughts and blanks around it apart) matches the pattern, or where the JSON
object that it holds is valid by the schema. Every row is scored but missing predictions; an empty answer is one too.

Patterns run in the linear-time engine of polars (Rust's ``regex``, which has no look-around and no back-references),
and so do those inside a schema, so that no answer can make one hang; a schema may not fetch another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llf_kit.errors import UsageError
from llf_kit.evaluation import answers
from llf_kit.evaluation.metrics import Column, missing, percent
from llf_kit.evaluation.predictions import Prediction


def column(rows: Sequence[Prediction], wanted: str) -> Column:
    """By a pattern, or by the schema in a file whose name ends in ``.json``.

    Raises:
        UsageError: it is neither, or a schema that cannot be used.
        NotInstalledError: jsonschema is missing, and a schema was given.
    """
    said = [None if row.predict is None else answers.said(row.predict) for row in rows]
    if wanted.endswith(".json"):
        return _by_schema(said, Path(wanted))
    matches = _matches(pl.Series(said, dtype=pl.String), rf"\A(?:{wanted})\z", wanted)
    return Column(
        [None if match is None else percent(match) for match in matches],
        {place: "not in the format" for place, match in enumerate(matches) if match is False},
    )


def _matches(texts: pl.Series, pattern: str, shown: str) -> list[bool | None]:
    try:
        return texts.str.contains(pattern).to_list()
    except pl.exceptions.ComputeError:
        raise UsageError(
            f"answer format {shown!r}: is no regular expression that runs in linear time. Correct it; look-around and "
            "back-references are not available."
        ) from None


def _by_schema(said: Sequence[str | None], path: Path) -> Column:
    validator = _validator(path)
    values: list[float | None] = []
    notes: dict[int, str] = {}
    for place, text in enumerate(said):
        if text is None:
            values.append(None)
            continue
        problem = _problem(validator, path, text)
        values.append(percent(problem is None))
        if problem:
            notes[place] = problem
    return Column(values, notes)


def _problem(validator: Any, path: Path, text: str) -> str | None:
    """Why an answer is not valid: the field and the keyword, never its text."""
    from referencing.exceptions import Unresolvable

    given = answers.json_object(text)
    if given is None:
        return "no JSON object"
    try:
        error = next(validator.iter_errors(given), None)
    except Unresolvable:
        raise UsageError(f"{path}: refers to a schema that is not in it. Put it into this file ($defs).") from None
    except RecursionError:
        return "nested too deeply"
    return None if error is None else f"{error.json_path.removeprefix('$.')}: {error.validator}"


def _validator(path: Path) -> Any:
    try:
        import jsonschema
        import referencing
    except ImportError as error:
        raise missing(error) from None
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}). Give the file of a JSON schema.") from None
    except ValueError:
        raise UsageError(f"{path}: is not JSON. Give the file of a JSON schema.") from None
    if any("patternProperties" in part for part in _parts(schema)):
        raise UsageError(f"{path}: patternProperties is not supported. Name the properties.")
    plain = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        plain.check_schema(schema)
    except jsonschema.exceptions.SchemaError as error:
        raise UsageError(f"{path}: is no JSON schema: {error.json_path}: {error.validator}. Correct it.") from None
    for part in _parts(schema):
        if isinstance(part.get("pattern"), str):
            _matches(pl.Series([""]), part["pattern"], part["pattern"])
    made = jsonschema.validators.extend(plain, {"pattern": _pattern})
    return made(schema, registry=referencing.Registry())


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[Any]:
    import jsonschema

    if isinstance(instance, str) and not _matches(pl.Series([instance]), pattern, pattern)[0]:
        yield jsonschema.ValidationError("does not match")


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from _parts(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _parts(inner)
