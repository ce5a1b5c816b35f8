"""json: an array of objects, an object keyed by id, or an object with one array inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llf_kit.errors import DataError
from llf_kit.readers import json_lines
from llf_kit.readers.encoding import Opening, detect
from llf_kit.readers.records import from_json, table
from llf_kit.schema import RawTable


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table; the row is the place in the array, from 1. JSON Lines under the name of .json are read too.

    Raises:
        DataError: not JSON, or JSON without rows.
    """
    encoding = detect(path, opening.encoding)
    text = path.read_text(encoding=encoding)
    try:
        data = json.loads(text)
    except RecursionError:
        raise DataError(f"{path}: is nested too deeply. Give a plain array of objects.") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text[: error.pos].lstrip().startswith("{"):
            return json_lines.read(path, opening)
        raise DataError(f"{path}:{error.lineno}: is not JSON ({error.msg}). Correct or export it again.") from None
    except ValueError as error:  # a number of thousands of digits
        raise DataError(f"{path}: holds a value that cannot be read ({error}). Correct it.") from None
    records = [from_json(row, value) for row, value in enumerate(_rows(path, data), start=1)]
    columns = dict.fromkeys(key for record in records for key in record.fields)
    return [table(path.name, columns, lambda: records, encoding)]


def _rows(path: Path, data: Any) -> list[Any]:
    if isinstance(data, list):
        return data
    if isinstance(data, dict):
        lists = [
            value for value in data.values() if isinstance(value, list) and any(isinstance(v, dict) for v in value)
        ]
        if len(lists) == 1:
            return list(lists[0])
        if data and all(isinstance(value, dict) for value in data.values()):
            return list(data.values())
        return [data]
    raise DataError(f"{path}: holds a single value. Give an array of objects.")
