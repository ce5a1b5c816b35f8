"""Which encoding a text is in, and what becomes of a text that is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import fields, read

from llf_kit.errors import DataError, UsageError
from llf_kit.readers import delimited, encoding
from llf_kit.readers.encoding import detect

Tree = Callable[[dict[str, Any]], Path]


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
        ("question,answer\nCalcium?,2.11–2.52 mmol/L or 2110 µmol/L\n", "gb18030"),
    ],
)
def test_the_encoding_is_found(tree: Tree, text: str, encoding: str) -> None:
    path = tree({"a.csv": text.encode(encoding)}) / "a.csv"
    assert detect(path) == encoding
    assert fields(path) == [(2, tuple(text.split("\n")[1].split(",")))]


@pytest.mark.parametrize("ending", ["csv", "txt"])
def test_a_stray_nul_does_not_make_a_text_utf_16(tree: Tree, ending: str) -> None:
    for text in ("question,answer\nIs it\0 high?,no\n", "问：什么是\0钾？\n答：一种元素\n"):
        assert detect(tree({f"a.{ending}": text.encode()}) / f"a.{ending}") == "utf-8"


def test_a_given_encoding_is_used_and_checked(tree: Tree) -> None:
    path = tree({"a.csv": "問題,答案\n血鉀,正常\n".encode("big5")}) / "a.csv"
    assert fields(path, encoding="big5") == [(2, ("血鉀", "正常"))]
    with pytest.raises(DataError, match="is not utf-8: byte 0"):
        read(path, encoding="utf-8")
    with pytest.raises(UsageError, match="no such encoding"):
        read(path, encoding="utf-88")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("question,answer\nPotassium in µmol/L at 37 °C?,5 ± 0.2 µmol/L – “normal”\n", "cp1252"),
        ("Frage,Antwort\nIst Kalium über 5 erhöht?,Zuerst Hämolyse prüfen\n", "cp1252"),
        ("質問,回答\nカリウムが高いときはどうしますか？,まず溶血を確認します。\n", "cp932"),
        (
            "질문,답변\n칼륨이 높으면 어떻게 해야 합니까?,먼저 용혈을 확인하고 다시 검사한 뒤에 임상에 알리십시오.\n",
            "cp949",
        ),
        ("вопрос,ответ\nПочему повышен калий?,Сначала исключите гемолиз образца и повторите.\n", "cp1251"),
    ],
)
def test_other_languages_do_not_become_rare_chinese(tree: Tree, text: str, encoding: str) -> None:
    path = tree({"a.csv": text.encode(encoding)}) / "a.csv"
    assert detect(path) == encoding
    assert fields(path) == [(2, tuple(text.split("\n")[1].split(",")))]


GOOD = "血钾偏高怎么办？,先看标本是否溶血。\n" * 10


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
@pytest.mark.parametrize("given", [None, "its own"])
@pytest.mark.parametrize("careful", [False, True])
def test_a_damaged_byte_costs_its_row_and_no_other(tree: Tree, encoding: str, given: str | None, careful: bool) -> None:
    good = ("问题,答案\n" + GOOD).encode(encoding)
    cut = "血钠偏低怎么办？,复".encode(encoding.removesuffix("-sig"))[:-1]
    path = tree({"a.csv": good + cut + b"\n" + GOOD.encode(encoding.removesuffix("-sig"))}) / "a.csv"
    found = read(path, careful=careful, encoding=given and encoding)
    rejected = {row["row"]: (row["reason"], row["raw"]["答案"]) for row in found if row["reason"]}
    assert len(found) == 21
    assert rejected == {12: (f"bytes that are not {encoding}", "\ufffd")}


@pytest.mark.parametrize("ending", ["jsonl", "txt", "json"])
def test_a_damaged_byte_in_other_texts(tree: Tree, ending: str) -> None:
    rows = [{"question": "血钾偏高？", "answer": "复查"} for _ in range(9)]
    texts = {
        "jsonl": "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows),
        "json": json.dumps(rows, ensure_ascii=False),
        "txt": "问：血钾偏高？\n答：复查\n" * 9,
    }
    data = texts[ending].encode()
    at = data.index("查".encode(), len(data) // 2)
    path = tree({f"a.{ending}": data[:at] + data[at + 1 :]}) / f"a.{ending}"
    assert [row["reason"] for row in read(path)].count("bytes that are not utf-8") == 1
    assert len(read(path)) == 9


def test_a_text_of_another_encoding_is_not_a_damaged_one(tree: Tree) -> None:
    path = tree({"a.csv": "q,a\n血鉀偏高怎麼辦,先看標本是否溶血\n".encode("big5")}) / "a.csv"
    with pytest.raises(DataError, match="is not utf-8"):
        read(path, encoding="utf-8")
    latin = tree({"b.csv": b"q,a\n" + bytes(range(129, 256)) + b"\n"}) / "b.csv"
    with pytest.raises(DataError, match="is neither utf-8 nor gb18030"):
        read(latin)


def test_what_gbk_lacks_and_what_is_damaged_are_met_far_down(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_LOOK", 99)
    monkeypatch.setattr(encoding, "_CHUNK", 99)
    text = "问题,答案\n" + "血钾？,正常\n" * 100
    here = tree({"a.csv": (text + "𠀀,ḿ\n").encode("gb18030"), "b.csv": text.encode("gb18030") + b"\xff,1\n"})
    assert fields(here / "a.csv")[-1] == (102, ("𠀀", "ḿ"))
    assert [row["reason"] for row in read(here / "b.csv")][-2:] == [None, "bytes that are not gb18030"]
