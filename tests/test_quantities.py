"""Quantities are found in Chinese and English text, with everything that belongs to them and nothing else."""

from __future__ import annotations

import time
from typing import Any

import polars as pl
import pytest

from llf_kit.quantities import FOUND, analytes, find, find_all, units


def parts(text: str) -> list[dict[str, Any]]:
    """What was found, without what is empty."""
    kept = ("analyte", "comparator", "low", "high", "unit", "arrow", "reference_low", "reference_high")
    return [{name: value for name in kept if (value := getattr(one, name)) is not None} for one in find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "血钾3.0mmol/L↓（参考区间3.5～5.3）",
            {
                "analyte": "potassium",
                "low": 3.0,
                "unit": "mmol/L",
                "arrow": "↓",
                "reference_low": 3.5,
                "reference_high": 5.3,
            },
        ),
        ("GLU 5.6 mmol/L", {"analyte": "glucose", "low": 5.6, "unit": "mmol/L"}),
        ("WBC：12.3×10⁹/L ↑", {"analyte": "wbc", "low": 12.3, "unit": "10*9/L", "arrow": "↑"}),
        ("尿酸 ↑ 520 umol/L", {"analyte": "urate", "low": 520.0, "unit": "umol/L", "arrow": "↑"}),
        ("K 6.8", {"analyte": "potassium", "low": 6.8}),
        ("参考区间为3.9-6.1mmol/L", {"low": 3.9, "high": 6.1, "unit": "mmol/L"}),
        ("pH 7.35–7.45", {"analyte": "ph", "low": 7.35, "high": 7.45}),
        ("<0.01 ng/mL", {"comparator": "<", "low": 0.01, "unit": "ng/mL"}),
        ("RF 1:80", {"analyte": "rf", "low": 80.0, "unit": "{titer}"}),
        ("1：160", {"low": 160.0, "unit": "{titer}"}),
        ("BE -5 mmol/L", {"analyte": "be", "low": -5.0, "unit": "mmol/L"}),
        ("血糖-5.6 mmol/L", {"analyte": "glucose", "low": 5.6, "unit": "mmol/L"}),
        ("糖化血红蛋白（HbA1c）为6.5%", {"analyte": "hba1c", "low": 6.5, "unit": "%"}),
        ("potassium was 6.8 mEq/L", {"analyte": "potassium", "low": 6.8, "unit": "meq/L"}),
        ("血肌酐升高至 340 μmol／Ｌ", {"analyte": "creatinine", "low": 340.0, "unit": "umol/L"}),
        ("γ-谷氨酰转移酶不超过 60 IU/L", {"analyte": "ggt", "comparator": "<=", "low": 60.0, "unit": "[IU]/L"}),
        ("PLT 1,200 10^9/L", {"analyte": "plt", "low": 1200.0, "unit": "10*9/L"}),
        ("3.5 mmol/L～5.3 mmol/L", {"low": 3.5, "high": 5.3, "unit": "mmol/L"}),
    ],
)
def test_a_quantity_and_what_belongs_to_it(text: str, expected: dict[str, Any]) -> None:
    assert parts(text) == [expected]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("10⁹/L", "10*9/L"),
        ("×10^9/L", "10*9/L"),
        ("x 10^9 / L", "10*9/L"),
        ("10E9/L", "10*9/L"),
        ("10*9/L", "10*9/L"),
        ("×109/L", "10*9/L"),
        ("×10¹²/L", "10*12/L"),
        ("×10^3/μL", "10*3/uL"),
        ("U/L", "U/L"),
        ("IU/L", "[IU]/L"),
        ("mmHg", "mm[Hg]"),
        ("μmol/L", "umol/L"),
        ("µmol/l", "umol/L"),
        ("umol/L", "umol/L"),
        ("个/μL", "/uL"),
        ("/HP", "/[HPF]"),
        ("S/CO", "{S/CO}"),
        ("mIU/L", "m[IU]/L"),
        ("mg/L FEU", "mg{FEU}/L"),
        ("mOsm/kg", "mosm/kg"),
        ("mm/h", "mm/h"),
        ("g/24h", "g/d"),
        ("毫摩尔/升", "mmol/L"),
    ],
)
def test_units_as_people_write_them(written: str, code: str) -> None:
    assert [one.unit for one in find(f"结果 4.2 {written}。")] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "血压 120/80 mmHg",
        "依据 WS/T 404.3-2012 和 GB/T 22576.1-2018",
        "ISO 15189:2022",
        "LOINC 2345-7",
        "2024-03-05 采样",
        "2024年3月5日",
        "上午 10:35 送检",
        "版本 1.2.3",
    ],
)
def test_numbers_that_are_no_quantities(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize("text", ["患者65岁", "胰岛素 10 U", "葡萄糖 500 mL", "服用 2 片", "血糖 5.6/7.8", "尿蛋白 3+"])
def test_what_is_no_result_is_told_apart(text: str) -> None:
    assert find(text)[0].other


@pytest.mark.parametrize(
    ("text", "analyte"),
    [
        ("脑脊液葡萄糖 2.1 mmol/L", None),
        ("尿白细胞 25 /μL", None),
        ("尿蛋白/肌酐 300 mg/g", None),
        ("肌酐清除率 90 mL/min", None),
        ("AST/ALT 1.5", None),
        ("尿酸 420 μmol/L", "urate"),
        ("网织红细胞 1.5%", "ret"),
        ("极低密度脂蛋白 0.3 mmol/L", None),
        ("低密度脂蛋白胆固醇 3.1 mmol/L", "ldl"),
        ("CATALTIC 45 U/L", None),
    ],
)
def test_a_name_inside_another_is_not_taken_for_it(text: str, analyte: str | None) -> None:
    assert [one.analyte for one in find(text)] == [analyte]


def test_of_names_that_begin_alike_the_longest_is_taken() -> None:
    names = [name for one in analytes() for name in one.names if not name.startswith("尿")]  # a specimen
    names += [name.upper() for one in analytes() for name in one.en if name.isascii()]
    found = find_all(pl.Series([f"{name} 5" for name in names]))
    assert found["name"].to_list() == names
    assert found["analyte"].null_count() == 0


def test_of_units_that_begin_alike_the_longest_is_taken() -> None:
    words = [(one.ucum, spelling) for one in units().values() for spelling in one.spellings]
    words += [(code, spelling.upper()) for code, spelling in words]
    found = find_all(pl.Series([f"血糖 5 {written}" for _, written in words]))
    assert found["unit"].to_list() == [code for code, _ in words]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("血钾 3.0，参考区间3.5～5.3，血糖 5。钠 140", ["血钾 3.0，参考区间3.5～5.3", "血糖 5", "钠 140"]),
        ("3～5 g/L，，血钾 4；4-6 mmol/L", ["3～5 g/L", "血钾 4", "4-6 mmol/L"]),
        ("LOINC，2345-7 g/L", []),  # a code, comma or not
    ],
)
def test_no_quantity_is_cut_where_a_text_is(text: str, written: list[str]) -> None:
    assert find_all(pl.Series([text]))["written"].to_list() == written


def test_a_rise_or_fall_is_no_value() -> None:
    fell, reached, began, ended = find("血红蛋白下降 20 g/L，肌酐升至 190 μmol/L，血钾由 6.8 降至 4.2 mmol/L")
    assert (fell.change, reached.change, began.change) == (True, False, True)
    assert (began.low, began.high, ended.low) == (6.8, None, 4.2)


def test_places_are_those_in_the_text() -> None:
    text = "钠 140，血钾 3.0mmol/L↓（参考3.5～5.3），另有 WS/T 404.3-2012；ALT 45 U/L"
    found = find(text)
    assert [one.analyte for one in found] == ["sodium", "potassium", "alt"]
    assert all(text[one.start : one.end] == one.written for one in found)


def test_all_texts_of_a_batch_are_searched_at_once() -> None:
    found = find_all(pl.Series(["血钾 3.0 mmol/L", None, "无", "编号 12，血钠 140 mmol/L 和 5～6 mmol/L"]))
    assert dict(found.schema) == FOUND
    assert found.select("text", "analyte", "low").rows() == [
        (0, "potassium", 3.0),
        (3, "sodium", 140.0),
        (3, None, 5.0),
    ]
    assert dict(find_all(pl.Series([], dtype=pl.String)).schema) == FOUND


@pytest.mark.parametrize(
    "piece",
    ["1", "1.", "1-", "血钾", "血钾 ", "10^", "(", "（参考", "血钾为", "1,000", "10×", "mmol/L", "～1", "尿", "A", "<"],
)
def test_a_megabyte_on_one_line_takes_linear_time(piece: str) -> None:
    short, long = (piece * (size // len(piece)) for size in (100_000, 1_000_000))
    find_all(pl.Series([short]), alone=True)
    begun = time.process_time()
    find_all(pl.Series([long]), alone=True)
    assert time.process_time() - begun < 20
