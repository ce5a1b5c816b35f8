"""Plain text: marks, blocks, dialogues."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import fields

Tree = Callable[[dict[str, Any]], Path]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("问：甲？\n答：乙\n丙\n\n问：丁？\n答：戊\n", [(1, ("甲？", "乙\n丙")), (5, ("丁？", "戊"))]),
        ("Q: a?\nA: b\nQ2: c?\nA2: d\n", [(1, ("a?", "b")), (3, ("c?", "d"))]),
        ("题记\n问：甲？\n答：乙\n", [(1, ("题记", None)), (2, ("甲？", "乙"))]),
        ("甲？\n乙\n\n\n丙？\n丁\n", [(1, ("甲？", "乙")), (5, ("丙？", "丁"))]),
        ("一段说明\n\n两行\n说明\n", [(1, ("一段说明",)), (3, ("两行\n说明",))]),
    ],
    ids=["marks", "English marks", "a heading", "blocks", "just a text"],
)
def test_txt(tree: Tree, text: str, rows: list[Any]) -> None:
    assert fields(tree({"a.txt": text.encode("gb18030")}) / "a.txt") == rows
