"""Every container becomes the same table of raw rows, with the place of each row as its users count."""

from __future__ import annotations

import datetime
import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from conftest import Result
from reading import fields, read

from llf_kit import readers
from llf_kit.errors import DataError

Tree = Callable[[dict[str, Any]], Path]


def test_the_lock_of_an_open_workbook_is_no_data(tree: Tree) -> None:
    here = tree({"raw/a.csv": "q,a\n1,2\n", "raw/~$a.xlsx": b"lock", "raw/.hidden.csv": "x"})
    assert [path.name for path in readers.find([here / "raw"])] == ["a.csv"]


def test_what_no_reader_knows_is_named(tree: Tree, llf_kit: Callable[..., Result]) -> None:
    tree({"raw/a.csv": "问题,答案\n甲,乙\n", "raw/b.pdf": "x", "raw/c.pdf": "x", "raw/LICENSE": "x"})
    done = llf_kit("convert", "raw", "--name", "lab")
    assert "raw/b.pdf, raw/c.pdf: no reader for '.pdf'; nothing read" in done.err
    assert "raw/LICENSE: no reader for 'no ending'; nothing read" in done.err
    assert "read 1 = written 1" in done.err


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.xls", "a.docx", "a.json", "a.zip"])
def test_a_file_is_read_as_what_it_is_and_not_as_what_it_is_called(project: Path, name: str) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["问题", "答案"], ["甲", "乙"]):
        book.active.append(row)
    book.save(project / "a.xlsx")
    (project / "a.xlsx").rename(project / name)
    assert fields(project / name) == [(2, ("甲", "乙"))]


MEDICAL = """<?xml version="1.0" encoding="UTF-8"?>
<Document id="1"><Focus>钾</Focus>
<Annotations><UMLS><CUI>C1</CUI><Type>T1</Type></UMLS></Annotations>
<Pairs><Pair pid="1"><Question>血钾的参考区间是多少？</Question><Answer>3.5～5.3 mmol/L</Answer></Pair>
<Pair pid="2"><Question>血钾偏高先做什么？</Question><Answer/></Pair></Pairs></Document>"""


def test_xml_rows_are_the_elements_with_the_most_text(tree: Tree) -> None:
    found = read(tree({"a.xml": MEDICAL}) / "a.xml")
    assert [(row["row"], row["raw"]) for row in found] == [
        (1, {"Focus": "钾", "Question": "血钾的参考区间是多少？", "Answer": "3.5～5.3 mmol/L"}),
        (2, {"Focus": "钾", "Question": "血钾偏高先做什么？", "Answer": None}),
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("<r><i q='甲' a='1'/><i q='乙' a='2'/></r>", [("甲", "1"), ("乙", "2")]),
        ("<r><i><q>甲</q><a>10<sup>9</sup>/L<br/>多</a></i></r>", [("甲", "10⁹/L\n多")]),
        ("<r><i><q>甲</q><a>1</a></i><i><q>乙</q></i></r>", [("甲", "1"), ("乙", None)]),
        ("<r><i><q>甲</q><a>1</a></i><i><q>乙</q><a>2</a><m><x>3</x></m></i></r>", [("甲", "1"), ("乙", "2")]),
        ("<r><l><i><q>甲</q><a>1</a></i><i><q>乙</q><a><b>2</b></a></i></l></r>", [("甲", "1"), ("乙", "2")]),
        ("<r><l><i><a>甲</a><b>1</b></i></l></r>", [("甲", "1")]),
        ("<r xmlns='urn:x'><i><q>甲</q><a>1</a></i></r>", [("甲", "1")]),
    ],
    ids=[
        "attributes",
        "markup",
        "a field that is missing",
        "more below",
        "rows called i",
        "fields a and b",
        "namespace",
    ],
)
def test_xml_loses_no_row(tree: Tree, text: str, rows: list[tuple[str | None, ...]]) -> None:
    assert fields(tree({"a.xml": text}) / "a.xml") == list(enumerate(rows, start=1))


@pytest.mark.parametrize(("declared", "real"), [("GB2312", "gb18030"), ("Big5", "big5"), ("GBK", "utf-8")])
def test_xml_in_the_encodings_of_chinese_exports(tree: Tree, declared: str, real: str) -> None:
    text = f"<?xml version='1.0' encoding='{declared}'?><r><i><q>血糖是什麼意思</q><a>答案在此</a></i></r>"
    assert fields(tree({"a.xml": text.encode(real)}) / "a.xml") == [(1, ("血糖是什麼意思", "答案在此"))]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><c>&b;</c><d>1</d></a>', "declares entities"),
        ('<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a><c>&c;</c><d>1</d></a>', "declares entities"),
        ("<a><b>", "is not XML"),
        ("<a><b>1</b></a>", "no element with two fields"),
        ("<a>" * 5_000 + "</a>" * 5_000, "is nested too deeply"),
    ],
)
def test_xml_that_is_refused(tree: Tree, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read(tree({"a.xml": text}) / "a.xml")


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_columnar_files(project: Path, ending: str) -> None:
    frame = pl.DataFrame({"问题": ["甲", None], "值": [1.5, 2.0], "选项": [["a", "b"], []]})
    frame.write_parquet(project / "a.parquet") if ending == "parquet" else frame.write_ipc(project / "a.arrow")
    assert fields(project / f"a.{ending}") == [(1, ("甲", "1.5", '["a", "b"]')), (2, (None, "2.0", "[]"))]
    (project / f"bad.{ending}").write_bytes(b"no such file")
    with pytest.raises(DataError, match="is damaged or of another kind"):
        read(project / f"bad.{ending}")


def test_typed_columns_become_texts(project: Path) -> None:
    day = datetime.date(2024, 5, 1)
    frame = pl.DataFrame({"日期": [day], "值": [Decimal("5.10")], "多": [[day]], "对": [True]})
    frame.write_parquet(project / "a.parquet")
    assert fields(project / "a.parquet") == [(1, ("2024-05-01", "5.10", '["2024-05-01"]', "true"))]


def test_archives_are_read_from_inside(project: Path) -> None:
    with zipfile.ZipFile(project / "a.zip", "w") as archive:
        archive.writestr("../../out.csv", "q,a\n1,2\n")
        archive.writestr("folder/b.jsonl", '{"q": "3"}\n')
        archive.writestr("photo.png", b"x")
        archive.writestr("inner.ZIP", b"x")
        archive.writestr("folder/~$b.csv", b"x")
    with gzip.open(project / "c.csv.gz", "wb") as file:
        file.write("问题,答案\n甲,乙\n".encode("gb18030"))
    left_out = [
        (one.source, one.why) for one in readers.read(project / "a.zip", readers.Opening(project)) if not one.columns
    ]
    assert left_out == [
        ("a.zip/photo.png", "no reader for '.png'"),
        ("a.zip/inner.ZIP", "is an archive in an archive"),
    ]
    assert [(row["source"], row["row"]) for row in read(project / "a.zip")] == [
        ("a.zip/../../out.csv", 2),
        ("a.zip/folder/b.jsonl", 1),
    ]
    assert [row["source"] for row in read(project / "c.csv.gz")] == ["c.csv.gz/c.csv"]
    assert not (project.parent.parent / "out.csv").exists()


def test_archives_that_are_refused(project: Path) -> None:
    with gzip.open(project / "bomb.csv.gz", "wb") as file:
        for _ in range(60):
            file.write(b"0" * (1 << 20))
    (project / "bad.zip").write_bytes(b"PK\x03\x04 no")
    (project / "bad.csv.gz").write_bytes(b"no")
    with zipfile.ZipFile(project / "empty.zip", "w") as archive:
        archive.writestr("photo.png", b"x")
    for name, says in (
        ("bomb.csv.gz", "far larger inside than outside"),
        ("bad.zip", "is damaged or no archive"),
        ("bad.csv.gz", "is damaged or no archive"),
        ("empty.zip", "holds no file that can be read"),
    ):
        with pytest.raises(DataError, match=says):
            read(project / name)


def test_sources_are_all_checked_at_once(tree: Tree) -> None:
    here = tree({"a.pdf": "x", "b.csv": "q,a\n1,2\n", "folder/photo.png": "x"})
    with pytest.raises(DataError) as caught:
        readers.find([here / "a.pdf", here / "b.csv", here / "gone.csv", here / "folder"])
    assert len(caught.value.problems) == 3
    for ending in (".csv", ".xls", ".docx", ".md", ".html"):
        assert f"{ending}, " in caught.value.problems[0]
