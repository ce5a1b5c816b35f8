"""html: tables, definition lists, headings that ask, and lines of text; scripts and styles are no text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llf_kit.readers.documents import WIDEST, Grid, Heading, Part, lowered, raised, tables
from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.readers.lines import ANSWER, OTHER, QUESTION, Line
from llf_kit.readers.sheets import Merged, Row
from llf_kit.schema import RawTable

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

LINE = "data-llf-line"  # the line of an element in the file that the page was made of

_NO_TEXT = frozenset({"script", "style", "template", "head", "nav", "footer", "button", "select", "svg", "iframe"})
_HEADINGS = {**{f"h{level}": level for level in range(1, 7)}, "summary": 7}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt"),
    *("fieldset", "figcaption", "figure", "form", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section"),
    *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    *_HEADINGS,
}


def read(path: Path, opening: Opening) -> list[RawTable]:
    """A table for every table, where the row is its place in it, and one for the text, where it is the line."""
    encoding = detect(path, opening.encoding)
    page = as_utf8(path, encoding, opening.work).read_text(encoding="utf-8-sig")
    return tables(path.name, parts(page), encoding)


def parts(page: str) -> list[Part]:
    """Tables, headings and lines in their order. Nothing is fetched and no entity but HTML's own is known."""
    from lxml.etree import ParserError
    from lxml.html import HTMLParser, document_fromstring

    parser = HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = document_fromstring(page.replace("\0", "").encode(), parser=parser)
    except ParserError:  # nothing in it
        return []
    return _Page(root).parts


class _Page:
    """What has been read of a page; a line is gathered until a block begins or ends."""

    def __init__(self, root: Element) -> None:
        self.parts: list[Part] = []
        self.number = 1
        self.text: list[str] = []
        self.kind: str | None = None
        self.prefix = ""
        self.level = 0
        self.told = False  # the question of a definition list has its answer
        self.verbatim = 0
        self.counters: list[int | None] = []  # of the lists around: the next number, or None for bullets
        self._walk(root)
        self._end_line()

    def _walk(self, root: Element) -> None:
        from lxml.etree import iterwalk

        walk = iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if not isinstance(element.tag, str):
                continue
            if event == "end":
                self._end(element)
                self._add(element.tail if element is not root else None)
            elif element.tag in _NO_TEXT:
                walk.skip_subtree()
            elif element.tag == "table" and element is not root and (grid := _grid(element)):
                self._end_line()
                self.parts.append(grid)
                walk.skip_subtree()
            else:
                self._begin(element)
                self._add(_scripted(element))

    def _begin(self, element: Element) -> None:
        tag = element.tag
        if tag in _BLOCKS or tag == "br":
            self._end_line()
            self.number = _line(element) or self.number
        if tag in ("dt", "dd"):
            self.kind = QUESTION if tag == "dt" else None if self.told else ANSWER
            self.told = tag == "dd"
        elif tag in ("ol", "ul"):
            self.counters.append(_count(element.get("start")) if tag == "ol" else None)
        elif tag == "li" and self.counters:
            number = self.counters[-1]
            self.prefix = "- " if number is None else f"{number}. "
            self.counters[-1] = None if number is None else number + 1
        self.level = _HEADINGS.get(tag, self.level)
        self.verbatim += tag == "pre"

    def _end(self, element: Element) -> None:
        tag = element.tag
        if tag in _BLOCKS:
            self._end_line()
        if tag in ("dt", "dd"):
            self.kind = None
        elif tag == "dl":
            self.parts.append(Line(self.number, "", OTHER))  # what follows is no part of the last answer
        elif tag in ("ol", "ul"):
            self.counters.pop()
        elif tag == "li":
            self.prefix = ""
        elif tag in _HEADINGS:
            self.level = 0
        self.verbatim -= tag == "pre"

    def _add(self, text: str | None) -> None:
        if not text:
            return
        if not self.verbatim:
            self.text.append(text)
            return
        first, *more = text.split("\n")
        self.text.append(first)
        for line in more:
            self._end_line()
            self.text.append(line)

    def _end_line(self) -> None:
        text = "".join(self.text)
        text = text.rstrip() if self.verbatim else " ".join(text.split())
        self.text = []
        if not text:
            return
        text = self.prefix + text
        self.parts.append(Heading(self.number, text, self.level) if self.level else Line(self.number, text, self.kind))
        self.kind, self.prefix = None, ""


def _line(element: Element) -> int | None:
    given = element.get(LINE, "")
    if given.isdecimal() and len(given) < 10:
        return int(given)
    line: object = element.sourceline
    return line if isinstance(line, int) else None


def _scripted(element: Element) -> str | None:
    if element.tag == "sup" and element.text:
        return raised(element.text)
    return lowered(element.text) if element.tag == "sub" and element.text else element.text


def _grid(element: Element) -> Grid | None:
    """The cells of a table; None for one that only lays out the page: others inside it, or not two rows and columns."""
    if next(element.iterdescendants("table"), None) is not None:
        return None
    lines = list(element.iterdescendants("tr"))
    rows: list[Row] = []
    merged: list[Merged] = []
    taken: dict[int, int] = {}  # column → the last row that a cell above reaches down to
    for top, line in enumerate(lines):
        row: Row = []
        for cell in line.iterchildren("td", "th"):
            while taken.get(len(row), -1) >= top:
                row.append(None)
            left, right = len(row), len(row) + min(_count(cell.get("colspan")), WIDEST) - 1
            bottom = min(top + _count(cell.get("rowspan")), len(lines)) - 1
            row += [_cell(cell), *[None] * (right - left)]
            if (bottom, right) != (top, left):
                merged.append(((top, left), (bottom, right)))
                taken.update(dict.fromkeys(range(left, right + 1), bottom))
        rows.append(row)
    if len(rows) < 2 or max(map(len, rows)) < 2:
        return None
    numbers = [_line(line) or 0 for line in lines] if all(LINE in line.attrib for line in lines) else []
    return Grid(rows, merged, numbers)


def _cell(cell: Element) -> str | None:
    texts: Iterator[str] = (part.text for part in _Page(cell).parts if not isinstance(part, Grid))
    return "\n".join(texts).strip() or None


def _count(given: str | None) -> int:
    """A positive number in an attribute; 1 for anything else."""
    return max(1, int(given)) if given and given.isdecimal() and len(given) < 6 else 1
