"""Every container becomes the same table of raw rows, with the place of each row as its users count."""

from __future__ import annotations

import codecs
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from conftest import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llf_kit import readers
from llf_kit.errors import DataError, UsageError
from llf_kit.readers import delimited, encoding
from llf_kit.readers.encoding import detect

Tree = Callable[[dict[str, Any]], Path]


def read(path: Path, **opening: Any) -> list[dict[str, Any]]:
    tables = readers.read(path, readers.Opening(path.parent, **opening))
    return [row for table in tables for row in table.rows.collect().to_dicts()]


def fields(path: Path, **opening: Any) -> list[tuple[int, tuple[str | None, ...]]]:
    return [(row["row"], tuple(row["raw"].values())) for row in read(path, **opening)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("careful", [False, True])
def test_csv_reads_the_same_in_every_encoding(tree: Tree, encoding: str, careful: bool) -> None:
    text = '问题,答案\n"血钾，\n多少？","他说""正常"""\n𠮷,10⁹/L\n'
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else b""
    path = tree({"a.csv": mark + text.encode(encoding)}) / "a.csv"
    assert fields(path, careful=careful) == [(2, ("血钾，\n多少？", '他说"正常"')), (3, ("𠮷", "10⁹/L"))]


@pytest.mark.parametrize("careful", [False, True])
def test_a_blank_line_is_no_row_and_keeps_the_count(tree: Tree, careful: bool) -> None:
    path = tree({"a.csv": "q,a\n1,2\n\n,\n3,\n"}) / "a.csv"
    assert fields(path, careful=careful) == [(2, ("1", "2")), (5, ("3", None))]


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_the_separator_is_found(tree: Tree, separator: str) -> None:
    path = tree({"a.csv": f"问题{separator}答案\n甲{separator}乙\n"}) / "a.csv"
    assert fields(path) == [(2, ("甲", "乙"))]


def test_a_damaged_csv_loses_no_good_row(tree: Tree) -> None:
    path = tree({"a.csv": 'q,a\n1,2\n3,4,5\n"6"x,7\n8,9\n'}) / "a.csv"
    found = read(path, careful=True)
    assert [(row["row"], row["reason"]) for row in found] == [
        (2, None),
        (3, "3 fields where the header has 2"),
        (4, "stray quotes in lines 4 to 4"),
        (5, None),
    ]


def test_a_quote_that_never_closes_is_said_with_its_place(tree: Tree) -> None:
    path = tree({"a.csv": 'q,a\n1,2\n"3,4\n5,6\n'}) / "a.csv"
    assert [row["reason"] for row in read(path, careful=True)] == [
        None,
        "a quote is opened and never closed in lines 3 to 4",
    ]


def test_text_in_no_known_encoding_names_the_place(tree: Tree) -> None:
    path = tree({"a.csv": b"q,a\n\xff\xff,1\n"}) / "a.csv"
    with pytest.raises(
        DataError, match=r"a\.csv: is neither utf-8 nor gb18030: byte 4 does not decode. Give --encoding"
    ):
        read(path)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("问题,答案\n血钾偏高怎么办？,先看标本是否溶血，再复查并结合心电图判断。\n", "gb18030"),
        ("問題,答案\n血鉀偏高怎麼辦？,先看標本是否溶血，再複查並結合心電圖判斷。\n", "big5"),
        ("問題,答案\n血鉀偏高怎麼辦？,先看標本是否溶血，再複查並結合心電圖判斷。\n", "gb18030"),
        ("问题,答案\n血钾偏高怎么办？,先看标本是否溶血，再复查。\n", "utf-16-le"),
        ("question,answer\nIs potassium high?,repeat it\n", "utf-16-be"),
        ("问题,答案\n𠮷野家？,10⁹/L\n", "gb18030"),
    ],
)
def test_the_encoding_is_found(tree: Tree, text: str, encoding: str) -> None:
    path = tree({"a.csv": text.encode(encoding)}) / "a.csv"
    assert detect(path) == encoding
    assert fields(path) == [(2, tuple(text.split("\n")[1].split(",")))]


def test_a_given_encoding_is_used_and_checked(tree: Tree) -> None:
    path = tree({"a.csv": "問題,答案\n血鉀,正常\n".encode("big5")}) / "a.csv"
    assert fields(path, encoding="big5") == [(2, ("血鉀", "正常"))]
    with pytest.raises(DataError, match="is not utf-8: byte 0"):
        read(path, encoding="utf-8")
    with pytest.raises(UsageError, match="no such encoding"):
        read(path, encoding="utf-88")


def test_what_gbk_lacks_and_what_is_no_gb18030_are_met_far_down(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_LOOK", 99)
    monkeypatch.setattr(encoding, "_CHUNK", 99)
    text = "问题,答案\n" + "血钾？,正常\n" * 100
    here = tree({"a.csv": (text + "𠀀,ḿ\n").encode("gb18030"), "b.csv": text.encode("gb18030") + b"\xff,1\n"})
    assert fields(here / "a.csv")[-1] == (102, ("𠀀", "ḿ"))
    with pytest.raises(DataError, match=r"byte 1210 does not decode"):
        read(here / "b.csv")


def test_two_columns_of_one_name_are_refused(tree: Tree) -> None:
    with pytest.raises(DataError, match="two columns are called '答案'"):
        read(tree({"a.csv": "问题,答案,答案\n1,2,3\n"}) / "a.csv")


def test_xlsx_reads_every_sheet_past_its_title(project: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "参考区间"
    sheet.append(["检验科问答 2024"])
    sheet.merge_cells("A1:C1")
    sheet.append(["问题", "答案", "编号"])
    sheet.append(["血钾？", "3.5～5.3", 1])
    sheet.append([None, None, None])
    sheet.append(["血钠？", "137～147", 2.5])
    book.create_sheet("空")
    book.save(project / "a.xlsx")
    found = read(project / "a.xlsx")
    assert [(row["source"], row["row"], tuple(row["raw"].values())) for row in found] == [
        ("a.xlsx#参考区间", 3, ("血钾？", "3.5～5.3", "1")),
        ("a.xlsx#参考区间", 5, ("血钠？", "137～147", "2.5")),
    ]


def test_a_workbook_without_rows_is_said_to_be_empty(project: Path, llf_kit: Callable[..., Result]) -> None:
    openpyxl.Workbook().save(project / "a.xlsx")
    done = llf_kit("convert", "a.xlsx", "--name", "lab")
    assert done.status == 1
    assert "a.xlsx#Sheet: is empty. Give a table with a header and rows." in done.err


def test_the_lock_of_an_open_workbook_is_no_data(tree: Tree) -> None:
    here = tree({"raw/a.csv": "q,a\n1,2\n", "raw/~$a.xlsx": b"lock", "raw/.hidden.csv": "x"})
    assert [path.name for path in readers.find([here / "raw"])] == ["a.csv"]


def test_a_text_in_a_list_of_one_is_that_text(tree: Tree) -> None:
    assert fields(tree({"a.jsonl": [{"q": ["甲"]}]}) / "a.jsonl") == [(1, ("甲",))]


def test_a_file_that_only_claims_to_be_xlsx(tree: Tree) -> None:
    with pytest.raises(DataError, match="is not a readable Excel workbook"):
        read(tree({"a.xlsx": b"PK not really"}) / "a.xlsx")


def test_jsonl_rejects_bad_lines_and_sees_late_keys(tree: Tree) -> None:
    path = (
        tree({"a.jsonl": '{"q": "1"}\nnot json\n\n[1]\n{"q": "2", "late": {"x": [1]}}\n{"q": "\\ud800"}\n'}) / "a.jsonl"
    )
    assert [(row["row"], row["reason"], row["raw"]["late"]) for row in read(path)] == [
        (1, None, None),
        (2, "not JSON", None),
        (4, "a JSON array where an object is needed", None),
        (5, None, '{"x": [1]}'),
        (6, "half of a character (a lone surrogate)", None),
    ]


@pytest.mark.parametrize(
    "data",
    [[{"q": "1"}, {"q": "2"}], {"a": {"q": "1"}, "b": {"q": "2"}}, {"version": 3, "data": [{"q": "1"}, {"q": "2"}]}],
    ids=["array", "object by id", "array inside an object"],
)
def test_json_finds_the_rows(tree: Tree, data: Any) -> None:
    path = tree({"a.json": json.dumps(data)}) / "a.json"
    assert fields(path) == [(1, ("1",)), (2, ("2",))]


def test_json_lines_under_another_name(tree: Tree) -> None:
    assert fields(tree({"a.json": '{"q": "1"}\n{"q": "2"}\n'}) / "a.json") == [(1, ("1",)), (2, ("2",))]


def test_json_that_is_none_says_where(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"a\.json:2: is not JSON"):
        read(tree({"a.json": '[{"q": 1},\n oops]'}) / "a.json")


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
    ("text", "says"),
    [
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><c>&b;</c><d>1</d></a>', "declares entities"),
        ('<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a><c>&c;</c><d>1</d></a>', "declares entities"),
        ("<a><b>", "is not XML"),
        ("<a><b>1</b></a>", "no element with two fields"),
    ],
)
def test_xml_that_is_refused(tree: Tree, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read(tree({"a.xml": text}) / "a.xml")


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


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_columnar_files(project: Path, ending: str) -> None:
    frame = pl.DataFrame({"问题": ["甲", None], "值": [1.5, 2.0], "选项": [["a", "b"], []]})
    frame.write_parquet(project / "a.parquet") if ending == "parquet" else frame.write_ipc(project / "a.arrow")
    assert fields(project / f"a.{ending}") == [(1, ("甲", "1.5", '["a", "b"]')), (2, (None, "2.0", "[]"))]
    (project / f"bad.{ending}").write_bytes(b"no such file")
    with pytest.raises(DataError, match="is damaged or of another kind"):
        read(project / f"bad.{ending}")


def test_archives_are_read_from_inside(project: Path) -> None:
    with zipfile.ZipFile(project / "a.zip", "w") as archive:
        archive.writestr("../../out.csv", "q,a\n1,2\n")
        archive.writestr("folder/b.jsonl", '{"q": "3"}\n')
        archive.writestr("photo.png", b"x")
        archive.writestr("inner.ZIP", b"x")
        archive.writestr("folder/~$b.csv", b"x")
    with gzip.open(project / "c.csv.gz", "wb") as file:
        file.write("问题,答案\n甲,乙\n".encode("gb18030"))
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
    here = tree({"a.pdf": "x", "b.csv": "q,a\n1,2\n", "folder/readme.md": "x"})
    with pytest.raises(DataError) as caught:
        readers.find([here / "a.pdf", here / "b.csv", here / "gone.csv", here / "folder"])
    assert len(caught.value.problems) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.binary(max_size=300), suffix=st.sampled_from([*readers.READERS, ".zip", ".csv.gz"]))
def test_any_bytes_give_rows_or_a_clear_error(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(data)
    try:
        read(path, careful=True)
    except DataError as error:
        assert str(path) in str(error)
