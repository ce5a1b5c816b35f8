"""From symptoms to means: each of the guide's six leads to the guide's own, in both languages, and so do measures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from conftest import REPOSITORY, Result, rows

from llf_kit.diagnosis import rules
from llf_kit.diagnosis.relevance import relevance
from llf_kit.errors import ConfigError
from llf_kit.project import shipped
from llf_kit.schema import CJK

Tree = Callable[[dict[str, Any]], Path]
LlfKit = Callable[..., Result]

# What the guide says helps against each symptom, with its words for it.
GUIDE = {
    "off_topic": (("不相关", "答非所问", "Off topic"), ["query_rewriting"]),
    "unprofessional": (("不够专业", "not professional", "Hallucination"), ["prompt", "rag"]),
    "untailored": (("缺少针对性", "缺少針對性", "not tailored"), ["prompt", "ask_back"]),
    "illogical": (("逻辑错误", "邏輯錯誤", "自相矛盾", "wrong logic"), ["memory", "causal_data"]),
    "tone_format": (("语气/格式不合适", "格式错误", "wrong tone or format", "tone/format"), ["lora"]),
    "unstable": (("不够稳定", "不夠穩定", "时好时坏", "Not Stable", "unstable"), ["sampling"]),
}
TUNING = {"lora", "causal_data", "preference", "full"}


@pytest.mark.parametrize(
    ("symptom", "word"), [(symptom, word) for symptom, (words, _) in GUIDE.items() for word in words]
)
def test_a_symptom_leads_to_the_means_of_the_guide(llf_kit: LlfKit, tree: Tree, symptom: str, word: str) -> None:
    tree({"cases.jsonl": [{"问题": "血钾偏高怎么办？", "症状": word}, {"问题": "溶血呢？", "症状": word}]})
    done = llf_kit("diagnose", "cases.jsonl", "--json")
    assert done.status == 0, done.err
    assert done.json["symptoms"] == {symptom: 2}
    means = {one["name"]: one for one in done.json["means"]}
    assert [name for name, one in means.items() if not one["later"]] == GUIDE[symptom][1]
    assert all(one["cases"] == 2 and "cases.jsonl:1" in one["reason"] for one in means.values())
    assert done.json["next"] == done.json["means"][0]["commands"][0]
    assert ("不需要微调" in done.json["verdict"]) == (not TUNING & set(GUIDE[symptom][1]))


def test_a_poor_input_comes_before_the_model(llf_kit: LlfKit, tree: Tree) -> None:
    tree({"cases.csv": "question,answer,symptom,information,steps,user cares,documents\n"
                       "Is it high?,Yes it is high.,wrong logic,no,yes,yes,\n"
                       "Is it low?,No.,not professional,,,,no\n"
                       "And this?,No.,not professional,yes,yes,,yes\n"
                       "For me?,Yes.,not tailored,yes,,yes,maybe\n"})  # fmt: skip
    done = llf_kit("diagnose", "cases.csv", "--json").json
    assert done["causes"] == {"information_missing": 1, "deep_knowledge": 1, "knowledge": 1, "ignores_input": 1}
    now = [one["name"] for one in done["means"] if not one["later"]]
    assert now == ["prompt", "ask_back", "rag", "full"]  # and no causal data: the input may be all that was wrong
    assert done["notes"] == ["cases.csv:5: documents: neither yes nor no. Write one of: no, yes, 否, 是."]
    assert done["verdict"].startswith("Of the 4 cases whose cause is known, fine-tuning is called for in 1,")


WRONG = {
    "off_topic": (
        "What are common causes of a high serum potassium?",
        "The weather is lovely, so take a walk outside.",
    ),
    "unprofessional": ("血清钾的参考区间是多少？", "一般来说因人而异，具体要看情况，不必担心。"),
    "untailored": (
        "我血钾 6.2 mmol/L，肌酐 180 μmol/L，血钾高怎么办？",
        "血钾高的人应注意饮食，并在 2 天内到医院复查肌酐和血钾。",
    ),
    "tone_format": ("Why does haemolysis raise potassium?", "溶血时红细胞内的钾释放出来，所以血钾升高。"),
}


@pytest.mark.parametrize("symptom", WRONG)
def test_a_measure_suggests_what_nobody_named(llf_kit: LlfKit, tree: Tree, symptom: str) -> None:
    question, answer = WRONG[symptom]
    tree({"cases.jsonl": [{"question": question, "answer": answer}]})
    done = llf_kit("diagnose", "cases.jsonl", "--json").json
    assert (done["symptoms"], done["suggested"]) == ({symptom: 1}, {symptom: 1}), done["rows"]
    assert re.search(r" [\d.]+ < [\d.]+", done["rows"][0]["suggested"])  # the number and the threshold


def test_answers_to_one_question_are_compared_wherever_they_stand(llf_kit: LlfKit, tree: Tree) -> None:
    tree({"cases.csv": "问题,回答,回答2\n血钠？,137～147 mmol/L,137～147 mmol/L\n"
                       "血钾？,3.5～5.3 mmol/L,3.0～6.0 mmol/L\n"
                       "血氯？,99～110 mmol/L,\n血氯？,90～120 mmol/L,\n"})  # fmt: skip
    done = llf_kit("diagnose", "cases.csv", "--json").json
    assert [row["measures"]["stable_values"] for row in done["rows"]] == [100, 0, 0, 0]
    assert [row["symptoms"] for row in done["rows"]] == [["none"], ["unstable"], ["unstable"], ["unstable"]]


def test_where_a_person_and_a_measure_disagree_it_is_said(llf_kit: LlfKit, tree: Tree) -> None:
    same = {
        "answer": "Serum potassium is measured by an ion-selective electrode.",
        "question": "How is serum potassium measured?",
    }
    tree({"cases.jsonl": [
        {**same, "symptom": "off-topic"},
        {"question": "And sodium?", "expected": "135-145 mmol/L", "answer": "130-150 mmol/L", "symptom": "good"},
    ]})  # fmt: skip
    first, second = llf_kit("diagnose", "cases.jsonl", "--json").json["rows"]
    assert first["symptoms"] == ["off_topic"] and "relevance 100 ≥ 80" in first["notes"][0]
    assert second["symptoms"] == ["good"] and "values right 0 < 70" in second["notes"][0]


@pytest.mark.parametrize("wanted", [r"\{.*\}", "schema.json"])
def test_the_format_is_measured_where_it_is_given(llf_kit: LlfKit, tree: Tree, wanted: str) -> None:
    tree({"cases.jsonl": [{"question": "血钾？", "answer": '{"low": 3.5}'}, {"question": "血钠？", "answer": "137"}],
          "schema.json": '{"type": "object", "required": ["low"]}'})  # fmt: skip
    done = llf_kit("diagnose", "cases.jsonl", "--json", "--format", wanted).json
    assert [row["measures"]["format"] for row in done["rows"]] == [100, 0]
    assert done["suggested"] == {"tone_format": 1}


@pytest.mark.parametrize(
    ("question", "answer", "low", "high"),
    [
        ("血钾升高的常见原因有哪些？", "血钾升高的原因包括溶血、肾功能不全。", 60, 100),
        ("血钾升高的常见原因有哪些？", "今天天气很好，适合出去散步。", 0, 0),
        (
            "Which tubes are used for coagulation testing?",
            "Coagulation is tested in a citrate tube, filled fully.",
            60,
            100,
        ),
        ("Which tubes are used for coagulation testing?", "Please do drink a lot and sleep well at night.", 0, 0),
        ("CRP 和 PCT 有什么区别？", "CRP 特异性低，PCT 对细菌感染特异性高。", 60, 100),
    ],
)
def test_relevance_knows_what_is_asked(question: str, answer: str, low: float, high: float) -> None:
    found = relevance(question, answer, rules.load())
    assert found is not None and low <= found <= high


@pytest.mark.parametrize("chinese", [True, False])
def test_the_threshold_of_relevance_is_what_its_reason_says(chinese: bool) -> None:
    asked = {}
    for name in ("lab_qa", "lab_qa_test", "general"):
        for row in rows(REPOSITORY / f"datasets/{name}.jsonl"):
            question = row["question"] if "question" in row else f"{row['instruction']}\n{row['input']}".strip()
            if bool(CJK.search(question)) == chinese:
                asked[question] = row.get("answer") or row["output"]
    other = [*asked.values()]
    Random(1).shuffle(other)
    table = rules.load()
    [rule] = table.symptoms["off_topic"].suggest

    def below(pairs: Iterable[tuple[str, str]]) -> float:
        found = [value for pair in pairs if (value := relevance(*pair, table)) is not None]
        return 100 * sum(value < rule.below for value in found) / len(found)

    assert below(asked.items()) <= 5.5
    assert below(zip(asked, other, strict=True)) >= 60


@pytest.mark.parametrize(
    ("question", "answer"), [("血钾的参考区间？", "3.5～5.3 mmol/L"), ("怎么办呢？", "请尽快到医院去复查一次吧")]
)
def test_relevance_is_missing_where_nothing_can_come_back(question: str, answer: str) -> None:
    assert relevance(question, answer, rules.load()) is None


def test_every_word_names_one_symptom_and_every_text_is_there_twice() -> None:
    shipped_rules = rules.load()
    for name, one in shipped_rules.symptoms.items():
        assert {shipped_rules.symptom(word) for word in (name, one.zh, one.en, *one.also)} == {name}
    assert all(shipped_rules.symptom(word) == "good" for word in shipped_rules.good)
    chinese, english = (shipped_rules.words[language] for language in ("zh", "en"))
    assert chinese.keys() == english.keys()
    assert chinese["measure_names"].keys() == english["measure_names"].keys() == set(rules.MEASURES)
    assert set(shipped_rules.questions) <= set(shipped_rules.columns)


def test_every_command_names_a_verb_and_options_that_are_there() -> None:
    import click

    from llf_kit.cli import group

    context = click.Context(group)
    for mean in rules.load().means.values():
        for command in mean.commands:
            _, verb, *words = command.split()
            found = group.get_command(context, verb) if verb in group.list_commands(context) else None
            assert found, command
            known = {option for parameter in found.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= known, command
            templates = [word for word in words if word.startswith("train/")]
            assert all((shipped("templates") / f"{one}.yaml.j2").is_file() for one in templates)


def test_rules_that_refer_to_nothing_are_refused_with_all_that_is_wrong(tmp_path: Path) -> None:
    table = yaml.safe_load((shipped("templates") / "diagnosis" / "rules.yaml").read_text(encoding="utf-8"))
    table["symptoms"]["illogical"]["causes"] = [{"cause": "stars"}]
    table["causes"]["logic"]["means"] = ["prayer"]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(table), encoding="utf-8")
    with pytest.raises(ConfigError, match="there is no cause 'stars'") as told:
        rules.load(path)
    assert "there is no means 'prayer'" in str(told.value)
    table["means"]["lora"]["comands"] = []
    table["symptoms"]["illogical"]["causes"] = [{"cause": "logic", "if_not_so": "stars"}]
    path.write_text(yaml.safe_dump(table), encoding="utf-8")
    rules.load.cache_clear()
    with pytest.raises(ConfigError, match=r"means\.lora\.comands: unknown key\. Did you mean 'commands'") as told:
        rules.load(path)
    assert "symptoms.illogical.causes.0.if_not_so: unknown key. Did you mean 'if_not'?" in str(told.value)
