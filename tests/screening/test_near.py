"""What is alike is found, whatever its order; what differs in a fact is never merged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import Result, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from llf_kit.convert import Plan, convert
from llf_kit.errors import UsageError
from llf_kit.screening import near
from llf_kit.screening.near import buckets, signatures
from llf_kit.screening.near.facts import facts

Tree = Callable[[dict[str, Any]], Path]
Run = Callable[..., Result]

REST = "这是门诊送检的样品，请问应当如何说明给医生听，并且在系统里记录哪些信息，之后还要通知哪些同事一起处理"
REST_EN = "; please tell us how we should explain this to the ward and what the colleagues in the office have to record"


def grams(text: str) -> frozenset[str]:
    plain = pl.select(signatures.plain(pl.lit(text))).item()
    return frozenset([plain[start : start + 3] for start in range(len(plain) - 2)] or [plain])


def alike(one: str, other: str) -> float:
    return signatures.jaccard(grams(one), grams(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("血清钾3.5", "血清钾5.3"),
        ("结果是3.5 mmol/L", "结果是3.5 mg/dL"),
        ("单位写作mmol/L", "单位写作μmol/L"),
        ("质控在-3SD", "质控在+3SD"),
        ("大于＞100", "小于＜100"),
        ("从20降到10", "从10降到20"),
        ("放置2小时", "放置2天"),
        ("10⁹/L", "10¹²/L"),
        ("重复三次", "重复两次"),
        ("乙型", "丙型"),
        ("男性患者", "女性患者"),
        ("成人", "儿童"),
        ("新生儿", "老年人"),
        ("采集血清", "采集血浆"),
        ("采集尿", "采集脑脊液"),
        ("全血", "血清"),
        ("肝素抗凝", "枸橼酸抗凝"),
        ("可以离心", "不可以离心"),
        ("有溶血", "无溶血"),
        ("正常", "非正常"),
        ("结果升高", "结果降低"),
        ("抗体阳性", "抗体阴性"),
        ("空腹", "餐后"),
        ("血钾", "血钠"),
        ("ALT", "AST"),
        ("IgG", "IgM"),
        ("CK", "CK-MB"),
        ("Na+", "K+"),
        ("左侧", "右侧"),
    ],
)
@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_rows_that_differ_in_a_fact_are_no_duplicates(one: str, other: str, threshold: float) -> None:
    texts = [one + REST, other + REST]
    assert alike(*texts) >= threshold, "this test would prove nothing"
    assert near.clusters(texts, threshold) == []
    assert near.clusters([*texts, texts[0] + "呢"], threshold) == [[0, 2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is serum fit for it", "Is plasma fit for it"),
        ("The CSF of an adult", "The CSF of an infant"),
        ("A male patient", "A female patient"),
        ("It is stable", "It is not stable"),
        ("It is stable", "It isn't stable"),
        ("It can be stored", "It cannot be stored"),
        ("5 mg were given", "5 g were given"),
        ("after 3 days", "after 3 hours"),
        ("type 1", "type 2"),
        ("two tubes", "three tubes"),
        ("hyperkalemia", "hypokalemia"),
        ("a high value", "a low value"),
        ("Sodium is asked for", "Potassium is asked for"),
        ("HBsAg is reported", "HBsAb is reported"),
        ("before the meal", "after the meal"),
        ("venous blood", "capillary blood"),
    ],
)
def test_so_it_is_in_english(one: str, other: str) -> None:
    texts = [one + REST_EN, other + REST_EN]
    assert alike(*texts) >= 0.5
    assert near.clusters(texts, 0.5) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("成人男性血清钾的参考区间是3.5～5.3 mmol/L，怎样写？", "成人男性血清钾的参考区间是 3.5-5.3mmol/L，怎样写"),
        ("成人男性血清钾的参考区间是３．５，该怎样写在报告上？", "成人男性血清钾的参考区间是3.5，该怎样写在报告上呢？"),
        ("Which tube is used for this test in your hospital?", "which tube is used for this test, in your hospital"),
    ],
)  # fmt: skip
def test_notation_and_punctuation_make_no_other_row(one: str, other: str) -> None:
    assert near.clusters([one, other], 0.9) == [[0, 1]]


def test_what_says_nothing_is_no_duplicate_and_what_is_short_may_be() -> None:
    assert near.clusters(["？", "！", "", "血钾", "血钾。", "钾", "ok", "Ok", "好"], 0.9) == [[3, 4], [6, 7]]
    assert near.clusters([], 0.9) == []
    assert near.clusters(pl.Series(["好的", None, None, "好的"], dtype=pl.String), 0.9) == [[0, 3]]


@pytest.mark.parametrize("threshold", [0.0, 0.49, 1.01, -1.0, float("nan")])
def test_thresholds_that_are_none(threshold: float) -> None:
    with pytest.raises(UsageError, match=r"is not a similarity\. Give a number from 0.5 to 1"):
        near.clusters(["甲"], threshold)


words = st.lists(
    st.sampled_from(["标本", "离心", "报告", "复查", "的", "请问", "医生", "怎么", "样品"]), min_size=1, max_size=9
)


@settings(max_examples=80, deadline=None)
@given(st.lists(words.map("".join), max_size=30), st.sampled_from([0.5, 0.7, 0.9, 1.0]), st.randoms())
def test_clusters_are_true_and_their_order_is_nobodys(texts: list[str], threshold: float, rng: random.Random) -> None:
    found = near.clusters(texts, threshold)
    for cluster in found:
        assert cluster == sorted(cluster)
        for one in cluster:  # each is alike to another, for true
            assert any(alike(texts[one], texts[other]) >= threshold for other in cluster if other != one)
    assert len({row for cluster in found for row in cluster}) == sum(map(len, found))
    equal = {text: [row for row, other in enumerate(texts) if other == text] for text in texts}
    for same in equal.values():
        assert len(same) == 1 or any(set(same) <= set(cluster) for cluster in found)
    order = rng.sample(range(len(texts)), len(texts))
    shuffled = near.clusters([texts[row] for row in order], threshold)
    assert sorted(sorted(order[row] for row in cluster) for cluster in shuffled) == found


def test_hardly_a_pair_above_the_threshold_is_missed() -> None:
    rng = random.Random(3)
    letters = "检验标本结果参考区间临床医生报告复查离心分检测方法说明建议样品"
    texts = ["".join(rng.choices(letters, k=80)) for _ in range(4000)]
    texts[1::2] = [text + "".join(rng.choices("呢吗吧呀", k=7)) for text in texts[::2]]
    pairs = [[one, one + 1] for one in range(0, 4000, 2)]
    assert all(0.9 <= alike(texts[one], texts[other]) < 0.93 for one, other in pairs[:50])
    found = near.clusters(texts, 0.9)
    assert len(found) >= 0.985 * len(pairs)
    assert all(cluster in pairs for cluster in found)


def test_a_table_of_phrases_does_not_cost_the_square_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows half alike: every bucket is full, and no pair is a duplicate."""
    rng = random.Random(5)
    letters = "检验标本结果参考区间临床医生报告复查离心分检测方法说明建议样品"
    texts = [REST[:40] + "".join(rng.choices(letters, k=12)) for _ in range(3000)]
    compared = 0
    compare = buckets.Likeness.__call__

    def count(self: buckets.Likeness, one: int, other: int) -> bool:
        nonlocal compared
        compared += 1
        return compare(self, one, other)

    monkeypatch.setattr(buckets.Likeness, "__call__", count)
    assert near.clusters(texts, 0.9) == []
    assert compared < 3000 * 200


def test_ngrams_are_exact_in_every_script() -> None:
    texts = ["血清钾的", "a", "", "xy", "𠮷野家的", "é́", "ab" * 50]
    packed, counts = signatures._grams(pl.Series(texts), 1)
    begin = 0
    for text, count in zip(texts, counts.tolist(), strict=True):
        numbers = [int(number) for number in packed[begin : begin + count]]
        begin += count
        assert all(number >> 63 for number in numbers)
        read = {"".join(chr(number >> 21 * place & 0x1FFFFF) for place in range(3)).rstrip("\0") for number in numbers}
        assert read == signatures.gram_set(text)


def test_the_estimate_of_the_library_is_one() -> None:
    """What rensa promises of a signature: its share of equal values is the similarity, unbiased."""
    rng = random.Random(7)
    texts = ["".join(rng.choices("检验标本结果参考区间临床医生报告", k=120)) for _ in range(400)]
    texts += [text[: rng.randint(60, 110)] + "呢" * 5 for text in texts]
    table, speaks = signatures.signatures((pl.Series(texts),), pl.zeros(800, dtype=pl.UInt64, eager=True))
    assert speaks.all()
    off = [(table[row] == table[row + 400]).mean() - alike(texts[row], texts[row + 400]) for row in range(400)]
    assert abs(sum(off) / 400) < 0.01
    assert (sum(one * one for one in off) / 400) ** 0.5 < 0.05


def test_facts_in_their_order() -> None:
    text = (
        "男，45 岁，血清K+ 6.2 mmol/L（3.5–5.3），不溶血；HbA1c 6.5 %，WBC 3.5×10⁹/L。Plasma isn't used after 3 hours"
    )
    assert pl.select(facts(pl.lit(text))).item().split() == [
        *("男", "45岁", "血清", "K+", "6.2mmol/L", "3.5", "5.3", "不", "HbA1c", "6.5%", "WBC", "3.5", "10⁹/L"),
        *("Plasma", "isn't", "after", "3hours"),
    ]


Q = "住院患者的标本送到检验科之后，应当由谁在多长时间之内完成签收和登记？"
A = "由前处理岗位的同事签收，核对条码、患者信息和标本状态，登记之后再分发到各个专业组，并在系统里留下时间"
SAME = [
    {"q": Q, "a": A},
    {"q": f"{Q}呢", "a": f"{A}。谢谢"},
    {"q": f"{Q}呢", "a": f"{A}。谢谢您，"},
    {"q": "标本送到之后放在哪里", "a": A},
    {"q": Q, "a": "不" + A},
]


def test_the_longest_whole_answer_stays_and_each_cluster_is_listed(tree: Tree, llf_kit: Run) -> None:
    here = tree({"a.jsonl": SAME})
    done = llf_kit("convert", "a.jsonl", "--name", "lab", "--near-duplicates", "0.85")
    assert "read 5 = written 3 + duplicates 2 + rejected 0" in done.err
    assert "near      2 of the duplicates; clusters: 1" in done.err
    assert [row["output"] for row in rows(here / "datasets/lab.jsonl")] == [SAME[1]["a"], A, "不" + A]
    listed = rows(here / ".llf-kit/clusters/lab.jsonl")
    assert [(row["cluster"], row["kept"], row["source"], row["row"]) for row in listed] == [
        (1, True, "a.jsonl", 2),
        (1, False, "a.jsonl", 1),
        (1, False, "a.jsonl", 3),
    ]
    assert listed[0]["messages"][1]["content"] == SAME[1]["a"]
    assert (here / ".llf-kit/clusters/lab.jsonl").stat().st_mode & 0o777 == 0o600
    said = llf_kit("convert", "a.jsonl", "--name", "lab", "--json").json
    assert (said["written"], said["duplicates"], said["near_duplicates"]) == (5, 0, 0)
    again = llf_kit("convert", "a.jsonl", "--name", "lab", "--near-duplicates", "1", "--json").json
    assert (again["near_duplicates"], again["clusters_file"]) == (0, None)
    assert not (here / ".llf-kit/clusters/lab.jsonl").exists()


def test_the_best_score_stays() -> None:
    found = [[4, 7, 9], [1, 2]]
    judged = pl.DataFrame(
        [(4, 50.0, True, 90), (7, 80.0, False, 10), (9, None, True, 99), (1, None, True, 5), (2, None, True, 5)],
        schema=["place", "score", "whole", "length"],
        orient="row",
        schema_overrides={"place": pl.UInt32},
    )
    listed = near.best.listing(found, judged)
    assert listed.rows() == [(1, 7, True), (1, 4, False), (1, 9, False), (2, 1, True), (2, 2, False)]


@pytest.mark.parametrize(
    "other",
    [
        {"system": "你是护士。"},
        {"rejected": "放着再说，没有人管它，反正系统里迟早会有时间"},
        {"desirable": "差"},
    ],
)
def test_what_surrounds_a_row_counts(tree: Tree, other: dict[str, str]) -> None:
    one = {"q": Q, "chosen": A, "rejected": "先放在窗口外面，等同事有空的时候再一起签收登记", "system": "你是检验师。"}
    if "desirable" in other:
        one, other = {"q": Q, "a": A, "评价": "好"}, {"评价": "差"}
    twin = {**one, "q": f"{Q}呢"}
    for second, left in ((twin, 1), ({**twin, **other}, 2)):
        here = tree({"a.jsonl": [one, second]})
        assert convert(Plan("lab", (here / "a.jsonl",), near_duplicates=0.8), here).written == left


def test_the_settings_may_ask_for_it(tree: Tree, llf_kit: Run) -> None:
    tree({"a.jsonl": SAME, "llf-kit.yaml": "name: lab\nsources: [a.jsonl]\nnear_duplicates: 0.85\n"})
    assert llf_kit("convert", "--json").json["near_duplicates"] == 2
    done = llf_kit("convert", "--near-duplicates", "90")
    assert (done.status, "--near-duplicates 90.0: is not a similarity" in done.err) == (2, True)


cells = st.sampled_from(["", "无", Q, f"{Q}呢", f"请问{Q}", A, f"{A}。", "血钾", "血钾3.5", "nan", "你好"])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=30),
    st.sampled_from([{"test": 0.2}, {"test": 0.2, "val": 0.1}, {"folds": 2}, {}]),
    st.booleans(),
)
def test_the_sum_holds(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]], sets: dict[str, Any], exclude: bool
) -> None:
    here = tmp_path_factory.mktemp("sum")
    lines = (json.dumps({"q": q, "a": a}, ensure_ascii=False) + "\n" for q, a in table)
    (here / "a.jsonl").write_text("".join(lines), encoding="utf-8")
    (here / "known.jsonl").write_text(json.dumps({"question": f"{Q}呢呢"}), encoding="utf-8")
    known = (str(here / "known.jsonl"),) if exclude else ()
    try:
        summary = convert(Plan("lab", (here / "a.jsonl",), near_duplicates=0.8, exclude=known, **sets), here)
    except Exception as error:
        assert "cannot be shared out" in str(error) or "nothing to write" in str(error)
        return
    assert summary.read == len(table) == summary.written + summary.duplicates + summary.rejected
    assert sum(summary.rows.values()) == summary.written
    assert [len(rows(here / file)) for file in summary.files] == list(summary.rows.values())
    written = [row["instruction"] for file in summary.files for row in rows(here / file)]
    assert not exclude or not {Q, f"{Q}呢"} & set(written)
    if summary.clusters_file:
        assert sum(not row["kept"] for row in rows(here / summary.clusters_file)) == summary.near_duplicates
