"""What text cleaning changes, and above all what it must leave alone."""

from __future__ import annotations

import sys

import polars as pl
import pytest

from llf_kit.cleaning.text import Changes, Style, clean, flags
from llf_kit.errors import NotInstalledError


def cleaned(text: str, **style: str) -> str:
    return str(clean(pl.Series([text]), Style(**style), Changes())[0])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("血钾\u3000偏高\u00a0吗", "血钾 偏高 吗"),
        ("\ufeff血\u200b糖\u200d\x07 ", "血糖"),
        ("一\r\n二\r三\u2028四", "一\n二\n三\n四"),
        ("5 µmol/L", "5 μmol/L"),
        ("5㎎，3㎖，1.73㎡", "5mg，3mL，1.73m²"),
        ("白细胞 ５．０×109／Ｌ", "白细胞 5.0×10⁹/L"),
        ("３．５～５．３ ｍｍｏｌ／Ｌ", "3.5～5.3 mmol/L"),
        ("ｐＨ７．４", "pH7.4"),
        ("７８％，120／80", "78%，120/80"),
        ("滴度 1：160", "滴度 1:160"),
        ("红细胞 4.3×1012/L", "红细胞 4.3×10¹²/L"),
        ("PLT 88x109/L 与 88*10 9/L", "PLT 88×10⁹/L 与 88×10⁹/L"),
        ("5.2×103/μL", "5.2×10³/μL"),
        ("2×105 copies/mL", "2×10⁵ copies/mL"),
        ("<p>钾<b>5.8</b></p><br/>10<sup>9</sup>/L，H<sub>2</sub>O", "钾5.8\n\n10⁹/L，H₂O"),
        ('<td width="5">1</td><td nowrap>2</td>', "1  2"),
        ("<script>alert(1)</script>好<!-- 注 -->", "好"),
        ("a&nbsp;b&lt;3.5 &amp;lt;5 &#181;mol", "a b<3.5 <5 μmol"),
        ("您好{{patient.name}}，[object Object]", "您好，"),
        (r"一、复查\n二、禁食\r\n三、休息", "一、复查\n二、禁食\n三、休息"),
    ],
)
def test_text_is_mended(before: str, after: str) -> None:
    assert cleaned(before) == after
    assert cleaned(after) == after, "once more changes nothing"


@pytest.mark.parametrize(
    "kept",
    [
        "3.5～9.5×10⁹/L",
        "10^9/L 与 10*9/L",  # one notation by choice only
        "m²，（参考）“正常”",
        "GB/T 22576-2018",
        "阴性（－），弱阳性（＋）",
        "ＡＢＣ 三组，注：空腹",
        "1．5%葡萄糖 10 mL\n2．生理盐水",  # the number of an item, no decimal
        "p<0.05 且 q>1，CRP <10 WBC>10",
        "若 a<b and c>d",
        "7×104 个，×109 只",  # nothing proves a power
        r"公式 \nu=\frac{a}{b}，路径 C:\new",
        "第一行\n" + r"正则里的 \n 是换行",  # the text has line ends of its own
        r'[{"name": "f", "arguments": {"text": "a\n&lt;b&gt;"}}]',
        "Tom & Jerry; AT&T;",
    ],
)
def test_text_that_carries_meaning_is_kept(kept: str) -> None:
    assert cleaned(kept) == kept


@pytest.mark.parametrize(
    ("written", "superscript", "caret"),
    [
        ("5x10^9/L", "5×10⁹/L", "5×10^9/L"),
        ("5×10⁹/L", "5×10⁹/L", "5×10^9/L"),
        ("5×10^{12}/L", "5×10¹²/L", "5×10^12/L"),
        ("10*9/L", "10⁹/L", "10^9/L"),
        ("5×109/L", "5×10⁹/L", "5×10^9/L"),
        ("10⁻³，1.73 m²", "10⁻³，1.73 m²", "10^-3，1.73 m^2"),
        ("Ca²⁺ 与 HCO₃⁻", "Ca²⁺ 与 HCO₃⁻", "Ca²⁺ 与 HCO₃⁻"),
    ],
)
def test_one_notation_by_choice(written: str, superscript: str, caret: str) -> None:
    assert cleaned(written, notation="superscript") == superscript
    assert cleaned(written, notation="caret") == caret


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("坏\ufffd字", ["damaged characters"]),
        ("血小板 109/L 正常", ["lost superscript"]),
        ("拷贝数 3×104", ["lost superscript"]),
        ("3.5～9.5×10⁹/L，10^9/L，2×10=20", []),
    ],
)
def test_what_a_person_should_see_is_flagged(text: str, kinds: list[str]) -> None:
    assert [kind for kind, found in flags(pl.Series([text])).items() if found[0]] == kinds


def test_every_kind_of_change_is_counted_and_the_first_is_kept_unless_it_is_private() -> None:
    changes = Changes(private=lambda text: [(0, 2)] if "张三" in text else [])
    clean(pl.Series(["张三 µ", "尿 µmol", "汗 µmol", None, "好"]), Style(), changes)
    assert changes.counts == {"micro sign": 3}
    assert changes.examples == {"micro sign": ("尿 µmol", "尿 μmol")}


def test_the_script_changes_by_choice_only() -> None:
    assert cleaned("血鉀偏高") == "血鉀偏高"
    pytest.importorskip("opencc")
    assert cleaned("血鉀偏高，復查", script="simplified") == "血钾偏高，复查"
    assert cleaned("血钾偏高", script="traditional") == "血鉀偏高"


def test_without_opencc_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(NotInstalledError, match=r"--script simplified: needs OpenCC.*llf-kit\[script\]"):
        cleaned("血鉀", script="simplified")
