"""xml: the elements that hold a row's fields are found by their shape; entities and outside references are refused."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llf_kit.errors import DataError
from llf_kit.readers.documents import lowered, raised
from llf_kit.readers.encoding import Opening, as_utf8, detect, is_utf8
from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DECLARED = re.compile(rb"""^[^<]*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
# What stands inside a text, and which of it begins a line
_LINES = frozenset(("p", "br", "li", "div"))
_SURELY = _LINES | {"em", "strong", "sup", "sub", "span", "font", "ul", "ol"}
_MARKUP = _SURELY | {"a", "b", "i", "u"}  # two of these may as well be fields


class _Found(NamedTuple):
    """An element with fields; ``whole`` is whether they are several and nothing of it stands deeper."""

    place: str
    fields: dict[str, str | None]
    size: int
    whole: bool


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table: an element with at least two differently named fields and nothing deeper is a row.

    The row is its place among those elements, from 1; the texts of the elements above it that hold nothing deeper (a
    title, a focus) are fields too. Markup inside a text (`<p>`, `<sup>`) is a part of the text.

    Raises:
        DataError: not XML, entities in it, or no element that looks like a row.
    """
    top, encoding = root(path, opening)
    try:
        rows = list(_rows(top, "", {}))
    except RecursionError:
        raise DataError(f"{path}: is nested too deeply. Give it as a table.") from None
    # Rows proper hold more text than the codes and annotations that are shaped like them.
    texts: Counter[str] = Counter()
    for row in rows:
        if row.whole:
            texts[row.place] += row.size
    if not texts:
        raise DataError(f"{path}: has no element with two fields or more. Give it as a table.")
    most = texts.most_common(1)[0][0]
    found = [row.fields for row in rows if row.place == most]
    records = [Record(number, fields) for number, fields in enumerate(found, start=1)]
    columns = dict.fromkeys(name for record in records for name in record.fields)
    return [table(path.name, columns, lambda: records, encoding)]


def root(path: Path, opening: Opening) -> tuple[Element, str]:
    """The outermost element, and the encoding: the given one, that which the file declares, or the one that is found.

    Raises:
        DataError: not XML, or entities in it.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    encoding = detect(path, opening.encoding or _declared(path))
    text = as_utf8(path, encoding, opening.work).read_text(encoding="utf-8-sig")
    try:  # expat itself knows no encoding of several bytes but UTF
        return fromstring(_DECLARATION.sub("", text, count=1)), encoding
    except DefusedXmlException:
        raise DataError(f"{path}: declares entities, which are not read for safety. Remove its DOCTYPE.") from None
    except (ParseError, ValueError) as error:
        raise DataError(f"{path}: is not XML ({error}). Export it again.") from None


def _declared(path: Path) -> str | None:
    """The encoding that the file says it has, if it is true: UTF-8 is often said to be another, and is known."""
    with path.open("rb") as file:
        found = _DECLARED.match(file.read(1024))
    try:
        name = codecs.lookup(found[1].decode()).name if found else None
        name = "gb18030" if name in ("gb2312", "gbk") else name  # which holds all of both
        return name if name is not None and not is_utf8(path) and detect(path, name) == name else None
    except (LookupError, DataError):
        return None


def _rows(element: Element, place: str, above: dict[str, str | None]) -> Iterator[_Found]:
    place = f"{place}/{_name(element)}"
    deeper = [child for child in element if not _is_text(child)]
    leaves = {_name(child): _text(child).strip() or None for child in element if _is_text(child)}
    if not len(element):
        leaves = {_name_of(key): value.strip() or None for key, value in element.attrib.items()}
    if leaves:
        size = sum(len(text or "") for text in leaves.values())
        yield _Found(place, {**above, **leaves}, size, not deeper and len(leaves) > 1)
    for child in deeper:
        yield from _rows(child, place, {**above, **leaves})


def _is_text(element: Element) -> bool:
    """Whether it holds a text and no fields: nothing, markup, or words of its own beside other elements."""
    if not len(element):
        return len(element.attrib) < 2 or bool((element.text or "").strip())
    if any((part or "").strip() for part in (element.text, *(child.tail for child in element))):
        return True
    return _is_marked_up(element)


def _is_marked_up(element: Element) -> bool:
    names = {_name(child).lower() for child in element}
    return (names <= _SURELY or (len(names) == 1 and names <= _MARKUP)) and all(map(_is_marked_up, element))


def _text(element: Element) -> str:
    parts = [element.text or ""]
    for child in element:
        name = _name(child).lower()
        inside = _text(child)
        inside = raised(inside) if name == "sup" else lowered(inside) if name == "sub" else inside
        parts += ["\n" if name in _LINES else "", inside, child.tail or ""]
    return "".join(parts)


def _name(element: Element) -> str:
    return _name_of(element.tag)


def _name_of(name: str) -> str:
    """Without the namespace."""
    return name.rpartition("}")[2]
