"""Scores: every fault of the standard is found where it is planted, and nowhere in a good row."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from llf_kit.errors import ConfigError
from llf_kit.project import shipped
from llf_kit.schema import FLAG, SAMPLE
from llf_kit.screening import quality, standard

STANDARD = standard.load()
GOOD = ("成人血钾的参考区间是多少？", "血清钾 3.5～5.3 mmol/L（WS/T 404.3-2012）。")

# A fault, and a question and answer that have it.
PLANTED: dict[str, list[tuple[str, str]]] = {
    "points_elsewhere": [("血钾的参考区间？", "见附件。"), ("What does a low sodium mean?", "Please ask your doctor.")],
    "refuses": [
        ("血钾的参考区间？", "抱歉，我不清楚。"),
        ("Potassium reference interval?", "As an AI I cannot say 3."),
    ],
    "cut_off": [
        ("溶血对血钾有什么影响？", "溶血使血钾假性升高，因为红细胞内的钾浓度高，并且"),
        ("血钾？", "先看标本，再看…"),
    ],
    "bare_question": [("？", "血清钾 3.5～5.3 mmol/L（WS/T 404.3-2012）。")],
    "no_value": [("成人血钾的参考区间是多少？", "按说明书，看您的标本和方法。")],
    "vague": [("血钾偏高怎么办？", "这个因人而异，看情况处理。")],
    "nothing_definite": [("血钾偏高？", "血清钾偏高了呢，标本溶血吧。")],
    "no_term": [("今天天气怎么样？", "晴，气温 20 ℃，适合出门，依据气象台。")],
    "wall_of_text": [("溶血？", "溶血标本的血清钾会升高，" * 15)],
    "unordered": [("溶血？", "溶血标本的血清钾会升高。" * 60)],
    "markup": [("溶血？", "<p>溶血标本应重新采集。</p>"), ("溶血？", "溶血&nbsp;标本应重新采集。")],
    "template": [("溶血？", "{{患者}} 的标本溶血，应重新采集。"), ("溶血？", "XXX 的标本溶血，应重新采集。")],
    "too_short": [("溶血？", "是")],
    "short": [("溶血的标本要重采吗？", "要重采。")],
    "long": [("溶血？", "溶血标本应重新采集。\n" * 100)],
    "too_long": [("溶血？", "溶血标本应重新采集。\n" * 300)],
    "figures_without_source": [("血钾多少算高？", "血清钾超过 5.3 mmol/L。"), ("Potassium?", "It is 3.5-5.3 mmol/L.")],
    "off_topic": [("室内质控 1-3s 失控怎么处理？", "请联系医院食堂订餐，菜单每周更新一回，欢迎前来就餐。")],
    "other_language": [("血钾的参考区间？", "The reference interval of potassium is in the package insert.")],
    "garbled": [("溶血？", "溶血标本锟斤拷应重新采集。"), ("溶血\ufffd？", "溶血标本应重新采集。")],
    "chatty": [("溶血？", "亲，溶血标本要重新采集哦！！"), ("溶血？", "溶血标本应重新采集😀")],
}


def samples(*pairs: tuple[str, str], **columns: pl.Series) -> pl.DataFrame:
    rows = [
        {"source": "a.csv", "row": number, "messages": [
            {"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for number, (question, answer) in enumerate(pairs, start=2)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SAMPLE).with_columns(**columns)


def scored(*pairs: tuple[str, str], **columns: pl.Series) -> pl.DataFrame:
    return quality.stage(samples(*pairs, **columns).lazy(), STANDARD).collect()


def test_every_fault_is_planted_but_flagged_which_has_its_own_test() -> None:
    assert PLANTED.keys() == STANDARD.faults.keys() - {"flagged"}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_and_costs_what_the_standard_says(fault: str) -> None:
    part, one = next((part, part.faults[fault]) for part in STANDARD.parts.values() if fault in part.faults)
    name = next(name for name, other in STANDARD.parts.items() if other is part)
    for row in scored(*PLANTED[fault]).iter_rows(named=True):
        assert fault in row["faults"], row
        assert row["parts"][name] <= round(100 * (1 - one.loss), 1)
        weighed = sum(row["parts"][name] * part.weight / 100 for name, part in STANDARD.parts.items())
        assert row["score"] == pytest.approx(weighed, abs=0.06)


def test_a_good_row_loses_nothing_in_either_language() -> None:
    english = (
        "What is the reference interval for serum potassium in adults?",
        "Serum potassium in adults is 3.5–5.3 mmol/L (WS/T 404.3-2012).",
    )
    assert scored(GOOD, english)["faults"].to_list() == [[], []]
    assert scored(GOOD, english)["score"].to_list() == [100.0, 100.0]


def test_a_flag_costs_the_consistency() -> None:
    flags = pl.Series([[{"kind": "reversed interval", "detail": "5.3–3.5"}], []], dtype=pl.List(FLAG))
    row, other = scored(GOOD, GOOD, flags=flags).iter_rows(named=True)
    assert row["faults"] == ["flagged"]
    assert (row["parts"]["consistency"], row["score"], other["score"]) == (0.0, 90.0, 100.0)


def test_what_has_no_answer_has_no_score_and_is_below_every_threshold() -> None:
    empty = pl.DataFrame([{"source": "a", "row": 1}, {"source": "a", "row": 2, "reason": "no answer"}], schema=SAMPLE)
    row = quality.stage(empty.lazy(), STANDARD)
    assert row.collect()["score"].to_list() == [None, None]
    assert quality.reject(row, 1).collect()["reason"].to_list() == ["a score below 1", "no answer"]


def test_only_kept_rows_below_the_threshold_get_a_reason() -> None:
    pairs = (GOOD, ("血钾的参考区间？", "见附件。"), ("血钾的参考区间？", "见附件。"))
    found = quality.reject(scored(*pairs, duplicate=pl.Series([False, False, True])).lazy(), 80).collect()
    assert found["reason"].to_list() == [None, "a score below 80", None]


def test_a_long_row_takes_no_longer_for_its_length() -> None:
    """No rule goes over a text more than once for each of its conditions."""
    rows = scored(("溶血" * 200_000, "3.5～" * 200_000), ("<" * 400_000, "{" * 400_000))
    assert rows["score"].null_count() == 0


def changed(tmp_path: Path, text: str, other: str) -> Path:
    shipped_text = (shipped("templates") / "quality/standard.yaml").read_text(encoding="utf-8")
    assert text in shipped_text
    path = tmp_path / "standard.yaml"
    path.write_text(shipped_text.replace(text, other, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "other", "said"),
    [
        ("weight: 25", "weight: 35", "the weights sum to 110, not to 100"),
        ("loss: 1\n", "loss: 2\n", "less than or equal to 1"),
        ("{terms_below: 1}", "{}", "no_term: has no condition"),
        ("{terms_below: 1}", "{words_below: 1}", "no_term.when.words_below: unknown key. Did you mean 'terms_below'?"),
        ("'{asks_value}'\n        ", "'(?=x)'\n        ", "no regular expression"),
        ("      no_term:", "      vague:", "the fault 'vague' is there twice"),
    ],
)
def test_a_broken_standard_is_refused_with_its_place(tmp_path: Path, text: str, other: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"standard\.yaml: ") as error:
        standard.load(changed(tmp_path, text, other))
    assert said in str(error.value)


def test_a_laboratory_may_have_its_own_standard(tmp_path: Path) -> None:
    own = standard.load(changed(tmp_path, "answer_has: '(?i)见附件", "answer_has: '(?i)请看墙上|见附件"))
    found = quality.stage(samples(("血钾的参考区间？", "请看墙上。")).lazy(), own).collect()
    assert "points_elsewhere" in found["faults"][0]


def test_the_shipped_standard_says_everything_in_both_languages() -> None:
    data = yaml.safe_load((shipped("templates") / "quality/standard.yaml").read_text(encoding="utf-8"))
    for part in data["parts"].values():
        assert all(part[key].strip() for key in ("zh", "en", "means_zh", "means_en"))
        assert all(fault[key].strip() for fault in part["faults"].values() for key in ("zh", "en"))
