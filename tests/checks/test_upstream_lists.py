"""LLaMA-Factory's known silent and late mistakes: the real one shows each of them here, and the checks say it first.

One process of upstream serves all: each case is an argument list or a dataset, and evidence of what it made of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from checking import ENTRY, ROW, SOUND
from conftest import ask_upstream

from llf_kit import checks

SHAREGPT = {
    "file_name": "datasets/lab.jsonl",
    "formatting": "sharegpt",
    "columns": {"messages": "conversations"},
    "tags": {
        "role_tag": "from",
        "content_tag": "value",
        "user_tag": "human",
        "assistant_tag": "gpt",
        "observation_tag": "observation",
        "function_tag": "function_call",
        "system_tag": "system",
    },
}
ASK, SAY = {"from": "human", "value": "血钾？"}, {"from": "gpt", "value": "3.5～5.3 mmol/L"}
SIMPLE = {"instruction": "血钾？", "output": "3.5～5.3 mmol/L"}


@dataclass
class Case:
    """What is written, what upstream's own code must show of it, and the check that says so."""

    evidence: str  # a Python expression in the upstream process; true where upstream does what the list says
    check: str
    says: str
    yaml: dict[str, Any] = field(default_factory=dict)
    entry: dict[str, Any] = field(default_factory=lambda: ENTRY)
    rows: list[dict[str, Any]] = field(default_factory=lambda: [ROW, {**ROW, "instruction": "血钠？"}])
    without: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    checkpoint: bool = False


CASES = {
    # silent: exit status 0 and a wrong result
    "column key typo": Case("all(p[0]['content'] == '' for p in align()['_prompt'])", "entries", "unknown key 'promt'", entry={**ENTRY, "columns": {"promt": "instruction", "response": "output"}}),
    "unknown entry key": Case("attributes().formatting == 'alpaca'", "entries", "unknown key 'formating'", entry={"file_name": "datasets/lab.jsonl", "formating": "sharegpt"}),
    "partial columns": Case("attributes().system is None and attributes().history is None", "rows", "system", entry={**ENTRY, "columns": {"prompt": "instruction", "response": "output"}}, rows=[{**ROW, "system": "你是检验师。"}]),
    "null output": Case("kept() == 1", "rows", "answer", rows=[ROW, {**ROW, "instruction": "血氯？", "output": None}]),
    "role order": Case("kept() == 1", "rows", "order", entry=SHAREGPT, rows=[{"conversations": [ASK, SAY]}, {"conversations": [SAY, ASK]}]),
    "cutoff_len": Case("not any(text.endswith('<|im_end|>\\n') for text in trained())", "tokens", "cut", yaml={"cutoff_len": 32}, rows=[{**ROW, "output": "血钾升高见于肾功能不全、溶血、酸中毒。" * 9}]),
    "empty output": Case("trained() == ['<|im_end|>\\n']", "rows", "answer", rows=[{**ROW, "output": ""}]),
    "lora_target typo": Case("trainable() == 276480", "model", "v_porj", yaml={"lora_target": "q_proj,v_porj"}),
    "wrong template": Case("kept() == 2 and '### Instruction:' in encoded()", "template", "template", yaml={"template": "alpaca"}),
    "thinking template": Case("all(text.startswith('<think>\\n\\n</think>') for text in trained())", "thinking", "thought", yaml={"template": "qwen3"}),
    "no do_train": Case("parse()[2].do_train is False", "combinations", "do_train is not set", without=("do_train",)),
    "val_size alone": Case("parse()[1].val_size == 0.5 and parse()[2].eval_strategy == 'no'", "combinations", "withheld", yaml={"val_size": 0.5}),
    "eval_steps alone": Case("parse()[2].eval_strategy == 'no'", "combinations", "eval_steps does nothing", yaml={"eval_steps": 5}),
    "quoted boolean": Case("bool(parse()[1].packing)", "types", "takes for true", yaml={"packing": "false"}),
    "unknown choice": Case("parse()[1].mix_strategy == 'foo'", "types", "'foo' is none of its choices", yaml={"mix_strategy": "foo"}),
    "flash_attn": Case("find_spec('flash_attn') is None and trainable() == 2442240", "packages", "flash-attn", yaml={"flash_attn": "fa2"}),
    "finished output": Case("parse()[2].resume_from_checkpoint is not None", "output", "holds checkpoints", checkpoint=True),
    "learning_rate 1000": Case("parse()[2].learning_rate == 1000", "ranges", "far from usual", yaml={"learning_rate": 1000}),
    "ALLOW_EXTRA_ARGS": Case("parse() is not None", "keys", "tempalte", yaml={"tempalte": "chatml"}, environment={"ALLOW_EXTRA_ARGS": "1"}),
    "warmup twice": Case("parse()[2].get_warmup_steps(100) == 50", "combinations", "one overrides the other", yaml={"warmup_ratio": 0.5, "warmup_steps": 3}),
    "two processes": Case("parse()[2].gradient_accumulation_steps == 4", "launch", "effective batch", yaml={"gradient_accumulation_steps": 4}, environment={"NPROC_PER_NODE": "2"}),
    # keys of other versions: refused, after a traceback, without what replaced them
    "evaluation_strategy": Case("raised(parse) == 'ValueError'", "keys", "evaluation_strategy is gone since transformers", yaml={"evaluation_strategy": "no"}),
    "group_by_length": Case("raised(parse) == 'ValueError'", "keys", "group_by_length is gone since transformers 5", yaml={"group_by_length": True}),
    "save_safetensors": Case("raised(parse) == 'ValueError'", "keys", "save_safetensors is gone since transformers 5", yaml={"save_safetensors": True}),
    "no_cuda": Case("raised(parse) == 'ValueError'", "keys", "no_cuda is gone since transformers 5", yaml={"no_cuda": True}),
    "storage of Ray": Case("raised(parse) == 'ValueError'", "keys", "ray_storage_path is gone since llamafactory 0.9.5", yaml={"ray_storage_path": "./saves"}),
    "resources_per_worker": Case("raised(parse) == 'ValueError'", "keys", "resources_per_worker is gone", yaml={"resources_per_worker": {"GPU": 1}}),
    "placement_strategy": Case("raised(parse) == 'ValueError'", "keys", "placement_strategy is gone", yaml={"placement_strategy": "PACK"}),
    "use_ipex": Case("raised(parse) == 'ValueError'", "keys", "use_ipex is gone", yaml={"use_ipex": True}),
    "use_ray": Case("raised(parse) == 'ValueError'", "keys", "use_ray is no key but a variable", yaml={"use_ray": True}),
    # and one that has come back with another meaning
    "use_cache": Case("parse()[2].use_cache is False and parse()[0].use_kv_cache is True", "keys", "no longer sets the cache of inference", yaml={"use_cache": False}),
    # late or misleading
    # a token beyond the model's vocabulary of 49,152: the first step ends in an IndexError
    "llama3 on another model": Case("max(encoded_ids()) >= 49152", "template", "template", yaml={"template": "llama3"}),
    "column value typo": Case("raised(align) == 'KeyError'", "rows", "instructoin", entry={**ENTRY, "columns": {**ENTRY["columns"], "prompt": "instructoin"}}),
    "no valid samples": Case("kept() == 0", "entries", "unknown key 'reponse'", entry={**ENTRY, "columns": {"prompt": "instruction", "reponse": "output"}}),
    "integer outputs": Case("kept() == 0", "rows", "number", rows=[{**ROW, "output": 5}]),
    "one integer among texts": Case("raised(align) is not None", "rows", "number", rows=[ROW, {**ROW, "instruction": 5}]),
    "messages without tags": Case("raised(align) == 'KeyError'", "rows", "role", entry={"file_name": "datasets/lab.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}}, rows=[{"messages": [{"role": "user", "content": "甲"}, {"role": "assistant", "content": "乙"}]}]),
    "quoted number": Case("raised(trainable) is not None", "types", "lora_rank is a text in quotes", yaml={"lora_rank": "8"}),
    "unknown stage": Case("parse()[3].stage == 'sfft'", "types", "'sfft' is none of its choices", yaml={"stage": "sfft"}),
    "wandb": Case("parse()[2].report_to == ['wandb'] and find_spec('wandb') is None", "packages", "wandb", yaml={"report_to": "wandb"}),
}  # fmt: skip

UPSTREAM = """
import contextlib, os, sys
from importlib.util import find_spec
from llamafactory.data.loader import _get_dataset_processor, _load_single_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments, get_train_args
from llamafactory.model import load_model, load_tokenizer
from transformers import AutoTokenizer, TrainingArguments

result = {}
for name, case in data.items():
    os.chdir(case["directory"])
    os.environ.update(case["environment"])

    def parse():
        return get_train_args(dict(case["yaml"]))

    def attributes():
        return get_dataset_list(["lab"], ".")[0]

    def tokenizer():
        return AutoTokenizer.from_pretrained(case["yaml"]["model_name_or_path"])

    def align():
        model = ModelArguments(model_name_or_path=case["yaml"]["model_name_or_path"], cache_dir="cache")
        training = TrainingArguments(output_dir="x", use_cpu=True)
        return _load_single_dataset(attributes(), model, DataArguments(dataset_dir="."), training)[:]

    def process():
        known = tokenizer()
        arguments = DataArguments(template=case["yaml"]["template"], cutoff_len=case["yaml"]["cutoff_len"])
        template = get_template_and_fix_tokenizer(known, arguments)
        return known, _get_dataset_processor(arguments, "sft", template, known, None).preprocess_dataset(align())

    def kept():
        return len(process()[1].get("input_ids", []))

    def trained():
        known, ready = process()
        return [known.decode([t for t in labels if t >= 0]) for labels in ready["labels"]]

    def encoded_ids():
        return [t for ids in process()[1]["input_ids"] for t in ids]

    def encoded():
        known, ready = process()
        return "".join(known.decode(ids) for ids in ready["input_ids"])

    def trainable():
        model, _, training, finetuning, _ = parse()
        made = load_model(load_tokenizer(model)["tokenizer"], model, finetuning, is_trainable=True)
        return sum(p.numel() for p in made.parameters() if p.requires_grad)

    def raised(function):
        try:
            function()
        except BaseException as error:
            return type(error).__name__

    try:
        result[name] = repr(bool(eval(case["evidence"])))
    except BaseException as error:
        result[name] = f"{type(error).__name__}: {error}"[:300]
    for key in case["environment"]:
        del os.environ[key]
"""


@pytest.fixture(scope="module")
def shown(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The folder of every case, and what upstream showed of it."""
    root = tmp_path_factory.mktemp("lists")
    asked: dict[str, Any] = {}
    for name, case in CASES.items():
        here = root / name.replace(" ", "_")
        (here / "datasets").mkdir(parents=True)
        values = {**SOUND, "model_name_or_path": str(smollm2), "template": "chatml", **case.yaml}
        values = {key: value for key, value in values.items() if key not in case.without}
        if case.checkpoint:
            (here / "saves/lab/checkpoint-5").mkdir(parents=True)
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in case.rows)
        (here / "datasets/lab.jsonl").write_text(rows, encoding="utf-8")
        (here / "dataset_info.json").write_text(json.dumps({"lab": case.entry}), encoding="utf-8")
        (here / "train.yaml").write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML, with its quotes kept
        asked[name] = {
            "directory": str(here),
            "yaml": values,
            "environment": case.environment,
            "evidence": case.evidence,
        }
    return {"root": root, "evidence": ask_upstream(UPSTREAM, asked)}


@pytest.mark.real
@pytest.mark.parametrize("name", CASES)
def test_upstream_does_it_and_the_checks_say_it(
    shown: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    assert shown["evidence"][name] == "True"
    monkeypatch.chdir(shown["root"] / name.replace(" ", "_"))
    for key, value in case.environment.items():
        monkeypatch.setenv(key, value)
    found = [one for one in checks.check(Path("train.yaml")) if one.check == case.check]
    assert any(case.says in one.message for one in found), [str(one) for one in found]
