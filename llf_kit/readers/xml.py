"""xml: the elements that hold a row's fields are found by their shape; entities and outside references are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llf_kit.errors import DataError
from llf_kit.readers.encoding import Opening
from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table: an element with at least two differently named fields and nothing deeper is a row.

    The row is its place among those elements, from 1; the texts of the elements above it that hold nothing deeper (a
    title, a focus) are fields too.

    Raises:
        DataError: not XML, entities in it, or no element that looks like a row.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    try:
        root = parse(path).getroot()
    except DefusedXmlException:
        raise DataError(f"{path}: declares entities, which are not read for safety. Remove its DOCTYPE.") from None
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: is not XML ({error}). Export it again.") from None
    rows = list(_rows(root, "", {}))
    if not rows:
        raise DataError(f"{path}: has no element with two fields or more. Give it as a table.")
    # Rows proper hold more text than the codes and annotations that are shaped like them.
    texts: Counter[str] = Counter()
    for place, _, size in rows:
        texts[place] += size
    most = texts.most_common(1)[0][0]
    found = [fields for place, fields, _ in rows if place == most]
    records = [Record(number, fields) for number, fields in enumerate(found, start=1)]
    columns = dict.fromkeys(name for record in records for name in record.fields)
    return [table(path.name, columns, lambda: records)]


def _rows(
    element: Element, place: str, above: dict[str, str | None]
) -> Iterator[tuple[str, dict[str, str | None], int]]:
    leaves = {child.tag: (child.text or "").strip() or None for child in element if not len(child)}
    fields = {**above, **leaves}
    deeper = [child for child in element if len(child)]
    if not deeper and len(leaves) >= 2:
        yield f"{place}/{element.tag}", fields, sum(len(text or "") for text in leaves.values())
    for child in deeper:
        yield from _rows(child, f"{place}/{element.tag}", fields)
