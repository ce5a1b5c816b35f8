"""Each check has examples that it catches and near ones that it leaves alone; nothing else of a row is touched."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import REPOSITORY

from llf_kit import cleaning, mapping, readers
from llf_kit.schema import CJK, FLAG, SAMPLE
from llf_kit.screening import laboratory
from llf_kit.screening.laboratory import contradictions, stage

Asked = tuple[str, str]


def samples(*pairs: Asked) -> pl.DataFrame:
    rows = [
        {
            **dict.fromkeys(SAMPLE),
            "source": "a.csv",
            "row": number,
            "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
        }
        for number, (question, answer) in enumerate(pairs, start=2)
    ]
    return pl.DataFrame(rows, schema=SAMPLE)


def flags(question: str, answer: str) -> list[tuple[str, str]]:
    found = stage(samples((question, answer)).lazy()).collect()["flags"][0]
    return [(flag["kind"], flag["detail"]) for flag in found]


CAUGHT = {
    "unit that this analyte is not given in": [
        ("血糖？", "空腹血糖 3.9～6.1 g/L"),
        ("血糖？", "葡萄糖 5.6 g/L"),
        ("glucose?", "glucose was 5.6 g/L"),
        ("白蛋白？", "白蛋白 40–55 mmol/L"),
        ("红细胞？", "RBC 3.15×10⁹/L"),
        ("TSH？", "TSH 0.27～4.2 mmol/L"),
    ],
    "number without a unit": [
        ("肌酐 190，高吗？", "偏高，建议随访。"),
        ("总胆红素为28，严重吗？", "略高。"),
        ("Is creatinine 190 high?", "It is raised."),
        ("血清钾结果为248.30，说明什么问题？", "请结合临床。"),
    ],
    "value is implausible": [
        ("血钾 35 mmol/L", "请复查。"),
        ("血红蛋白 1350 g/L", "复查。"),
        ("血清钾结果为248.30", "请结合临床。"),
        ("Serum sodium 14.0 mmol/L", "Repeat it."),
        ("血钙 225 mg/dL", "复查"),
    ],
    "interval is implausible": [
        ("血钾？", "参考区间 35～53 mmol/L：血钾 35～53 mmol/L"),
        ("Na?", "sodium 13.7–14.7 mmol/L"),
    ],
    "interval is reversed": [
        ("血钾？", "血清钾的参考区间为 5.3～3.5 mmol/L"),
        ("?", "成人参考区间：9.5–3.5×10⁹/L"),
        ("血小板 118×10⁹/L（参考区间350～125）", "请结合临床。"),
        ("K?", "Potassium 5.3-3.5 mmol/L"),
    ],
    "arrow contradicts value and interval": [
        ("尿酸 520 μmol/L↓（参考区间208～428）", "高于区间。"),
        ("ALT：35U/L↑（参考值：9-50U/L）", "在区间内。"),
        ("血钾3.0mmol/L↑（参考区间3.5～5.3）", "偏低。"),
    ],
    "critical value without advice to repeat and notify": [
        ("血钾 7.2 mmol/L 说明什么？", "高钾血症多见于肾衰竭。"),
        ("血糖 1.8 mmol/L", "低血糖，多吃糖，三个月后复查。"),
        ("What does potassium 7.5 mmol/L mean?", "It is raised, often in renal failure."),
        ("血小板 8×10⁹/L", "血小板减少见于再生障碍性贫血。"),
    ],
    "LOINC check digit is wrong": [
        ("血糖的 LOINC？", "血糖的 LOINC 代码是 2345-8。"),
        ("?", "LOINC: 2345-7、2823-4"),
    ],
    "answer letter is not among the options": [
        ("下列哪项正确？\nA. 钾\nB. 钠\nC. 氯", "答案：E"),
        ("哪项？ A．钾 B．钠 C．氯 D．钙", "F"),
        ("Which?\nA) K\nB) Na\nC) Cl", "The answer is D."),
    ],
    "lost superscript": [
        ("白细胞？", "WBC 3.5～9.5×109/L"),
        ("血小板 5.0 109/L", "复查并通知临床。"),
        ("红细胞？", "4.3～5.8 x 1012/L"),
        ("酶？", "1.85×10-9 mol/L"),
    ],
}
LEFT_ALONE = [
    ("空腹血糖的参考区间？", "3.9～6.1 mmol/L（70–110 mg/dL）"),
    ("葡萄糖怎么用？", "葡萄糖 500 mL 静滴，25 g 口服，50% 葡萄糖 20 mL"),
    ("补钾", "氯化钾 10 mL，钙片 600 mg，胰岛素 10 U，白蛋白 10 g"),
    ("总胆固醇 5.2、HDL-C 1.2、甘油三酯 2.2（mmol/L），怎么算？", "按 Friedewald 公式计算。"),
    ("肌酐 190，这次 95 μmol/L，好转了吗？", "先排除差错。"),
    ("脑脊液葡萄糖 2.1 mmol/L，脑脊液蛋白 4.5 g/L", "请结合细胞数判断。"),
    ("INR 1.2，pH 7.40，尿比重 1.020，RF 1:80", "均可接受。"),
    ("血小板 2 周后复查，白细胞 3 项，血糖 2 小时", "好的。"),
    ("血钾由 6.8 降至 4.2 mmol/L", "已下降。"),
    ("potassium fell from 6.8 to 4.2 mmol/L", "It has fallen."),
    ("血压 180-110 mmHg", "偏高。"),
    ("质控 4-1s 和 10-x", "见 Westgard 规则。"),
    ("2012～2009 年的标准", "WS/T 404.3-2012 代替了 WS/T 404.3-2009"),
    ("10-9 mol/L", "即纳摩尔。"),
    ("血钾3.0mmol/L↓（参考区间3.5～5.3）", "偏低。"),
    ("ALT 68 U/L↑（9～50）", "偏高。"),
    ("ALT 68 U/L（9～50）", "偏高。"),
    ("血钾 6.8 mmol/L", "立即复测并电话通知临床，记录。"),
    ("potassium 7.5 mmol/L", "Notify the clinician at once; check for haemolysis and repeat."),
    ("新生儿血糖 2.4 mmol/L", "新生儿另有界限。"),
    ("血钾危急值界限 6.2 mmol/L 以上吗？例如 6.8 mmol/L", "各实验室自定。"),
    ("血钾 6.8 mmol/L，心电图可见？\nA. 高尖 T 波\nB. U 波", "答案：A"),
    ("血糖的 LOINC？", "血清葡萄糖为 LOINC 2345-7，血钾为 2823-3，邮编 100730-1。"),
    ("哪项？\nA. 钾\nB. 钠\nC. 氯\nD. 钙\nE. 镁", "答案：ACE"),
    ("维生素有哪些？", "维生素 A、B、C。答案：E"),
    ("WBC 3.5～9.5×10⁹/L，10^9/L，10E9/L", "对。"),
    ("2×109=218", "血糖 109 mg/dL"),
    ("白细胞 12000/μL，PLT 350 K/μL", "可换算为 10⁹/L。"),
    ("HbA1c 6.5%（48 mmol/mol）", "诊断切点。"),
    ("hCG 110.3 U/L，AST 70 IU/L", "可用。"),
    ("血红蛋白 12.5 g/dL，尿素 40 mg/dL，肌酐 1.2 mg/dL", "请换算。"),
    ("D-二聚体 0.65 mg/L FEU", "高于界值。"),
    ("hs-cTnI <0.01 ng/mL", "低于检出限。"),
    ("患者25岁，血压偏高，编号123", "随访。"),
    ("glucose-6-phosphate dehydrogenase", "glucose-6-phosphate"),
    ("P<0.05，r=0.98，n=120", "有统计学意义。"),
]


@pytest.mark.parametrize(
    ("kind", "pair"),
    [(kind, pair) for kind, pairs in CAUGHT.items() for pair in pairs],
    ids=lambda value: str(value)[:40],
)
def test_a_check_catches(kind: str, pair: Asked) -> None:
    assert kind in [found for found, _ in flags(*pair)]


@pytest.mark.parametrize("pair", LEFT_ALONE, ids=lambda pair: pair[0][:30])
def test_what_is_right_is_left_alone(pair: Asked) -> None:
    assert flags(*pair) == []


def test_every_kind_has_an_example_and_a_chinese_name() -> None:
    assert set(laboratory.KINDS) == set(CAUGHT)
    assert all(CJK.search(chinese) for chinese in laboratory.KINDS.values())


def test_a_detail_says_what_and_nothing_else_of_the_row() -> None:
    assert flags("张三，电话 13800138000，尿酸 520 μmol/L↓（参考区间208～428）", "?") == [
        ("arrow contradicts value and interval", "尿酸 520 umol/L ↓ in 208–428")
    ]
    assert flags("住院号 123456 李四，血钾 35 mmol/L，WBC 5×109/L", "?") == [
        ("lost superscript", "×109/"),
        ("value is implausible", "血钾 35 mmol/L"),
    ]


def test_nothing_is_changed_and_earlier_flags_are_kept() -> None:
    rows = samples(("血钾 35 mmol/L", "复查"), ("血钾 3.5 mmol/L", "好"), ("无", "无")).with_columns(
        flags=pl.Series([[{"kind": "old", "detail": "x"}], None, []], dtype=pl.List(FLAG))
    )
    found = stage(rows.lazy()).collect()
    assert found.drop("flags").equals(rows.drop("flags"))
    kinds = [[flag["kind"] for flag in one] for one in found["flags"]]
    assert kinds == [["old", "value is implausible"], [], []]


def test_rows_without_a_conversation_have_no_flags() -> None:
    rows = pl.DataFrame(
        [{**dict.fromkeys(SAMPLE), "source": "a", "row": 1, "messages": m} for m in (None, [])], schema=SAMPLE
    )
    assert stage(rows.lazy()).collect()["flags"].to_list() == [[], []]
    assert stage(rows.clear().lazy()).collect().height == 0


def test_every_turn_is_looked_at() -> None:
    turns = [
        ("user", "血钾？"),
        ("assistant", "35 mmol/L？"),
        ("user", "血钾 35 mmol/L"),
        ("assistant", "血钠 14 mmol/L"),
    ]
    row = {**dict.fromkeys(SAMPLE), "messages": [{"role": role, "content": content} for role, content in turns]}
    found = stage(pl.LazyFrame([row], schema=SAMPLE)).collect()["flags"][0]
    assert [flag["detail"] for flag in found] == ["血钾 35 mmol/L", "血钠 14 mmol/L"]


def cleaned(samples: pl.LazyFrame) -> pl.LazyFrame:
    """As a conversion cleans them before they are looked at."""
    return cleaning.clean(samples, cleaning.text.Style(), cleaning.identifiers.Policy(), cleaning.Cleaned())


def shipped() -> list[Path]:
    return [REPOSITORY / "datasets/raw", *(REPOSITORY / f"datasets/{name}.jsonl" for name in ("lab_qa", "lab_qa_test"))]


def test_the_shipped_data_pass_every_check(tmp_path: Path) -> None:
    tables = [table for path in readers.find(shipped()) for table in readers.read(path, readers.Opening(tmp_path))]
    rows = pl.concat([mapping.to_samples(one) for one in mapping.choose(tables, {})])
    found = stage(cleaned(rows)).collect(engine="streaming")
    assert found.height >= 1380
    assert [(source, row, one) for source, row, one in found.select("source", "row", "flags").iter_rows() if one] == []
    assert contradictions(found).filter(pl.col("source").str.contains("raw")).is_empty()


@pytest.mark.parametrize(
    "piece", ["LOINC 1-", "LOINC 2345-7、", "A. B. 答案：A、", "答案A", "血钾 7.2 mmol/L ", "×10", "复查"]
)
def test_a_megabyte_in_one_turn_takes_linear_time(piece: str) -> None:
    stage(samples(("血钾", "好")).lazy()).collect()
    long = piece * (1_000_000 // len(piece))
    begun = time.process_time()
    stage(samples((f"1 A. 钾 B. 钠 {long}", f"1 {long}")).lazy()).collect()
    assert time.process_time() - begun < 20


def pairs_of(found: pl.DataFrame) -> list[list[int]]:
    return [group["row"].to_list() for group in found.partition_by("group", maintain_order=True)]


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("血钾的参考区间？", "3.5～5.3 mmol/L", "成人血清钾 3.5-5.5 mmol/L。"),
        ("血钾的参考区间？", "3.5～5.3", "3.5-5.5 mmol/L"),
        ("验证需要几例？", "20 例", "120 例即可"),
        ("危急值？", "低于 2.8、高于 6.2 mmol/L", "低于 3.0、高于 6.2 mmol/L"),
        ("血糖？", "血糖 5.6 mmol/L", "血糖 126 mg/dL"),
        ("保存多久？", "2 h 内", "4 h 内"),
        ("几？", "答案：12", "答案：13"),
        ("步骤？", "1. 复查 2. 通知，137 mmol/L", "1. 通知 138 mmol/L"),
    ],
)
def test_different_numbers_for_one_question_contradict_each_other(question: str, one: str, other: str) -> None:
    found = contradictions(samples((question, one), ("别的？", "5 mmol/L"), (question, other)))
    assert found.columns == ["group", "source", "row", "question", "answer", "values"]
    assert pairs_of(found) == [[2, 4]]
    assert found["answer"].to_list() == [one, other]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("血钾？", "3.5～5.3 mmol/L"), ("血钾?", "血清钾为 3.5—5.3 mmol/L（WS/T 404.3-2012）。")),
        (("血糖？", "血糖 5.6 mmol/L"), ("血糖？", "GLU 101 mg/dL")),
        (("肌酐？", "血肌酐 1.2 mg/dL"), ("肌酐？", "106 μmol/L")),
        (("电解质？", "血钾 3.5–5.3，血钠 137–147 mmol/L"), ("电解质？", "3.5–5.3 mmol/L")),
        (("男性血红蛋白？", "130–175 g/L"), ("女性血红蛋白？", "115–150 g/L")),
        (("儿童碱性磷酸酶？", "143～406 U/L"), ("成人碱性磷酸酶？", "45～125 U/L")),
        (("血清淀粉酶？", "35～135 U/L"), ("尿淀粉酶？", "32～641 U/L")),
        (("ALT（含磷酸吡哆醛）？", "9～60 U/L"), ("ALT（不含磷酸吡哆醛）？", "9～50 U/L")),
        (("步骤？", "1. 采血 2. 离心"), ("步骤？", "1. 离心 2. 采血 3. 测定")),
        (("何时？", "2012 年发布"), ("何时？", "发布于 2012-12-24")),
        (("怎么办？", "复查"), ("怎么办？", "通知 2 人")),
    ],
)
def test_what_is_no_contradiction(one: Asked, other: Asked) -> None:
    assert contradictions(samples(one, other)).is_empty()


def test_what_was_said_before_belongs_to_the_question() -> None:
    def talk(first: str, value: str) -> dict[str, Any]:
        turns = [("user", first), ("assistant", "好"), ("user", "参考区间？"), ("assistant", value)]
        return {
            **dict.fromkeys(SAMPLE),
            "source": "a",
            "messages": [dict(zip(("role", "content"), turn, strict=True)) for turn in turns],
        }

    rows = [talk("男", "130～175 g/L"), talk("女", "115～150 g/L"), talk("男", "120～160 g/L")]
    found = contradictions(pl.DataFrame(rows, schema=SAMPLE).with_columns(row=pl.Series([1, 2, 3])))
    assert pairs_of(found) == [[1, 3]]


def test_planted_errors_are_found_in_a_converted_file(tmp_path: Path) -> None:
    lines = [
        {"question": "血钾的参考区间？", "answer": "3.5～5.3 mmol/L"},
        {"question": "血钾的参考区间是", "answer": "3.5～5.3 mmol/L"},
        {"question": "血钾的参考区间?", "answer": "3.5～5.5 mmol/L"},
        {"question": "白细胞？", "answer": "3.5～9.5 109/L"},
        {"question": "血钠？", "answer": "147～137 mmol/L"},
    ]
    path = tmp_path / "planted.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    (mapped,) = mapping.choose(readers.read(path, readers.Opening(tmp_path)), {})
    found = stage(cleaned(mapping.to_samples(mapped))).collect()
    kinds = [{flag["kind"] for flag in one} for one in found["flags"]]
    assert kinds == [set(), set(), set(), {"lost superscript"}, {"interval is reversed"}]
    assert pairs_of(contradictions(found)) == [[1, 3]]


def test_a_result_without_a_name_is_of_what_was_asked_for() -> None:
    asked = "空腹血糖参考区间？"
    assert contradictions(samples((asked, "3.9-6.1 mmol/L"), (asked, "3.9-6.1 mg/dL"))).height == 2
    assert contradictions(samples((asked, "5.6 mmol/L"), (asked, "101 mg/dL"))).is_empty()
    asked = "血糖和血钾是多少？"  # of which of the two, nobody knows
    assert contradictions(samples((asked, "5.6 mmol/L"), (asked, "5.6 mg/dL"))).is_empty()
