"""Columns are found by name, shapes by columns; what does not fit is said with the columns that there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llf_kit import mapping, readers
from llf_kit.errors import DataError, UsageError

Tree = Callable[[dict[str, Any]], Path]


def samples(path: Path, **given: str) -> list[dict[str, Any]]:
    chosen = mapping.choose(readers.read(path, readers.Opening(path.parent)), given)
    return [row for one in chosen for row in mapping.to_samples(one).collect().to_dicts()]


def turns(sample: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in sample["messages"]]


@pytest.mark.parametrize(
    "header",
    [
        "问题,答案",
        "提问,解答",
        "問題,答案",
        "提問,回覆",
        "Question,Answer",
        "instruction,output",
        "query,response",
        "prompt,completion",
        "input,output",
        "Q,A",
        "咨询内容,答复内容",
        "问题描述,回复详情",
    ],
)
def test_usual_names_are_found(tree: Tree, header: str) -> None:
    found = samples(tree({"a.csv": f"{header}\n甲,乙\n"}) / "a.csv")
    assert turns(found[0]) == [("user", "甲"), ("assistant", "乙")]


def test_input_is_a_context_beside_an_instruction(tree: Tree) -> None:
    found = samples(tree({"a.csv": "instruction,input,output\n解释,血钾 6.8,复查\n只问,,答\n"}) / "a.csv")
    assert [turns(one)[0][1] for one in found] == ["解释\n血钾 6.8", "只问"]


def test_a_context_is_kept_in_every_shape(tree: Tree) -> None:
    for extra in ({}, {"history": [["甲", "乙"]]}, {"options": {"A": "钾", "B": "钠"}}):
        row = {"instruction": "解释", "input": "血钾 6.8", "output": "B", **extra}
        found = turns(samples(tree({"a.jsonl": [row]}) / "a.jsonl")[0])
        assert "解释\n血钾 6.8" in found[-2][1]


def test_two_schemas_in_one_file_are_both_read(tree: Tree) -> None:
    rows = [{"instruction": "甲", "output": "乙", "history": [["子", "丑"]]}, {"instruct": "丙", "output": "丁"}]
    found = samples(tree({"a.jsonl": rows}) / "a.jsonl")
    assert [len(one["messages"]) for one in found] == [4, 2]
    assert turns(found[1]) == [("user", "丙"), ("assistant", "丁")]
    rows = [{"messages": [{"role": r, "content": r} for r in ("user", "assistant")]}, *rows]
    found = samples(tree({"b.jsonl": rows}) / "b.jsonl")
    assert [(len(one["messages"]), one["reason"]) for one in found] == [(2, None), (4, None), (2, None)]


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("发热,体温39℃三天,答", "发热\n体温39℃三天"),
        ("发热,发热三天,答", "发热三天"),
        ("发热,,答", "发热"),
        (",三天,答", "三天"),
    ],
)
def test_a_title_stands_above_its_question_unless_it_is_repeated(tree: Tree, line: str, asked: str) -> None:
    found = samples(tree({"a.csv": f"title,ask,answer\n{line}\n"}) / "a.csv")
    assert turns(found[0])[0] == ("user", asked)


def test_a_case_with_several_questions(tree: Tree) -> None:
    row = {
        "title": "病例一",
        "description": "血钾 6.8",
        "QA_pairs": [{"question": "先做什么？", "answer": "复查"}, {"question": "然后？", "answer": "通知"}],
    }
    found = samples(tree({"a.jsonl": [row, {**row, "QA_pairs": [{"answer": "孤"}, {}]}]}) / "a.jsonl")
    assert turns(found[0]) == [
        ("user", "病例一\n血钾 6.8\n先做什么？"),
        ("assistant", "复查"),
        ("user", "然后？"),
        ("assistant", "通知"),
    ]
    assert found[1]["reason"] == "question 1 is not an object with a question and an answer"


def test_cells_that_mean_nothing_are_no_context_system_or_label(tree: Tree) -> None:
    path = tree({"a.csv": "instruction,input,output,system,label\n甲,nan,乙,NULL,-\n丙, 无 ,丁,None,\n"}) / "a.csv"
    for found in samples(path):
        assert "\n" not in turns(found)[0][1]
        assert (found["system"], found["label"]) == (None, None)


def test_an_option_may_be_the_word_for_nothing(tree: Tree) -> None:
    row = {"题干": "有无禁忌？", "A": "有", "B": "无", "答案": "无"}
    assert turns(samples(tree({"a.jsonl": [row]}) / "a.jsonl")[0])[1] == ("assistant", "答案：B. 无")


def test_columns_that_a_shape_does_not_read_are_said_to_be_unused(tree: Tree) -> None:
    path = tree({"a.jsonl": [{"messages": [], "question": "q", "score": "9"}]}) / "a.jsonl"
    one = mapping.choose(readers.read(path, readers.Opening(path.parent)), {})[0]
    assert one.unused == ["question", "score"]


def test_a_given_column_wins(tree: Tree) -> None:
    path = tree({"a.csv": "问题,标题,答案,科室\n甲,乙,丙,生化\n"}) / "a.csv"
    found = samples(path, question="标题")
    assert turns(found[0])[0] == ("user", "乙")
    assert found[0]["label"] == "生化"


def test_no_question_column_names_the_columns_and_the_likeliest(tree: Tree) -> None:
    path = tree({"a.csv": "编号,患者问的,医生答的\n1,2,3\n"}) / "a.csv"
    with pytest.raises(DataError) as caught:
        samples(path)
    assert "no question and no answer column among: 编号, 患者问的, 医生答的" in str(caught.value)
    assert "--map question=患者问的 --map answer=医生答的" in str(caught.value)


def test_wrong_maps_are_refused(tree: Tree) -> None:
    path = tree({"a.csv": "问题,答案\n1,2\n"}) / "a.csv"
    with pytest.raises(DataError, match=r"no table has that column\. There are: 问题, 答案"):
        samples(path, question="标题")
    with pytest.raises(DataError, match="--map answer=问题: that column is the question already"):
        samples(path, question="问题", answer="问题")
    with pytest.raises(UsageError, match=r"Did you mean 'question'"):
        samples(path, qestion="问题")


@pytest.mark.parametrize(
    "row",
    [
        {"question": "选哪个？", "options": {"A": "钾", "B": "钠"}, "answer": "B", "explanation": "因为。"},
        {"question": "选哪个？", "options": ["A. 钾", "B. 钠"], "answer": "b", "explanation": "因为。"},
        {"question": "选哪个？", "options": "A、钾 B、钠", "answer": "钠", "explanation": "因为。"},
        {"题干": "选哪个？", "A": "钾", "B": "钠", "正确答案": "B", "解析": "因为。"},
        {"题干": "选哪个？", "选项A": "钾", "选项B": "钠", "选项C": "", "正确答案": "B.", "解析": "因为。"},
        {"题目": "选哪个？", "A选项": "钾", "B选项": "钠", "正确选项": "B", "答案解析": "因为。"},
        {"question": "选哪个？", "options": "A.钾|B.钠", "answer": "B", "explanation": "因为。"},
        {
            "question": "选哪个？",
            "choices": {"text": ["钾", "钠"], "label": ["A", "B"]},
            "answerKey": "B",
            "解析": "因为。",
        },
        {"question": "选哪个？\nA. 钾\nB. 钠", "answer": "B", "explanation": "因为。"},
        {"question": "选哪个？\nA. 钾\nB. 钠", "answer": "B\n【解析】因为。"},
    ],
    ids=[
        *("object", "list", "one cell", "columns", "named columns"),
        *("letters first", "bars", "texts and labels", "in the question", "explained behind the letter"),
    ],
)
def test_multiple_choice_teaches_the_reasoning_and_the_letter_with_its_text(tree: Tree, row: dict[str, Any]) -> None:
    found = samples(tree({"a.jsonl": [row]}) / "a.jsonl")
    assert turns(found[0]) == [("user", "选哪个？\nA. 钾\nB. 钠"), ("assistant", "因为。\n答案：B. 钠")]


def test_several_right_answers_and_english(tree: Tree) -> None:
    row = {"question": "Which?", "options": {"A": "K", "B": "Na", "C": "Cl"}, "answer": "A, C"}
    found = samples(tree({"a.jsonl": [row]}) / "a.jsonl")
    assert turns(found[0])[1] == ("assistant", "Answer: A. K; C. Cl")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"options": {"A": "1", "B": "2"}, "answer": "C"}, "the answer C is not among the options A, B"),
        (
            {"options": {"A": "1", "B": "2"}, "answer": "three"},
            "the answer is neither a letter nor the text of an option",
        ),
        ({"options": {"A": "1"}, "answer": "A"}, "fewer than two options"),
        ({"options": None, "answer": "AC"}, "fewer than two options"),
    ],
)
def test_multiple_choice_that_cannot_be_right_is_rejected(tree: Tree, row: dict[str, Any], reason: str) -> None:
    found = samples(tree({"a.jsonl": [{"question": "q", **row}]}) / "a.jsonl")
    assert found[0]["reason"] == reason


def test_questions_of_other_kinds_stand_among_multiple_choice(tree: Tree) -> None:
    header = "题型,题干,A,B,答案,解析\n"
    lines = "单选,选哪个？,钾,钠,B,\n判断,溶血使血钾升高,,,正确,细胞内钾释出\n填空,结肠癌常用的标志物是,,,CEA,\n"
    found = samples(tree({"a.csv": header + lines}) / "a.csv")
    assert [turns(one)[1][1] for one in found] == ["答案：B. 钠", "正确\n细胞内钾释出", "CEA"]


def test_an_answer_that_is_the_text_of_an_option_is_not_its_letters(tree: Tree) -> None:
    row = {
        "question": "Which?",
        "options": {"A": "AFP", "B": "CEA", "C": "PSA", "D": "NSE", "E": "SCC"},
        "answer": "CEA",
    }
    found = samples(tree({"a.jsonl": [row]}) / "a.jsonl")
    assert turns(found[0])[1] == ("assistant", "Answer: B. CEA")


CONVERSATION = [("user", "甲"), ("assistant", "乙"), ("user", "丙"), ("assistant", "丁")]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "system", "content": "S"}, *({"role": r, "content": c} for r, c in CONVERSATION)]},
        {
            "conversations": [
                {"from": "system", "value": "S"},
                *({"from": {"user": "human", "assistant": "gpt"}[r], "value": c} for r, c in CONVERSATION),
            ]
        },
        {"system": "S", "history": [["甲", "乙"]], "instruction": "丙", "output": "丁"},
        {
            "dialogue": [
                {"speaker": "系统", "sentence": "S"},
                *({"speaker": {"user": "患者", "assistant": "医生"}[r], "sentence": c} for r, c in CONVERSATION),
            ]
        },
        {
            "prompt": [{"role": "system", "content": "S"}, *({"role": r, "content": c} for r, c in CONVERSATION[:3])],
            "completion": [{"role": "assistant", "content": "丁"}],
        },
        {"messages": [{"role": r, "content": c} for r, c in CONVERSATION[:3]], "answer": "丁", "system": "S"},
        {"system": "S", "instruction": "Human:甲\nAssistant:乙\nHuman:丙\nAssistant:", "input": "", "output": "丁"},
    ],
    ids=[
        *("role and content", "from and value", "history", "speaker and sentence"),
        *("prompt and completion", "answer apart", "open text"),
    ],
)
def test_multi_turn(tree: Tree, row: dict[str, Any]) -> None:
    found = samples(tree({"a.jsonl": [row]}) / "a.jsonl")
    assert turns(found[0]) == CONVERSATION
    assert found[0]["system"] == "S"


@pytest.mark.parametrize(
    "text",
    [
        "患者：甲\n医生：乙\n患者：丙\n医生：丁",
        "病人：甲。 医生：乙。 病人：丙。 医生：丁",
        "张女士：甲\n王医生：乙\n张女士：丙\n王主任：丁",
        "Patient: 甲\r\nDoctor: 乙\r\nPatient: 丙\r\nDoctor: 丁",
        "<user>: 甲 <bot>: 乙 <user>: 丙 <bot>: 丁",
        "医生：甲\n检验科：乙\n医生：丙\n检验科：丁",
        "问：甲\n答：乙\n问：丙\n答：丁",
        "問：甲\n答：乙\n問：丙\n答：丁",
        "醫生：甲\n檢驗科：乙\n醫生：丙\n檢驗科：丁",
        "<|user|>\n甲<|assistant|>\n乙<|user|>\n丙<|assistant|>\n丁</s>",
        "<|im_start|>user\n甲<|im_end|>\n<|im_start|>assistant\n乙<|im_end|>\n"
        "<|im_start|>user\n丙<|im_end|>\n<|im_start|>assistant\n丁<|im_end|>",
    ],
)
def test_a_dialogue_in_one_cell(tree: Tree, text: str) -> None:
    found = samples(tree({"a.jsonl": [{"dialogue": text}]}) / "a.jsonl")
    assert [(role, said.rstrip("。")) for role, said in turns(found[0])] == CONVERSATION


def test_a_speaker_who_is_only_mentioned_does_not_cut_a_turn(tree: Tree) -> None:
    found = samples(
        tree({"a.jsonl": [{"dialogue": "Patient: I asked my doctor: is it bad?\nDoctor: No."}]}) / "a.jsonl"
    )
    assert turns(found[0]) == [("user", "I asked my doctor: is it bad?"), ("assistant", "No.")]


def test_one_speaker_twice_in_a_row_is_joined(tree: Tree) -> None:
    found = samples(tree({"a.jsonl": [{"dialogue": "患者：甲\n患者：在吗？\n医生：乙"}]}) / "a.jsonl")
    assert turns(found[0]) == [("user", "甲\n在吗？"), ("assistant", "乙")]


@pytest.mark.parametrize("text", ["没有标记的一段话", "开头没有标记 患者：甲", "注意：复查", "Note: repeat"])
def test_a_text_without_speakers_is_no_dialogue(tree: Tree, text: str) -> None:
    found = samples(tree({"a.jsonl": [{"dialogue": text}]}) / "a.jsonl")
    assert found[0]["reason"] == ("neither a list nor a text in which every turn begins with a speaker that is known")


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ("not a list", "neither a list nor a text in which every turn begins with a speaker that is known"),
        ({"turns": 1}, "the conversation is not a list"),
        ([{"role": "martian", "content": "x"}], "turn 1 has a speaker that is not known"),
        ([{"role": "user", "content": 5}], "turn 1 is not text"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "turn 1 holds more than text"),
        (["x", "y"], "the texts of the conversation do not say who speaks"),
        ([["x"], 5], "turn 1 is not an object"),
        (
            [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "weight": 0}],
            "turn 2 is marked as not to be trained on, which no format can hold",
        ),
        (
            [{"role": "user", "content": "x"}, {"role": "system", "content": "y"}],
            "a system prompt after the first turn",
        ),
    ],
)
def test_conversations_that_are_none_are_rejected_with_the_turn(tree: Tree, messages: Any, reason: str) -> None:
    found = samples(tree({"a.jsonl": [{"messages": messages}]}) / "a.jsonl")
    assert found[0]["reason"] == reason


def test_the_decision_can_be_read(tree: Tree) -> None:
    path = tree({"a.csv": "分类,提问,解答,依据\n1,2,3,4\n"}) / "a.csv"
    one = mapping.choose(readers.read(path, readers.Opening(path.parent)), {})[0]
    assert one.describe() == "single-turn; question=提问, answer=解答, label=分类; not used: 依据"


def test_a_stray_file_in_a_folder_is_listed_and_stops_nobody(tree: Tree) -> None:
    here = tree({"raw/a.csv": "问题,答案\n甲,乙\n", "raw/scores.csv": "编号,得分\n1,5\n"})
    tables = [table for path in readers.find([here / "raw"]) for table in readers.read(path, readers.Opening(here))]
    found = [row for one in mapping.choose(tables, {}) for row in mapping.to_samples(one).collect().to_dicts()]
    assert [(row["source"], row["reason"]) for row in found] == [
        ("raw/a.csv", None),
        ("raw/scores.csv", "no column of this table is known to be a question or an answer"),
    ]


def test_what_is_not_understood_is_said_of_the_part_that_is_missing(tree: Tree) -> None:
    here = tree({"raw/a.csv": "问题,答案\n甲,乙\n", "raw/b.csv": "问题,次数\n丙,5\n"})
    tables = [table for path in readers.find([here / "raw"]) for table in readers.read(path, readers.Opening(here))]
    chosen = mapping.choose(tables, {})
    assert chosen[1].describe() == "not understood, all its rows are rejected; question=问题; not used: 次数"
    (row,) = mapping.to_samples(chosen[1]).collect().to_dicts()
    assert row["reason"] == "no column of this table is known to be an answer"
