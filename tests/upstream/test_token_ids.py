"""Templates, ids and labels against upstream's own, for every template of text and every stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import ask_upstream
from token_ids import IGNORE, encode, ids, joined, supervised

from llf_kit.upstream import arguments, chat_template
from llf_kit.upstream.chat_template import Token
from llf_kit.upstream.encoding import NotCountedError, one_turn, pairs
from llf_kit.upstream.tokenizer import Tokenizer
from llf_kit.upstream.truncation import knapsacks, pairwise, split

U, A = "user", "assistant"
THOUGHT = "<think>\n先看参考区间。\n</think>\n\n偏低。"
LONG = "血清钾的参考区间是3.5～5.3 mmol/L。" * 4

CONVERSATIONS: list[list[tuple[str, str]]] = [
    [(U, "血钾的参考区间？"), (A, "3.5～5.3 mmol/L。")],
    [(U, "What is {{content}} and {{idx}}?"), (A, "")],
    [(U, "血钾3.0？"), (A, THOUGHT), (U, "血钠？" + LONG), (A, "137～147 mmol/L。")],
    [(U, LONG), (A, "一"), (U, "二"), (A, LONG), (U, "三"), (A, THOUGHT + LONG)],
    [(U, "问"), (A, "答"), ("observation", "值：3.2"), (A, "偏低 <|im_end|> 完")],
]
SYSTEMS = ["", "你是检验科医师。"]

# The keys of the YAML that change what upstream makes of a row.
SETTINGS: list[dict[str, Any]] = [
    {"cutoff_len": 4096},
    {"cutoff_len": 60, "enable_thinking": False},
    {"cutoff_len": 130, "mask_history": True},
    {"cutoff_len": 4096, "mask_history": True, "preserve_thinking": True, "enable_thinking": False},
    {"cutoff_len": 97, "train_on_prompt": True, "default_system": "简短回答。"},
]

_RUN = """
import copy, logging; logging.disable(logging.CRITICAL)
from types import SimpleNamespace
from transformers import AutoTokenizer
from llamafactory.data.processor import (
    FeedbackDatasetProcessor, PairwiseDatasetProcessor, PretrainDatasetProcessor, SupervisedDatasetProcessor
)
from llamafactory.data.template import TEMPLATES, get_template_and_fix_tokenizer

def slots(formatter):
    if not formatter: return []
    return [one if isinstance(one, (str, dict)) else "".join(one & {"bos_token", "eos_token"})
            for one in formatter.slots]

base = AutoTokenizer.from_pretrained(data["model"])
result = {"templates": {}, "encoded": {}}
for name, one in TEMPLATES.items():
    plain = type(one.mm_plugin).__name__ == "BasePlugin"
    result["templates"][name] = {
        **{key: slots(getattr(one, "format_" + key)) for key in data["formats"]},
        **{key: getattr(one, key) for key in ("default_system", "stop_words", "thought_words", "efficient_eos")},
        **{key: getattr(one, key) for key in ("replace_eos", "enable_thinking", "preserve_thinking")},
        "family": type(one).__name__, "plain": plain,
        "sees": any(getattr(one.mm_plugin, f"{kind}_token") is not None for kind in ("image", "video", "audio")),
    }
default = {"tool_format": None, "default_system": None, "enable_thinking": True, "preserve_thinking": False,
           "train_on_prompt": False, "mask_history": False, "packing": False}

def turn(one): return {"role": one[0], "content": one[1]}

for name in data["templates"]:
    original = TEMPLATES[name]
    if not result["templates"][name]["plain"]:  # wants a processor of pictures
        continue
    result["encoded"][name] = []
    for setting in data["settings"]:
        if setting.get("train_on_prompt") and original.efficient_eos:
            continue
        TEMPLATES[name] = copy.copy(original)
        tokenizer = copy.deepcopy(base)
        args = SimpleNamespace(template=name, **{**default, **setting})
        template = get_template_and_fix_tokenizer(tokenizer, args)
        words = dict(template=template, tokenizer=tokenizer, processor=None, data_args=args)
        examples = {key: [] for key in ("_prompt", "_response", "_system", "_tools", "_images", "_videos", "_audios")}
        for conversation in data["conversations"]:
            for system in data["systems"]:
                examples["_prompt"].append([turn(one) for one in conversation[:-1]])
                examples["_response"].append([turn(conversation[-1])])
                examples["_system"].append(system)
                for key in ("_tools", "_images", "_videos", "_audios"):
                    examples[key].append("" if key == "_tools" else None)
        sft = SupervisedDatasetProcessor(**words).preprocess_dataset(examples)
        pt = PretrainDatasetProcessor(**words).preprocess_dataset(examples)
        worse = turn(data["worse"])
        pairs = {**examples, "_response": [[*one, worse] for one in examples["_response"]]}
        rm = PairwiseDatasetProcessor(**words).preprocess_dataset(pairs)
        empty = {"role": "assistant", "content": ""}
        judged = {**examples, "_response": [[empty, *one] for one in examples["_response"]]}
        kto = FeedbackDatasetProcessor(**words).preprocess_dataset(judged)
        result["encoded"][name].append({
            "sft": [sft["input_ids"], sft["labels"]], "pt": pt["input_ids"], "kto": [kto["input_ids"], kto["labels"]],
            "rm": [rm[key] for key in ("chosen_input_ids", "chosen_labels", "rejected_input_ids", "rejected_labels")],
        })
    TEMPLATES[name] = original
"""
FORMATS = ("user", "assistant", "system", "observation", "prefix")
WORSE = (A, "不知道。" * 3)

# One of each way of writing a template; all of them would take minutes.
TEMPLATES = (
    *("alpaca", "breeze", "chatml", "deepseek", "deepseekr1", "default", "empty", "falcon", "gemma", "gemma2"),
    *("glm4", "gpt_oss", "intern2", "llama2", "llama2_zh", "llama3", "mistral", "phi", "phi4"),
    *("qwen", "qwen3", "qwen3_nothink", "smollm2", "vicuna", "xverse", "yi", "yuan", "zephyr", "glm4_moe", "glm4_7"),
)


@pytest.fixture(scope="module")
def told(smollm2: Path) -> Any:
    known = [name for name in TEMPLATES if name in arguments.schema().templates]
    asked = {"model": str(smollm2), "templates": known, "settings": SETTINGS, "systems": SYSTEMS, "worse": WORSE}
    return ask_upstream(_RUN, {**asked, "conversations": CONVERSATIONS, "formats": FORMATS})


def written(slots: tuple[Any, ...]) -> list[Any]:
    return [
        slot if isinstance(slot, str) else {"token": slot.text} if slot.kind == "named" else f"{slot.kind}_token"
        for slot in slots
    ]


@pytest.mark.real
def test_every_template_is_read_as_upstream_registers_it(told: Any) -> None:
    assert len(told["templates"]) > 100
    for name, upstream in told["templates"].items():
        one = chat_template.find(name)
        assert one is not None, name
        for key in FORMATS:
            assert written(getattr(one, key)) == upstream[key], f"{name}: {key}"
        for key in (
            "default_system",
            "efficient_eos",
            "replace_eos",
            "enable_thinking",
            "preserve_thinking",
            "family",
            "sees",
        ):
            assert getattr(one, key) == upstream[key], f"{name}: {key}"
        assert [list(one.stop_words), list(one.thought_words)] == [upstream["stop_words"], upstream["thought_words"]]


@pytest.mark.real
def test_ids_and_labels_are_those_of_upstream(told: Any, smollm2: Path) -> None:
    compared = 0
    for name, answers in told["encoded"].items():
        plain = chat_template.find(name)
        assert plain is not None
        settings = [one for one in SETTINGS if not (one.get("train_on_prompt") and plain.efficient_eos)]
        tokenizer = Tokenizer(smollm2, plain)
        eos = tokenizer.id(tokenizer.eos)
        assert eos is not None
        for setting, upstream in zip(settings, answers, strict=True):
            keys = ("default_system", "enable_thinking", "preserve_thinking")
            template = plain.configured(**{key: setting[key] for key in keys if key in setting})
            cutoff, masked = setting["cutoff_len"], setting.get("mask_history", False)
            rows = [(conversation, system) for conversation in CONVERSATIONS for system in SYSTEMS]
            for number, (messages, system) in enumerate(rows):
                where = f"{name} {setting} row {number}"
                encoded = encode(template, tokenizer, messages, system, masked)
                sft = supervised(
                    encoded, cutoff, eos, template.efficient_eos, masked, setting.get("train_on_prompt", False)
                )
                assert list(sft) == [column[number] for column in upstream["sft"]], where

                found = {}
                made = [one_turn(template, [*messages[:-1], last], system) for last in (messages[-1], WORSE)]
                found = ids(tokenizer, made)
                end = [eos] if template.efficient_eos else []
                prompt, better = joined(found, made[0][0]), joined(found, made[0][1]) + end
                worse = joined(found, made[1][1]) + end
                asked, first, second = pairwise(len(prompt), len(better), len(worse), cutoff)
                rm = [one for kept in (better[:first], worse[:second]) for one in (
                    prompt[:asked] + kept, [IGNORE] * asked + kept
                )]  # fmt: skip
                assert rm == [column[number] for column in upstream["rm"]], where

                if messages[-1][1]:
                    asked, first = split(len(prompt), len(better), cutoff)
                    kto = [prompt[:asked] + better[:first], [IGNORE] * asked + better[:first]]
                    assert kto == [column[number] for column in upstream["kto"]], where

                end_of_text = "<|end_of_text|>" if name == "llama3" else tokenizer.eos
                assert tokenizer.ids([f"{messages[0][1]}{end_of_text}"])[0][:cutoff] == upstream["pt"][number], where
                compared += 1
    assert compared > 1000


def test_rows_with_tools_are_not_counted() -> None:
    template = chat_template.find("chatml")
    if template is None:
        pytest.skip("LLaMA-Factory is not installed")
    with pytest.raises(NotCountedError):
        pairs(template, CONVERSATIONS[0], tools="[{}]")
    with pytest.raises(NotCountedError):
        pairs(template, [(U, "问"), ("function", "{}")])


def test_a_template_that_is_not_there_is_none() -> None:
    assert chat_template.find("no-such-template") is None


def test_packing_fills_with_the_longest_first() -> None:
    assert knapsacks([5, 3, 9, 2, 1], 10) == [10, 10]
    assert knapsacks([], 10) == []


def test_named_tokens_are_told_from_texts() -> None:
    template = chat_template.find("glm4")
    if template is not None:
        assert all(isinstance(slot, str | Token) for slot in template.user)
