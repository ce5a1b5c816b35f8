"""The table of common analytes, ``analytes.csv``: names, codes, units and bounds, every number with its source.

====================== ============================================================================================
column                 meaning
====================== ============================================================================================
key, group             our name of the row, and its branch of the laboratory
zh, en, abbreviations  names; ``;`` between them. Abbreviations are taken as written, English names in any case
weak                   of these names, those that mean other things too; one counts only with a unit of the analyte
loinc                  codes in serum, plasma, blood or urine, as ``specimen`` says; none where we were not sure
units                  UCUM codes that laboratories report it in; all bounds are in the first
molar_mass             g/mol, with which mass and amount are converted; ``molar_source`` says of what
charge                 of the ion, for mEq/L
low, high              what can be at all, far outside of any disease: a bound for slips of unit or decimal point
critical_low, _high    typical limits of adults, where ``critical_source`` gives them; each laboratory sets its own
source                 of names and units
====================== ============================================================================================
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Analyte:
    """One row of the table; ``low``, ``high`` and the critical limits are in the first of ``units``."""

    key: str
    group: str
    zh: tuple[str, ...]
    en: tuple[str, ...]
    abbreviations: tuple[str, ...]
    weak: frozenset[str]
    loinc: tuple[str, ...]
    units: tuple[str, ...]
    molar_mass: float | None
    molar_source: str
    charge: int | None
    low: float
    high: float
    range_source: str
    critical_low: float | None
    critical_high: float | None
    critical_source: str
    specimen: str
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """All of its names."""
        return (*self.zh, *self.en, *self.abbreviations)


# Longer names of other things, in which the name of an analyte stands, and salts and drugs that are dosed.
OTHER_THINGS = (
    *("肌酐清除率", "尿肌酐", "尿钾", "尿钠", "尿氯", "尿钙", "尿磷", "尿镁", "尿糖", "尿淀粉酶", "尿尿酸", "尿渗透压"),
    *(
        "白细胞介素",
        "白细胞酯酶",
        "白细胞分化抗原",
        "有核红细胞",
        "未成熟红细胞",
        "幼稚红细胞",
        "洗涤红细胞",
        "悬浮红细胞",
    ),
    *("血小板压积", "血小板分布宽度", "血小板聚集率", "大血小板比率", "大型血小板比率", "单采血小板", "未成熟血小板"),
    *("糖化白蛋白", "糖化血清蛋白", "缺血修饰白蛋白", "人血白蛋白", "人白蛋白", "尿蛋白", "脑脊液蛋白"),
    *("高铁血红蛋白", "碳氧血红蛋白", "游离血红蛋白", "胎儿血红蛋白", "血红蛋白A2", "血红蛋白F", "血红蛋白H"),
    *("极低密度脂蛋白", "小而密低密度脂蛋白", "非高密度脂蛋白胆固醇", "低密度脂蛋白受体", "甲状腺球蛋白"),
    *("性激素结合球蛋白", "人免疫球蛋白", "静注人免疫球蛋白", "丙种球蛋白", "转铁蛋白饱和度", "转铁蛋白受体"),
    *("胰岛素样生长因子", "胰岛素抗体", "乳酸清除率", "渗透压间隙", "阴离子间隙", "骨碱性磷酸酶", "骨特异性碱性磷酸酶"),
    *(
        "氯化钾",
        "氯化钠",
        "氯化钙",
        "枸橼酸钾",
        "枸橼酸钠",
        "碳酸氢钠",
        "碳酸钙",
        "葡萄糖酸钙",
        "硫酸镁",
        "门冬氨酸钾镁",
    ),
    # total calcium in one laboratory, ionised in another
    *("钙离子", "Ca2+", "Ca++", "Ca²⁺"),
    *("creatinine clearance", "anion gap", "osmolal gap", "BUN/creatinine ratio", "non-HDL cholesterol"),
    *("transferrin saturation", "insulin-like growth factor", "albumin-adjusted calcium", "sodium chloride"),
    *("potassium chloride", "sodium citrate", "sodium bicarbonate", "calcium gluconate", "IL-6", "eGFR", "GFR", "CCr"),
)


@cache
def analytes() -> tuple[Analyte, ...]:
    """The shipped table."""
    with (files("llf_kit.quantities") / "analytes.csv").open(encoding="utf-8") as file:
        return tuple(_read(row) for row in csv.DictReader(file))


@cache
def by_key() -> dict[str, Analyte]:
    """The shipped table by ``key``."""
    return {analyte.key: analyte for analyte in analytes()}


def _read(row: dict[str, str]) -> Analyte:
    def several(name: str) -> tuple[str, ...]:
        return tuple(part for part in row[name].split(";") if part)

    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Analyte(
        key=row["key"],
        group=row["group"],
        zh=several("zh"),
        en=several("en"),
        abbreviations=several("abbreviations"),
        weak=frozenset(several("weak")),
        loinc=several("loinc"),
        units=several("units"),
        molar_mass=number("molar_mass"),
        molar_source=row["molar_source"],
        charge=int(row["charge"]) if row["charge"] else None,
        low=float(row["low"]),
        high=float(row["high"]),
        range_source=row["range_source"],
        critical_low=number("critical_low"),
        critical_high=number("critical_high"),
        critical_source=row["critical_source"],
        specimen=row["specimen"],
        source=row["source"],
    )
