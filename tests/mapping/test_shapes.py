"""Shapes beside question and answer: pairs, ranks, judgements, thoughts, tools, texts; and what values tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llf_kit import mapping, readers
from llf_kit.schema import RawTable

Tree = Callable[[dict[str, Any]], Path]


def decided(tree: Tree, rows: list[dict[str, Any]] | str, **given: str) -> mapping.Mapping:
    name = "a.csv" if isinstance(rows, str) else "a.jsonl"
    path = tree({name: rows}) / name
    return mapping.choose(readers.read(path, readers.Opening(path.parent)), given)[0]


def made(tree: Tree, rows: list[dict[str, Any]] | str, **given: str) -> list[dict[str, Any]]:
    return mapping.to_samples(decided(tree, rows, **given)).collect().to_dicts()


def turns(sample: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in sample["messages"]]


ASK, GOOD, BAD = "血钾 6.8？", "复查并通知临床", "多喝水"
USER = {"role": "user", "content": ASK}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": ASK, "chosen": GOOD, "rejected": BAD},
        {"问题": ASK, "较好回答": GOOD, "较差回答": BAD},
        {
            "prompt": ASK,
            "chosen": [{"role": "assistant", "content": GOOD}],
            "rejected": [{"role": "assistant", "content": BAD}],
        },
        {
            "chosen": [USER, {"role": "assistant", "content": GOOD}],
            "rejected": [USER, {"role": "assistant", "content": BAD}],
        },
        {"chosen": f"\n\nHuman: {ASK}\n\nAssistant: {GOOD}", "rejected": f"\n\nHuman: {ASK}\n\nAssistant: {BAD}"},
        {
            "conversations": [{"from": "human", "value": ASK}],
            "chosen": {"from": "gpt", "value": GOOD},
            "rejected": {"from": "gpt", "value": BAD},
        },
        {"query": ASK, "rank1": GOOD, "rank2": "复查", "rank3": BAD},
        {"query": ASK, "history": [], "response_1": BAD, "response_2": GOOD, "score_1": 2, "score_2": "4.5"},
        {"question": ASK, "回答1": BAD, "回答2": GOOD, "排名1": 2, "排名2": 1},
        {"prompt": ASK, "response_a": BAD, "response_b": GOOD, "winner": "model_b"},
        {"prompt": ASK, "response_a": BAD, "response_b": GOOD, "winner": "2"},
        {"prompt": ASK, "response_a": BAD, "response_b": GOOD, "winner": "response_b"},
        {"question": ASK, "answers": [BAD, GOOD, "复查"], "scores": [1, 9, 5]},
        {"question": ASK, "answers": [{"text": GOOD, "score": 9}, {"text": BAD, "score": 1}]},
        {"question": ASK, "answers": [{"answer": BAD, "rank": 2}, {"answer": GOOD, "rank": 1}]},
        {"question": ASK, "answers": {"text": [BAD, GOOD], "score": [1, 9]}},
        {
            "instruction": ASK,
            "completions": [{"response": GOOD, "overall_score": 8.5}, {"response": BAD, "overall_score": 2}],
        },
        {"input": ASK, "generations": [BAD, GOOD], "rating": [1, 5]},
        {"question": {"full_text": ASK}, "answer_0": BAD, "answer_1": GOOD, "score_0": -0.5, "score_1": 0.5},
        {
            "prompt": f"\n\nHuman: {ASK}\n\nAssistant:",
            "answers": [{"answer": GOOD, "rank": 1}, {"answer": BAD, "rank": 7}],
        },
        {
            "prompt": [USER],
            "chosen": [{"role": "assistant", "content": GOOD}],
            "rejected": [{"role": "assistant", "content": BAD}],
        },
        {
            "input": {"messages": [USER], "tools": []},
            "preferred_output": [{"role": "assistant", "content": GOOD}],
            "non_preferred_output": [{"role": "assistant", "content": BAD}],
        },
    ],
)
def test_the_best_and_the_worst_answer_make_a_pair(tree: Tree, row: dict[str, Any]) -> None:
    assert decided(tree, [row]).format == "preference"
    (sample,) = made(tree, [row])
    assert sample["reason"] is None
    assert turns(sample) == [("user", ASK), ("assistant", GOOD)]
    assert sample["rejected"] == BAD


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {"query": ASK, "response_1": BAD, "response_2": GOOD, "score_1": 4, "score_2": 4},
            "its answers are ranked alike",
        ),
        ({"query": ASK, "response_1": BAD, "response_2": "", "score_1": 4, "score_2": 2}, "fewer than two answers"),
        (
            {"query": ASK, "response_1": BAD, "response_2": GOOD, "score_1": 4, "score_2": "高"},
            "a score or a rank that is no number",
        ),
        (
            {"prompt": ASK, "response_a": BAD, "response_b": GOOD, "winner": "tie"},
            "what it says of the better answer names none of them",
        ),
        ({"question": ASK, "answers": [BAD, GOOD], "scores": [1]}, "there is not one score for each answer"),
        (
            {
                "chosen": [USER, {"role": "assistant", "content": GOOD}],
                "rejected": [{"role": "user", "content": "乙"}, {"role": "assistant", "content": BAD}],
            },
            "its two answers end different conversations",
        ),
        ({"prompt": ASK, "chosen": [USER], "rejected": BAD}, "a conversation of its pair does not end with an answer"),
    ],
)
def test_a_pair_that_is_none_is_rejected(tree: Tree, row: dict[str, Any], reason: str) -> None:
    assert [sample["reason"] for sample in made(tree, [row])] == [reason]


@pytest.mark.parametrize(
    ("name", "good", "bad"), [("评价", "好", "差"), ("label", "True", "False"), ("是否合格", "是", "否")]
)
def test_judgements_are_known_by_their_values(tree: Tree, name: str, good: str, bad: str) -> None:
    text = f"问题,答案,{name}\n甲,乙,{good}\n丙,丁,{bad}\n戊,己,\n"
    assert decided(tree, text).format == "kto"
    assert [sample["desirable"] for sample in made(tree, text)] == [True, False, None]


def test_a_label_that_judges_nothing_is_a_label(tree: Tree) -> None:
    for values in ("1", "1"), ("危急值", "质控"), ("1", "5"):
        text = f"问题,答案,label\n甲,乙,{values[0]}\n丙,丁,{values[1]}\n"
        assert decided(tree, text).format == "alpaca"
        assert [sample["label"] for sample in made(tree, text)] == list(values)


def test_a_mark_that_is_neither_is_rejected(tree: Tree) -> None:
    text = "问题,答案,kto_tag\n甲,乙,true\n丙,丁,perhaps\n"
    assert [sample["reason"] for sample in made(tree, text)] == [None, "its mark says neither good nor bad"]


def test_a_chain_of_thought_stands_before_the_answer(tree: Tree) -> None:
    rows = [{"Question": "甲", "Complex_CoT": "先看溶血", "Response": "复查"}, {"Question": "乙", "Response": "丙"}]
    assert [turns(sample)[-1][1] for sample in made(tree, rows)] == ["<think>\n先看溶血\n</think>\n\n复查", "丙"]
    choice = {"question": "甲", "options": {"A": "钾", "B": "钠"}, "answer": "A", "cot": "想"}
    assert turns(made(tree, [choice])[0])[-1][1] == "<think>\n想\n</think>\n\n答案：A. 钾"


@pytest.mark.parametrize(
    ("rows", "letters"),
    [
        ([{"question": "甲", "choices": ["钾", "钠"], "answer": n} for n in (0, 1)], "AB"),
        ([{"question": "甲", "opa": "钾", "opb": "钠", "cop": n} for n in (1, 2) * 10], "AB" * 10),
        ([{"question": "甲", "options": ["1", "2"], "answer": n} for n in (1, 2) * 10], "AB" * 10),
        ([{"question": "甲", "choices": ["钾", "钠", "氯"], "answer": n} for n in (0, 2)], "AC"),
    ],
)
def test_an_answer_may_be_the_number_of_its_option(tree: Tree, rows: list[dict[str, Any]], letters: str) -> None:
    assert [turns(sample)[-1][1][3] for sample in made(tree, rows)] == list(letters)


def test_a_number_that_does_not_tell_where_it_counts_from_is_no_answer(tree: Tree) -> None:
    rows = [{"question": "甲", "choices": ["钾", "钠", "氯"], "answer": n} for n in (1, 2)]
    assert made(tree, rows)[0]["reason"] == "the answer is neither a letter nor the text of an option"


def test_an_explanation_follows_a_plain_answer_or_is_one(tree: Tree) -> None:
    text = "题目,答案,解析\n甲,对,因为\n乙,,只有解析\n丙,错,\n"
    assert [turns(sample)[-1][1] for sample in made(tree, text)] == ["对\n因为", "只有解析", "错"]


def test_lists_of_texts_are_their_texts(tree: Tree) -> None:
    rows = [
        {"QUESTION": "Is it?", "CONTEXTS": ["one", "two"], "LONG_ANSWER": "yes", "final_decision": "yes"},
        {"question": [["甲", "乙"]], "answers": ["丙", "丁"]},
        {"question": "['戊', '己']", "answer": "庚"},
        {"question": "[1] 文献？", "answer": "[mmol/L] 是单位"},
        {"question": "甲", "answers": {"text": ["乙", "乙"], "answer_start": [1, 1]}},
    ]
    assert [turns(made(tree, [row])[0]) for row in rows] == [
        [("user", "Is it?\none\ntwo"), ("assistant", "yes")],
        [("user", "甲\n乙"), ("assistant", "丙\n丁")],
        [("user", "戊\n己"), ("assistant", "庚")],
        [("user", "[1] 文献？"), ("assistant", "[mmol/L] 是单位")],
        [("user", "甲"), ("assistant", "乙")],
    ]


CALL = {"type": "function", "function": {"name": "lis", "arguments": '{"id": 1}'}}


def test_tool_calls_in_every_form(tree: Tree) -> None:
    openai = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL, CALL]},
        {"role": "tool", "content": "1"},
    ]
    openai += [{"role": "tool", "content": "2"}, {"role": "assistant", "content": "好"}]
    sharegpt = [
        {"from": "human", "value": ASK},
        {"from": "function_call", "value": '{"name": "lis", "arguments": {"id": 1}}'},
    ]
    sharegpt += [{"from": "observation", "value": "1"}, {"from": "gpt", "value": "好"}]
    older = [USER, {"role": "assistant", "function_call": {"name": "lis", "arguments": '{"id": 1}'}}]
    older += [{"role": "function", "name": "lis", "content": "1"}, {"role": "assistant", "content": "好"}]
    one = {"name": "lis", "arguments": {"id": 1}}
    for messages, calls, result in ((openai, [one, one], "1\n2"), (sharegpt, [one], "1"), (older, [one], "1")):
        (sample,) = made(tree, [{"messages": messages, "tools": [{"name": "lis"}]}])
        assert [role for role, _ in turns(sample)] == ["user", "function", "observation", "assistant"]
        assert json.loads(turns(sample)[1][1]) == calls
        assert turns(sample)[2][1] == result
        assert json.loads(sample["tools"]) == [{"name": "lis"}]


@pytest.mark.parametrize(
    ("messages", "tools", "reason"),
    [
        (
            [USER, {"role": "assistant", "content": "查", "tool_calls": [CALL]}],
            [],
            "turn 2 has a text beside its tool call, which no template can hold",
        ),
        (
            [USER, {"role": "assistant", "tool_calls": [{"function": {"name": "lis", "arguments": "x"}}]}],
            [],
            "turn 2 is no tool call with a name and arguments",
        ),
        ([USER, {"role": "assistant", "content": "好"}], "none of these", "its tools are not a list of objects"),
    ],
)
def test_tool_calls_that_upstream_could_not_read_are_rejected(
    tree: Tree, messages: list[Any], tools: Any, reason: str
) -> None:
    assert [sample["reason"] for sample in made(tree, [{"messages": messages, "tools": tools}])] == [reason]


def test_reasoning_of_a_message_is_kept(tree: Tree) -> None:
    answer = {"role": "assistant", "content": "复查", "reasoning_content": "想"}
    assert turns(made(tree, [{"messages": [USER, answer]}])[0])[-1][1] == "<think>\n想\n</think>\n\n复查"


@pytest.mark.parametrize(
    "cell",
    [
        '[{"role": "user", "content": "甲"}, {"role": "assistant", "content": "乙"}]',
        "[{'role': 'user', 'content': '甲'}, {'role': 'assistant', 'content': '乙'}]",
        "[['甲', '乙']]",
        "[{'human': '甲', 'assistant': '乙'}]",
        "['患者：甲', '医生：乙']",
        "<user>: 甲 <bot>: 乙",
        "### Human: 甲\n### Assistant: 乙",
        "【患者】甲【医生】乙",
        "[{'role': 'user', 'content': '甲'}\n {'role': 'assistant', 'content': '乙'}]",
        "**问**：甲\n**答**：乙",
        "问1：甲\n答1：乙",
    ],
)
def test_a_conversation_is_known_by_its_values_whatever_its_column_is_called(tree: Tree, cell: str) -> None:
    for name in ("messages", "text", "记录"):
        one = decided(tree, [{"编号": 1, name: cell}])
        assert one.columns == {"messages": name}
        assert turns(mapping.to_samples(one).collect().to_dicts()[0]) == [("user", "甲"), ("assistant", "乙")]
        assert one.sure


def test_a_question_and_its_answer_are_known_by_their_values(tree: Tree) -> None:
    text = (
        "编号,甲栏,乙栏\n1,血钾的参考区间是多少？,成人血清钾的参考区间为 3.5～5.3 mmol/L\n"
        "2,血钠呢？,成人血清钠的参考区间为 137～147 mmol/L\n"
    )
    one = decided(tree, text)
    assert (one.columns, one.sure) == ({"question": "甲栏", "answer": "乙栏"}, False)
    assert one.describe().endswith("guessed from the values: question, answer; not used: 编号")


def test_objects_are_not_guessed_to_be_an_answer(tree: Tree) -> None:
    with pytest.raises(Exception, match="no question and no answer column"):
        decided(tree, [{"frage": "选哪个？", "list": [{"aid": 1, "atext": "钾"}, {"aid": 2, "atext": "钠"}]}])


def test_short_answers_are_known_where_there_is_nothing_else(tree: Tree) -> None:
    assert decided(tree, "甲栏,乙栏\n什么是 TAT？,周转时间\n什么是 CV？,变异系数\n").columns["answer"] == "乙栏"


def test_patient_and_doctor_are_a_conversation_or_two_names(tree: Tree) -> None:
    said = 'Description,Patient,Doctor\nPotassium,"Hello doctor, mine is 6.8?","Hello, repeat it at once."\n'
    assert turns(made(tree, said)[0])[1] == ("assistant", "Hello, repeat it at once.")
    assert decided(tree, "患者,医生,咨询,处理意见\n张三,李四,血钾高,复查\n").unused == ["患者", "医生"]
    with pytest.raises(Exception, match="no question and no answer column"):
        decided(tree, "患者,医生,结果\n张三,李四,6.8\n")


def test_what_thinking_came_to_is_the_answer(tree: Tree) -> None:
    (sample,) = made(tree, [{"input": "血钾 6.8？", "reasoning_content": "想", "content": "复查"}])
    assert turns(sample)[1] == ("assistant", "<think>\n想\n</think>\n\n复查")


def test_plain_text_is_for_pretraining(tree: Tree) -> None:
    one = decided(tree, "title,text\n质控,Westgard 规则\n")
    assert one.format == "pretrain"
    assert turns(mapping.to_samples(one).collect().to_dicts()[0]) == [("text", "质控\nWestgard 规则")]


def test_a_passage_beside_a_question_is_its_context(tree: Tree) -> None:
    (sample,) = made(tree, "标题,内容,回复\n血钾偏高,今天查 6.8，没有症状,复查\n")
    assert turns(sample) == [("user", "血钾偏高\n今天查 6.8，没有症状"), ("assistant", "复查")]


@pytest.mark.parametrize(
    "header", ["问题（Question）,答案（Answer）", "Question text,Answer text", "1.问题,2.答案", "用户 提问,参考_答案"]
)
def test_headings_of_two_words_or_languages(tree: Tree, header: str) -> None:
    assert turns(made(tree, f"{header}\n甲,乙\n")[0]) == [("user", "甲"), ("assistant", "乙")]


@pytest.mark.parametrize("header", ["常见问题,专家答复", "patient_question,doctor_answer", "编号,送检问题"])
def test_headings_that_end_like_one_and_are_one_of_a_kind(tree: Tree, header: str) -> None:
    found = decided(tree, f"{header},答案\n甲,乙,丙\n").columns
    assert found["question"] == header.split(",")["编号" in header]


@pytest.mark.parametrize("header", ["Question ID,Answer ID", "问题编号,答案时间"])
def test_headings_that_only_begin_like_one_are_none(tree: Tree, header: str) -> None:
    with pytest.raises(Exception, match="no question and no answer column"):
        decided(tree, f"{header}\n1,2\n")


def test_a_function_makes_what_no_map_can_say(tree: Tree) -> None:
    path = tree({"a.csv": "项目,低,高\n血钾,3.5,5.3\n血钠,,147\n"}) / "a.csv"

    def interval(row: mapping.RawRow) -> mapping.Conversation:
        if not row["低"]:
            raise mapping.Unmappable("no lower limit")
        return mapping.Conversation(
            [("user", f"{row['项目']}的参考区间？"), ("assistant", f"{row['低']}～{row['高']} mmol/L")]
        )

    tables: list[RawTable] = readers.read(path, readers.Opening(path.parent))
    found = mapping.to_samples(mapping.choose(tables, {}, interval)[0]).collect().to_dicts()
    assert turns(found[0]) == [("user", "血钾的参考区间？"), ("assistant", "3.5～5.3 mmol/L")]
    assert found[1]["reason"] == "no lower limit"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ([{"user": "doctor", "content": GOOD}], GOOD),
        ({"author": "王医生", "content": GOOD, "date": "2026-01-03"}, GOOD),
        ([{"项目": "血钾", "结果": 6.8}], '[{"项目": "血钾", "结果": 6.8}]'),  # what is to be extracted is the answer
        ([{"text": "血钾", "label": "项目"}], '[{"text": "血钾", "label": "项目"}]'),
    ],
)
def test_a_reply_is_its_text_and_other_objects_stay(tree: Tree, answer: Any, text: str) -> None:
    (sample,) = made(tree, [{"question": ASK, "replyList": answer}])
    assert turns(sample) == [("user", ASK), ("assistant", text)]
