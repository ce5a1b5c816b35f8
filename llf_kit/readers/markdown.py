"""md: rendered to HTML with the line of every block, and read as a page."""

from __future__ import annotations

from pathlib import Path

from llf_kit.readers import html
from llf_kit.readers.documents import tables
from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.schema import RawTable


def read(path: Path, opening: Opening) -> list[RawTable]:
    """A table for every table and one for the text; the row is the line on which it begins."""
    from markdown_it import MarkdownIt

    encoding = detect(path, opening.encoding)
    text = as_utf8(path, encoding, opening.work).read_text(encoding="utf-8-sig")
    parser = MarkdownIt("commonmark", {"breaks": True}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.map is not None and token.nesting >= 0:
            token.attrSet(html.LINE, str(token.map[0] + 1))
    return tables(path.name, html.parts(parser.renderer.render(tokens, parser.options, {})), encoding)
