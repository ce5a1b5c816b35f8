"""The tables: true to their sources as far as a machine can tell, and every number says where it is from."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from llf_kit.quantities import Analyte, analytes, by_key, convert, factor, units
from llf_kit.quantities.analytes import OTHER_THINGS
from llf_kit.screening.laboratory import loinc

TABLE = analytes()
GROUPS = {
    *("chemistry", "haematology", "coagulation", "urine", "immunology", "hormones", "tumour markers", "blood gas"),
    "therapeutic drugs",
}


def test_there_are_enough_analytes_of_every_branch() -> None:
    assert len(TABLE) >= 80
    assert {analyte.group for analyte in TABLE} == GROUPS
    assert len({analyte.key for analyte in TABLE}) == len(TABLE)


def test_every_name_means_one_thing() -> None:
    names = [name for analyte in TABLE for name in analyte.names]
    assert len(names) == len(set(names))
    assert not set(names) & set(OTHER_THINGS)


@pytest.mark.parametrize("analyte", TABLE, ids=lambda analyte: analyte.key)
def test_a_row_is_whole_and_says_where_its_numbers_are_from(analyte: Analyte) -> None:
    assert analyte.zh
    assert analyte.en
    assert analyte.weak <= set(analyte.names)
    assert analyte.units
    assert set(analyte.units) <= set(units())
    assert analyte.low < analyte.high
    assert analyte.source
    assert analyte.range_source
    assert bool(analyte.molar_source) == (analyte.molar_mass is not None)
    limits = [limit for limit in (analyte.critical_low, analyte.critical_high) if limit is not None]
    assert bool(analyte.critical_source) == bool(limits)
    assert all(analyte.low < limit < analyte.high for limit in limits)
    assert limits == sorted(limits)
    assert all(loinc.valid(code) for code in analyte.loinc)


@pytest.mark.parametrize(
    ("code", "right"), [("2345-7", True), ("2823-3", True), ("718-7", True), ("2345-8", False), ("2832-3", False)]
)
def test_the_check_digit_of_loinc(code: str, right: bool) -> None:
    assert loinc.valid(code) is right


# Factors from conventional to SI units as the AMA Manual of Style (11th edition, 17.5) prints them.
AMA = [
    ("glucose", "mg/dL", "mmol/L", 0.0555),
    ("bun", "mg/dL", "mmol/L", 0.357),
    ("creatinine", "mg/dL", "umol/L", 88.4),
    ("urate", "mg/dL", "umol/L", 59.48),
    ("tbil", "mg/dL", "umol/L", 17.104),
    ("calcium", "mg/dL", "mmol/L", 0.25),
    ("magnesium", "mg/dL", "mmol/L", 0.4114),
    ("magnesium", "meq/L", "mmol/L", 0.5),
    ("sodium", "meq/L", "mmol/L", 1.0),
    ("phosphate", "mg/dL", "mmol/L", 0.323),
    ("iron", "ug/dL", "umol/L", 0.179),
    ("cholesterol", "mg/dL", "mmol/L", 0.0259),
    ("triglycerides", "mg/dL", "mmol/L", 0.0113),
    ("lactate", "mg/dL", "mmol/L", 0.111),
    ("ammonia", "ug/dL", "umol/L", 0.587),
    ("alb", "g/dL", "g/L", 10.0),
    ("hb", "g/dL", "g/L", 10.0),
    ("hb", "g/dL", "mmol/L", 0.6206),
    ("ft4", "ng/dL", "pmol/L", 12.87),
    ("ft3", "pg/mL", "pmol/L", 1.536),
    ("cortisol", "ug/dL", "nmol/L", 27.59),
    ("testosterone", "ng/dL", "nmol/L", 0.0347),
    ("estradiol", "pg/mL", "pmol/L", 3.671),
    ("progesterone", "ng/mL", "nmol/L", 3.18),
    ("aldosterone", "ng/dL", "pmol/L", 27.74),
    ("acth", "pg/mL", "pmol/L", 0.22),
    ("cpeptide", "ng/mL", "nmol/L", 0.331),
    ("vitd", "ng/mL", "nmol/L", 2.496),
    ("b12", "pg/mL", "pmol/L", 0.7378),
    ("folate", "ng/mL", "nmol/L", 2.266),
    ("digoxin", "ng/mL", "nmol/L", 1.281),
    ("vancomycin", "ug/mL", "umol/L", 0.690),
    ("valproate", "ug/mL", "umol/L", 6.934),
    ("carbamazepine", "ug/mL", "umol/L", 4.233),
    ("phenytoin", "ug/mL", "umol/L", 3.964),
    ("phenobarbital", "ug/mL", "umol/L", 4.306),
    ("theophylline", "ug/mL", "umol/L", 5.55),
    ("tacrolimus", "ng/mL", "nmol/L", 1.24),
    ("pco2", "mm[Hg]", "kPa", 0.1333),
    ("alt", "U/L", "ukat/L", 0.0167),
    ("wbc", "10*3/uL", "10*9/L", 1.0),
    ("tsh", "u[IU]/mL", "m[IU]/L", 1.0),
]


@pytest.mark.parametrize(("key", "source", "target", "by"), AMA, ids=lambda value: str(value))
def test_conversions_are_those_of_the_style_manual(key: str, source: str, target: str, by: float) -> None:
    assert factor(source, target, by_key().get(key)) == pytest.approx(by, rel=0.006)


def test_there_is_no_way_without_a_molar_mass() -> None:
    assert convert(1.0, "g/L", "mmol/L") is None
    assert convert(1.0, "g/L", "mmol/L", by_key()["ferritin"]) is None
    assert convert(1.0, "U/L", "mmol/L", by_key()["alt"]) is None


def test_the_factors_are_those_of_ucum() -> None:
    from ucumvert import PintUcumRegistry

    registry = PintUcumRegistry()
    with (files("llf_kit.quantities") / "units.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["ucum"]]
    assert len(rows) > 70
    for row in rows:
        code, base = (
            row[name].replace("[IU]", "U").replace("[arb'U]", "U") if row["base"] == "U/L" else row[name]
            for name in ("ucum", "base")
        )
        if code != base:
            ratio = registry.from_ucum(code) / registry.from_ucum(base)
            assert float(row["factor"]) == pytest.approx(float(ratio.to("").magnitude), rel=1e-9), row["ucum"]
        assert row["source"]


def test_units_that_the_table_lacks_are_asked_of_ucum() -> None:
    assert convert(2.0, "umol/mL", "mmol/L") == pytest.approx(2.0)
    assert convert(2.0, "umol/mL", "s") is None
    assert convert(2.0, "no unit", "s") is None
