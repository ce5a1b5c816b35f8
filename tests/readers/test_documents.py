"""Web pages, Markdown and Word: tables, headings that ask, definition lists, and the text between."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from reading import columns, fields, read

from llf_kit import readers
from llf_kit.errors import DataError

Tree = Callable[[dict[str, Any]], Path]


def tables(path: Path) -> dict[str, list[tuple[int, tuple[str | None, ...]]]]:
    found: dict[str, list[tuple[int, tuple[str | None, ...]]]] = {}
    for row in read(path):
        found.setdefault(row["source"].removeprefix(path.name), []).append((row["row"], tuple(row["raw"].values())))
    return found


PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>检验科</title><style>p {color: red}</style></head>
<body><nav>首页 | 关于</nav><script>var q = "问：假？";</script>
<p>本页为问答汇编。</p>
<table><tr><td colspan="3">电解质问答</td></tr>
<tr><th>分类</th><th>问题</th><th>答案</th></tr>
<tr><td rowspan="2">电解质</td><td>血钾？</td><td>3.5～5.3<br>mmol/L</td></tr>
<tr><td>血小板？</td><td>125～350×10<sup>9</sup>/L</td></tr>
</table></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_table_in_a_page_and_the_text_around_it(tree: Tree, encoding: str) -> None:
    path = tree({"a.html": PAGE.encode(encoding)}) / "a.html"
    assert columns(path) == [("分类", "问题", "答案"), ("text",)]
    assert tables(path) == {
        "#table 1": [
            (3, ("电解质", "血钾？", "3.5～5.3\nmmol/L")),
            (4, ("电解质", "血小板？", "125～350×10⁹/L")),
        ],
        "": [(3, ("本页为问答汇编。",))],
    }


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (
            "<dl><dt>血钾？<dd>3.5～5.3<dd>复查<dt>血钠\n<dd><p>137～147</p><p>mmol/L</p></dl><p>页脚</p>",
            [(1, ("血钾？", "3.5～5.3\n复查")), (1, ("血钠", "137～147\nmmol/L")), (2, ("页脚", None))],
        ),
        (
            "<h1>常见问题</h1>\n<h2>1. 血钾高怎么办？</h2><p>先看溶血</p><ul><li>复查<li>通知</ul>\n"
            "<h3>注意</h3><p>危急值</p>\n<h2>血钠低？</h2><p>答：复查</p>\n<h2>说明</h2><p>版本一</p>",
            [
                (1, ("常见问题", None)),
                (2, ("血钾高怎么办？", "先看溶血\n- 复查\n- 通知\n注意\n危急值")),
                (4, ("血钠低？", "复查")),
                (5, ("说明\n版本一", None)),
            ],
        ),
        ("<div>问：血钾？</div><div>答：3.5～5.3</div>", [(1, ("血钾？", "3.5～5.3"))]),
        ("<details><summary>血钾？</summary>3.5～5.3</details>", [(1, ("血钾？", "3.5～5.3"))]),
        ("<table><tr><td><p>问：血钾？</p><p>答：<b>3.5</b>～5.3</p></table>", [(1, ("血钾？", "3.5～5.3"))]),
        (
            "<ol><li>血钾高怎么办？<br>复查</li><li>血钠低怎么办？<br>复查</li></ol>",
            [(1, ("血钾高怎么办？", "复查")), (1, ("血钠低怎么办？", "复查"))],
        ),
        ("<p>第一段</p><p>第二段</p>", [(1, ("第一段",)), (1, ("第二段",))]),
        ("<pre>问：血钾？\n答：3.5\n  mmol/L</pre>", [(1, ("血钾？", "3.5\n  mmol/L"))]),
    ],
    ids=["definitions", "headings", "marks", "details", "layout", "list", "prose", "verbatim"],
)
def test_text_of_a_page(tree: Tree, body: str, rows: list[Any]) -> None:
    assert fields(tree({"a.htm": f"<html><body>{body}</body></html>"}) / "a.htm") == rows


@pytest.mark.parametrize("page", ["", " \n", "<html></html>", "<!-- x -->", "<script>x</script>"])
def test_a_page_without_text_is_empty(tree: Tree, page: str) -> None:
    assert columns(tree({"a.html": page}) / "a.html") == [()]


def test_spans_beyond_reason_are_bounded(tree: Tree) -> None:
    page = "<table><tr><td colspan=99999 rowspan=99999>a<td>b<tr><td>1<td>2</table>"
    assert len(columns(tree({"a.html": page}) / "a.html")[0]) <= 200


def test_markdown(tree: Tree) -> None:
    text = """# 电解质

|问题|答案|
|---|---|
|血钾？|3.5～5.3|
|**血钠**？|137～147<br>mmol/L|

## 血钾高怎么办？

先看是否溶血，
再复查。

1. 通知临床
2. 记录

```
K > 6.0
```
"""
    path = tree({"a.md": text}) / "a.md"
    assert tables(path) == {
        "#table 1": [(5, ("血钾？", "3.5～5.3")), (6, ("血钠？", "137～147\nmmol/L"))],
        "": [
            (1, ("电解质", None)),
            (8, ("血钾高怎么办？", "先看是否溶血，\n再复查。\n1. 通知临床\n2. 记录\nK > 6.0")),
        ],
    }


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            "**问：**血钾？\n**答：**3.5～5.3\n\n问：血钠？\n\n答：137～147\n",
            [(1, ("血钾？", "3.5～5.3")), (4, ("血钠？", "137～147"))],
        ),
        ("1. 血钾？\n   答：3.5\n2. 血钠？\n   答：137\n", [(1, ("血钾？", "3.5")), (3, ("血钠？", "137"))]),
        ("说明\n\n<script>问：假？</script>\n", [(1, ("说明",))]),
    ],
    ids=["marks", "numbered", "a script"],
)
def test_text_of_markdown(tree: Tree, text: str, rows: list[Any]) -> None:
    assert fields(tree({"a.markdown": text.encode("gb18030")}) / "a.markdown") == rows


@pytest.fixture
def word(project: Path) -> Any:
    return docx.Document()


def test_the_tables_of_a_word_document(word: Any, project: Path) -> None:
    word.add_paragraph("前言")
    table = word.add_table(rows=5, cols=3)
    cells = ["电解质问答", "", "", "分类", "问题", "答案", "电解质", "血钾？", "3.5～5.3", "", "血钠？", "137～147"]
    cells += ["血常规", "血小板？", "125～350×10"]
    for place, text in enumerate(cells):
        table.cell(place // 3, place % 3).text = text
    table.cell(0, 0).merge(table.cell(0, 2)).text = "电解质问答"
    table.cell(2, 0).merge(table.cell(3, 0)).text = "电解质"
    run = table.cell(4, 2).paragraphs[0].add_run("9")
    run.font.superscript = True
    table.cell(4, 2).paragraphs[0].add_run("/L")
    word.add_paragraph("后记")
    word.save(project / "a.docx")
    assert columns(project / "a.docx") == [("分类", "问题", "答案"), ("text",)]
    assert tables(project / "a.docx") == {
        "#table 1": [
            (3, ("电解质", "血钾？", "3.5～5.3")),
            (4, ("电解质", "血钠？", "137～147")),
            (5, ("血常规", "血小板？", "125～350×10⁹/L")),
        ],
        "": [(1, ("前言",)), (2, ("后记",))],
    }


@pytest.mark.parametrize(
    ("paragraphs", "rows"),
    [
        (["问：血钾？", "答：3.5～5.3", "复查"], [(1, ("血钾？", "3.5～5.3\n复查"))]),
        (
            ["1. 血钾高怎么办？", "答：复查", "", "2. 血钠低怎么办？", "", "答：复查"],
            [(1, ("血钾高怎么办？", "复查")), (4, ("血钠低怎么办？", "复查"))],
        ),
        (
            ["#血钾高怎么办？", "先看溶血", "再复查", "#血钠低怎么办？", "复查"],
            [(1, ("血钾高怎么办？", "先看溶血\n再复查")), (4, ("血钠低怎么办？", "复查"))],
        ),
        (
            ["问答", "血钾高怎么办？", "先看溶血", "再复查", "血钠低怎么办？", "复查"],
            [(1, ("问答", None)), (2, ("血钾高怎么办？", "先看溶血\n再复查")), (5, ("血钠低怎么办？", "复查"))],
        ),
        (["检验科通知", "自即日起执行。"], [(1, ("检验科通知",)), (2, ("自即日起执行。",))]),
        (
            ["医生：血钾高？", "检验科：复查", "", "医生：血钠低？", "检验科：复查"],
            [(1, ("医生：血钾高？\n检验科：复查",)), (4, ("医生：血钠低？\n检验科：复查",))],
        ),
    ],
    ids=["marks", "numbered", "headings", "questions alone", "prose", "dialogues"],
)
def test_the_paragraphs_of_a_word_document(word: Any, project: Path, paragraphs: list[str], rows: list[Any]) -> None:
    for text in paragraphs:
        word.add_heading(text[1:], 2) if text.startswith("#") else word.add_paragraph(text)
    word.save(project / "a.docx")
    assert fields(project / "a.docx") == rows


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> Path:
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["word/document.xml"] = change(parts["word/document.xml"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


def test_what_word_shows_is_read_and_what_it_hides_is_not(word: Any, project: Path) -> None:
    word.add_paragraph("PLACE")
    word.save(project / "a.docx")
    shown = (
        "<w:ins><w:r><w:t>问：血钾？</w:t></w:r></w:ins><w:del><w:r><w:delText>旧</w:delText></w:r></w:del></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>答：3.5</w:t><w:br/><w:t>复查</w:t></w:r></w:p></w:sdtContent></w:sdt><w:p>"
    )
    path = rewritten(project / "a.docx", lambda xml: xml.replace(b"<w:r><w:t>PLACE</w:t></w:r>", shown.encode()))
    assert fields(path) == [(1, ("血钾？", "3.5\n复查"))]


def test_word_resolves_no_entities(word: Any, project: Path) -> None:
    (project / "secret").write_text("SECRET")
    word.add_paragraph("PLACE")
    word.save(project / "a.docx")

    def poison(xml: bytes) -> bytes:
        declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{project}/secret"><!ENTITY f "FILLED">]>'.encode()
        return xml.replace(b"<w:document", declared + b"<w:document", 1).replace(b"PLACE", b"x&e;&f;")

    found = str(read(rewritten(project / "a.docx", poison)))
    assert "SECRET" not in found
    assert "FILLED" not in found


def test_word_documents_that_are_refused(word: Any, project: Path) -> None:
    (project / "old.docx").write_bytes(b"\xd0\xcf\x11\xe0 an old one")
    with zipfile.ZipFile(project / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (60 << 20))
    word.save(project / "bad.docx")
    rewritten(project / "bad.docx", lambda xml: xml[: len(xml) // 2])
    for name, says in (
        ("old.docx", "is not a readable Word document"),
        ("bomb.docx", "far larger inside than outside"),
        ("bad.docx", "is not a readable Word document"),
    ):
        with pytest.raises(DataError, match=says):
            readers.read(project / name, readers.Opening(project))


def test_text_without_questions_stands_under_its_headings(tree: Tree) -> None:
    text = "前言\n\n# 采集\n\n## 血常规\n\n2 mL。\n\n混匀。\n\n## 凝血\n\n1:9。\n\n# 附录\n"
    assert fields(tree({"a.md": text}) / "a.md") == [
        (1, ("前言",)),
        (3, ("采集\n血常规\n2 mL。\n混匀。",)),
        (11, ("凝血\n1:9。",)),
        (15, ("附录",)),
    ]
