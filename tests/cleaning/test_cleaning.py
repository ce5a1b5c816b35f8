"""What cleaning changes, and above all what it must leave alone."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llf_kit.cleaning import identifiers, text
from llf_kit.schema import SAMPLE


def sample(content: str, system: str | None = None) -> pl.LazyFrame:
    row = {
        "source": "a",
        "row": 1,
        "messages": [{"role": "user", "content": content}],
        "system": system,
        "label": None,
        "reason": None,
    }
    return pl.LazyFrame([row], schema=SAMPLE)


def content(samples: pl.LazyFrame) -> str:
    return str(samples.collect()["messages"][0][0]["content"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("血钾\u3000偏高\u00a0吗", "血钾 偏高 吗"),
        ("\ufeff血\u200b糖\u200d ", "血糖"),
        ("一\r\n二\r三", "一\n二\n三"),
        ("一\v二\u2028三\0\x01\x7f\t四", "一\n二\n三\t四"),
        ("5 µmol/L", "5 μmol/L"),
    ],
)
def test_text_is_mended(before: str, after: str) -> None:
    assert content(text.stage(sample(before))) == after


@pytest.mark.parametrize(
    "kept", ["3.5～9.5×10⁹/L", "m²，（参考）“正常”", "GB/T 22576-2018", "阴性（－）", "ｐＨ７．４"]
)
def test_text_that_carries_meaning_is_kept(kept: str) -> None:
    assert content(text.stage(sample(kept))) == kept


# 11010519491231002X is the example that GB 11643 itself prints.
@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("身份证11010519491231002X请查", "身份证【身份证号】请查", "resident id"),
        ("身份证：11010519491231002x。", "身份证：【身份证号】。", "resident id"),
        ("电话13800138000请回", "电话【手机号】请回", "phone"),
        ("+86 138-0013-8000 转", "【手机号】 转", "phone"),
        ("call 13800138000,13900139000", "call [PHONE],[PHONE]", "phone"),
        ("寄到zhang.san+lab@hospital.org.cn谢谢", "寄到【邮箱】谢谢", "email"),
    ],
)
def test_identifiers_are_masked(before: str, after: str, kind: str) -> None:
    masked: Counter[str] = Counter()
    assert content(identifiers.stage(sample(before), masked)) == after
    assert set(masked) == {kind}
    assert sum(masked.values()) == after.count("【") + after.count("[")


@pytest.mark.parametrize(
    "kept",
    [
        "1.23×10^12/L",
        "GB/T 22576.1-2018 与 WS/T 405-2012",
        "LOINC 2345-7",
        "批号20240115001，条码6901234567892",
        "13800138000123 个拷贝",
        "0.13800138000",
        "血钾 3.5～5.3 mmol/L",
        "@所有人",
        "2024-01-15 08:30",
    ],
)
def test_what_is_no_identifier_is_left_alone(kept: str) -> None:
    masked: Counter[str] = Counter()
    assert content(identifiers.stage(sample(kept), masked)) == kept
    assert not masked


def test_an_id_with_a_wrong_check_digit_is_flagged_and_left() -> None:
    masked: Counter[str] = Counter()
    assert content(identifiers.stage(sample("110105194912310021"), masked)) == "110105194912310021"
    assert masked == {identifiers.SUSPECT: 1}


def test_the_system_prompt_is_masked_too_and_empty_conversations_stay_empty() -> None:
    masked: Counter[str] = Counter()
    done = identifiers.stage(sample("好", system="问 a@b.cn"), masked).collect()
    assert done["system"][0] == "问 【邮箱】"
    nothing = pl.LazyFrame({**{name: [None, None] for name in SAMPLE}, "messages": [None, []]}, schema=SAMPLE)
    assert identifiers.stage(nothing, masked).collect()["messages"].to_list() == [None, []]


@given(st.text(st.sampled_from("0123456789.-～ ×⁹/LmgolX血钾"), max_size=40))
def test_numbers_that_are_no_identifier_survive(made: str) -> None:
    masked: Counter[str] = Counter()
    after = identifiers.mask(made, masked)
    if not (masked - Counter({identifiers.SUSPECT: masked[identifiers.SUSPECT]})):
        assert after == made
