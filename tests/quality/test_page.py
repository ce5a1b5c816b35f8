"""The page and the JSON: what was planted is shown, nothing else is loaded or run, and no identifier can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY, Result, rows

from llf_kit.cleaning import identifiers, text
from llf_kit.project import shipped, text_lines

RAW = """问题,答案,标签
成人血钾的参考区间是多少？,血清钾 3.5～5.3 mmol/L（WS/T 404.3-2012）。,参考区间
成人血钾的参考区间是多少,血清钾 3.8～6.0 mmol/L（WS/T 404.3-2012）。,参考区间
成人白细胞计数的参考区间？,白细胞计数 3.5～9.5 109/L（WS/T 405-2012）。,参考区间
成人血钠的参考区间是多少？,血清钠 147～137 mmol/L（WS/T 404.3-2012）。,参考区间
<血酮>3&：患者欧阳明月，电话13912345678，血糖 25 mmol/L 怎么处理？,请咨询医生。,危急值
溶血标本对血钾有什么影响？请说明原因和处理办法。,红细胞内钾浓度远高于血清，溶血时钾释放到血清，使结果假性升高，应重新采集标本，避免反复握拳。,检验前
溶血标本对血钾有什么影响？请说明原因和处理方法。,红细胞内钾浓度远高于血清，溶血时钾释放到血清，使结果假性升高，应重新采集标本，避免反复握拳。,检验前
,没有问题,检验前
"""


class _Links(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "rect", "line", "br"):
            self.open.append(tag)
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base", "form"):
            self.found.append(tag)
        self.found += [f"{name}={value}" for name, value in attrs if name in ("src", "srcset") or name.startswith("on")]
        self.found += [str(value) for name, value in attrs if name == "href" and not str(value).startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line"):
            assert self.open.pop() == tag


@pytest.fixture
def converted(llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]) -> Path:
    directory = tree({"a.csv": RAW, "llf-kit.yaml": "shares: {参考区间: 0.5, 危急值: 0.3, 室间质评: 0.1}\n"})
    assert llf_kit("convert", "a.csv", "--name", "lab").status == 0
    return directory


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_loads_nothing_and_shows_no_identifier(
    converted: Path, llf_kit: Callable[..., Result], language: str
) -> None:
    done = llf_kit("quality", "lab", "--lang", language, "--html", "page.html")
    assert done.status == 0, done.err
    page = (converted / "page.html").read_text(encoding="utf-8")
    looked = _Links()
    looked.feed(page)
    assert (looked.found, looked.open) == ([], [])
    assert "default-src 'none'" in page
    assert "&lt;血酮&gt;3&amp;" in page
    assert "13912345678" not in page and "欧阳" not in page and "明月" not in page
    assert page.count("【手机号】") + page.count("【电话】") >= 1
    said = yaml.safe_load((shipped("templates") / "quality/words.yaml").read_text(encoding="utf-8"))[language]
    for heading in ("came_in", "lengths", "labels", "scores", "units", "flags", "contradictions", "near", "leaked"):
        assert f'<h2 id="{heading}">{said[heading]}</h2>' in page
    assert said["sum"].format(read=8, written=7, duplicates=0, rejected=1) in page
    assert said["target_without_rows"] in page
    assert said["sum_not_one"].format(sum="0.9") in page
    assert said["rows_without_target"] in page
    assert "上标丢失: 109" in page or "lost superscript: 109" in page
    if language == "zh":  # what the tool itself says is Chinese, too
        words = re.sub(
            r"<style>.*?</style>|<[^>]+>|llf-kit|LLaMA-Factory|JSON|Excel|mmol/L|WS/T|single-turn.*",
            "",
            page,
            flags=re.S,
        )
        file_names = {"shares", "templates", "quality", "standard", "yaml", "jsonl", "datasets"}
        assert set(re.findall(r"[A-Za-z]{4,}", words)) <= file_names


def test_the_languages_have_the_same_words() -> None:
    words = yaml.safe_load((shipped("templates") / "quality/words.yaml").read_text(encoding="utf-8"))
    assert words["zh"].keys() - {"named"} == words["en"].keys()
    for name, said in words["en"].items():
        if isinstance(said, str):
            assert sorted(re.findall(r"{\w*}", said)) == sorted(re.findall(r"{\w*}", words["zh"][name])), name


def test_what_cleaning_counts_has_chinese_words() -> None:
    named = yaml.safe_load((shipped("templates") / "quality/words.yaml").read_text(encoding="utf-8"))["zh"]["named"]
    kinds = [kind.name for kind in vars(identifiers.kinds).values() if isinstance(kind, identifiers.kinds.Kind)]
    rules = [rule.name for script in text.SCRIPTS for rule in text.Style("caret", script).rules]
    flags = [text.LOST, text.DAMAGED, identifiers.digits.BAD_ID, identifiers.digits.BAD_CARD]
    assert len(kinds) > 15 and {*kinds, *rules, *flags} <= named.keys()


def test_json_says_what_came_in_and_what_there_is(converted: Path, llf_kit: Callable[..., Result]) -> None:
    data = llf_kit("quality", "lab", "--json").json
    assert data["conversion"]["read"] == 8
    assert data["conversion"]["reasons"] == {"no question": 1}
    assert data["conversion"]["masked"] == {"name": 1, "phone": 1}
    assert (data["rows"], data["language"]) == (7, "zh")
    assert sum(data["lengths"]["answer"]["rows"]) == sum(data["scores"]["rows"]) == 7
    assert {one["label"]: (one["rows"], one["target"]) for one in data["labels"]} == {
        "参考区间": (4, 0.5), "检验前": (2, None), "危急值": (1, 0.3), "室间质评": (0, 0.1),
    }  # fmt: skip
    assert len(data["label_problems"]) == 3
    assert {"unit": "mmol/L", "number": 4} in data["units"]
    worst = data["worst"][0]
    assert (worst["place"], worst["faults"][0]["fault"]) == ("datasets/lab.jsonl:5", "points_elsewhere")
    scores = [one["score"] for one in data["worst"]]
    assert scores == sorted(scores) == [one["score"] for one in data["best"]][::-1]


def test_a_test_row_and_a_probe_in_the_training_set_are_found(converted: Path, llf_kit: Callable[..., Result]) -> None:
    leaked = {"问题": "危急值报告后多久要记录接收人？", "答案": "立即记录。"}
    (converted / "test.jsonl").write_text(json.dumps(leaked, ensure_ascii=False))
    assert llf_kit("convert", "test.jsonl", "--name", "lab_test").status == 0
    probe = json.loads(text_lines(REPOSITORY / "datasets/probes.jsonl")[0])
    (converted / "datasets/probes.jsonl").write_text(json.dumps(probe, ensure_ascii=False))
    made = rows(converted / "datasets/lab.jsonl")
    made += [{**made[0], "instruction": leaked["问题"]}, {**made[0], "instruction": probe["question"]}]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    (converted / "datasets/lab.jsonl").write_text(text)
    data = llf_kit("quality", "lab", "--json", "--html", "a.html").json
    assert [(one["place"], one["in"]) for one in data["contamination"]] == [
        ("datasets/lab.jsonl:8", "datasets/lab_test.jsonl:1"), ("datasets/lab.jsonl:9", "datasets/probes.jsonl:1"),
    ]  # fmt: skip
    page = (converted / "a.html").read_text(encoding="utf-8")
    assert "测试内容：datasets/lab_test.jsonl:1" in page
    assert "转换时写了 7 行，现在有 9 行" in page
    assert llf_kit("quality", "lab_test", "--json").json["contamination"] == []


def test_what_the_laboratory_checks_find_is_shown_side_by_side(converted: Path, llf_kit: Callable[..., Result]) -> None:
    data = llf_kit("quality", "lab", "--json", "--html", "a.html", "--excel", "a.xlsx").json
    (contradiction,) = data["contradictions"]
    assert [side["place"] for side in contradiction["sides"]] == ["datasets/lab.jsonl:1", "datasets/lab.jsonl:2"]
    flagged = {row["place"]: [flag["says"] for flag in row["flags"]] for row in data["flagged"]}
    assert flagged == {"datasets/lab.jsonl:3": ["上标丢失"], "datasets/lab.jsonl:4": ["区间上下限颠倒"]}
    page = (converted / "a.html").read_text(encoding="utf-8")
    assert "3.8～6.0 mmol/L" in page
    assert "上标丢失: 109" in page


def test_near_duplicates_are_shown_in_their_clusters(converted: Path, llf_kit: Callable[..., Result]) -> None:
    (cluster,) = llf_kit("quality", "lab", "--json").json["near_duplicates"]
    assert [row["place"] for row in cluster] == ["datasets/lab.jsonl:6", "datasets/lab.jsonl:7"]


def test_the_page_goes_where_only_its_owner_reads_it(converted: Path, llf_kit: Callable[..., Result]) -> None:
    done = llf_kit("quality", "lab")
    page = converted / ".llf-kit/quality/lab.html"
    assert page.stat().st_mode & 0o777 == 0o600
    assert f"written   {page}" in done.err
    assert "13912345678" not in done.err + done.out


def test_an_unmasked_dataset_is_masked_on_the_page_and_named_as_such(
    converted: Path, llf_kit: Callable[..., Result]
) -> None:
    assert llf_kit("convert", "a.csv", "--name", "lab", "--identifiers", "off").status == 0
    assert llf_kit("quality", "lab", "--lang", "en", "--html", "a.html", "--excel", "a.xlsx").status == 0
    page = (converted / "a.html").read_text(encoding="utf-8")
    assert "13912345678" not in page and "欧阳" not in page and "明月" not in page
    assert "It was converted without masking" in page
    import openpyxl

    sheet = openpyxl.load_workbook(converted / "a.xlsx").worksheets[0]
    assert "13912345678" not in str([cell.value for line in sheet.iter_rows() for cell in line])


def test_a_dataset_of_another_tool_is_looked_at_too(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    turns = [{"from": "human", "value": "血钾？"}, {"from": "gpt", "value": "3.5～5.3 mmol/L"}]
    directory = tree({
        "their.json": json.dumps([{"conversations": turns}, {"conversations": turns[1:]}]),
        "dataset_info.json": json.dumps({
            "theirs": {"file_name": "their.json", "formatting": "sharegpt"}, "gone": {"file_name": "x"}}),
    })  # fmt: skip
    data = llf_kit("quality", "theirs", "--json", "--html", "a.html").json
    assert data["conversion"] is None
    assert data["refused"] == [{"place": "their.json:2", "reason": "its turns are not in order"}]
    assert "轮次顺序不对" in (directory / "a.html").read_text(encoding="utf-8")
    assert "Did you mean 'theirs'?" in llf_kit("quality", "their").err
    assert "its file is not here" in llf_kit("quality", "gone").err


@pytest.mark.parametrize(
    "format_", ["alpaca", "sharegpt", "openai", "preference", "preference_sharegpt", "kto", "pretrain"]
)
def test_every_format_is_read_back_as_it_was_meant(
    format_: str, llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    row = {
        "preference": {"question": "血钾？", "chosen": "3.5～5.3 mmol/L", "rejected": "不知道"},
        "kto": {"question": "血钾？", "answer": "3.5～5.3 mmol/L", "desirable": True},
        "pretrain": {"text": "血钾的参考区间是 3.5～5.3 mmol/L。"},
    }.get(format_.partition("_")[0], {"question": "血钾？", "answer": "3.5～5.3 mmol/L"})
    directory = tree(
        {"a.jsonl": [row, {key: f"{value}！" if isinstance(value, str) else value for key, value in row.items()}]}
    )
    assert llf_kit("convert", "a.jsonl", "--name", "lab", "--format", format_).status == 0
    from llf_kit import registered

    found = registered.samples(registered.find(directory, "lab"))
    first = found.row(0, named=True)
    assert found["reason"].to_list() == [None, None]
    assert "3.5～5.3 mmol/L" in first["messages"][-1]["content"]
    assert first["rejected"] == row.get("rejected")
    assert first["desirable"] == row.get("desirable")
    assert llf_kit("quality", "lab", "--json").json["rows"] == 2


def test_rows_below_a_score_are_rejected_and_listed_with_it(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    directory = tree({"a.csv": RAW, "llf-kit.yaml": "name: lab\nmin_score: 70\n"})
    data = llf_kit("convert", "a.csv", "--json").json
    assert data["reasons"] == {"a score below 70": 1, "no question": 1}
    assert data["read"] == data["written"] + data["duplicates"] + data["rejected"]
    listed = next(row for row in rows(directory / ".llf-kit/rejected/lab.jsonl") if row["reason"] != "no question")
    assert (listed["row"], listed["score"]) == (6, 58.5)
    assert listed["faults"] == ["points_elsewhere", "nothing_definite", "short"]
    assert llf_kit("convert", "a.csv", "--min-score", "0", "--json").json["written"] == 7
    assert not (directory / ".llf-kit/labelled/lab.jsonl").exists()  # nothing was guessed


def test_the_standard_of_a_project_is_the_one_that_counts(converted: Path, llf_kit: Callable[..., Result]) -> None:
    text = (shipped("templates") / "quality/standard.yaml").read_text(encoding="utf-8")
    (converted / "own.yaml").write_text(text.replace("请?(?:咨询", "从不(?:咨询"), encoding="utf-8")
    (converted / "llf-kit.yaml").write_text("standard: own.yaml\n")
    assert llf_kit("quality", "lab", "--json").json["worst"][0]["score"] > 80
    (converted / "llf-kit.yaml").write_text("standard: gone.yaml\n")
    done = llf_kit("quality", "lab")
    assert (done.status, "gone.yaml: there is no such file" in done.err) == (1, True)


def test_odd_datasets_are_looked_at_without_a_traceback(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    half = '{"instruction":"血钾 \\ud800 高？","output":"复查。"}\n{"instruction":5,"output":null}\n'
    entries = {name: {"file_name": f"{name}.jsonl"} for name in ("half", "empty", "broken")}
    tree({"half.jsonl": half, "empty.jsonl": "", "broken.jsonl": "{", "dataset_info.json": json.dumps(entries)})
    data = llf_kit("quality", "half", "--json", "--html", "a.html", "--excel", "a.xlsx").json
    assert data["worst"][0]["question"] == "血钾 ? 高？"
    assert data["refused"] == [{"place": "half.jsonl:2", "reason": "a text of it is not text"}]
    assert llf_kit("quality", "empty", "--json", "--html", "a.html", "--excel", "a.xlsx").json["rows"] == 0
    assert "broken.jsonl:1: is not JSON. Mend the line." in llf_kit("quality", "broken").err


def test_of_near_duplicates_conversion_keeps_the_row_with_the_best_score(
    llf_kit: Callable[..., Result], tree: Callable[[dict[str, Any]], Path]
) -> None:
    question = "溶血标本对血钾有什么影响？请说明原因和处理办法。"
    answer = "红细胞内钾浓度远高于血清，溶血时钾释放到血清，使结果假性升高，应重新采集标本，避免反复握拳，急送优先检测"
    tree(
        {
            "a.jsonl": [
                {"question": question, "answer": f"{answer}哈哈！！"},
                {"question": question, "answer": f"{answer}。"},
            ]
        }
    )
    data = llf_kit("convert", "a.jsonl", "--name", "lab", "--near-duplicates", "0.8", "--json").json
    assert (data["written"], data["near_duplicates"], data["rejected"]) == (1, 1, 0)
    assert rows(Path("datasets/lab.jsonl"))[0]["output"] == f"{answer}。"
