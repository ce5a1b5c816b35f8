"""What cutoff_len takes away, and what an epoch is made of."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ask_upstream

from llf_kit.checks import epoch, tokens
from llf_kit.checks.counting import configured, count
from llf_kit.checks.subject import Subject
from llf_kit.schema import Finding
from llf_kit.upstream import arguments, chat_template, configs
from llf_kit.upstream.schedule import padded, steps, withheld
from llf_kit.upstream.tokenizer import Tokenizer

Build = Callable[[dict[str, Any]], Path]

if chat_template.find("chatml") is None:
    pytest.skip("LLaMA-Factory is not installed", allow_module_level=True)


def words(count: int) -> str:
    return " ".join(["kalium"] * count)


def model(folder: str = "model") -> dict[str, Any]:
    """A model with a token a word, and the marks of ChatML."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    one = Tokenizer(models.WordLevel({"[UNK]": 0, "kalium": 1}, unk_token="[UNK]"))
    one.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    one.add_special_tokens([AddedToken(text, normalized=False) for text in ("<|im_start|>", "<|im_end|>")])
    return {
        f"{folder}/config.json": json.dumps({"model_type": "llama", "vocab_size": 4}),
        f"{folder}/tokenizer.json": one.to_str(),
        f"{folder}/tokenizer_config.json": json.dumps({"unk_token": "[UNK]", "eos_token": "<|im_end|>"}),
    }


def subject(tree: Build, rows: list[dict[str, Any]], entry: dict[str, Any] | None = None, **keys: Any) -> Subject:
    """A training on ``rows``; ``chatml`` adds 3 tokens to an answer's 1 and 5 to a question."""
    config = {"model_name_or_path": "model", "template": "chatml", "stage": "sft", "do_train": True, "dataset": "lab"}
    config |= {"dataset_dir": ".", "output_dir": "saves", **keys}
    info = {"lab": {"file_name": "lab.jsonl", **(entry or {})}}
    files = {"lab.jsonl": rows, "dataset_info.json": json.dumps(info), "train.yaml": yaml.safe_dump(config)}
    tree({**model(), **files})
    return Subject(configs.load(Path("train.yaml")), arguments.schema())


def rows(*lengths: int) -> list[dict[str, Any]]:
    return [{"instruction": "kalium", "input": "", "output": words(length)} for length in lengths]


def found(one: Subject) -> dict[str, Finding]:
    return {finding.severity: finding for finding in reversed(list(tokens.run(one)))}


def test_rows_that_fit_are_no_problem(tree: Build) -> None:
    said = found(subject(tree, rows(10, 20, 30), cutoff_len=512))
    assert said.keys() == {"info"}
    assert "3 rows: half have at most 27 tokens" in said["info"].message
    assert "the longest 37" in said["info"].message
    assert "cutoff_len: 64" in said["info"].hint


def test_an_answer_that_loses_its_end_is_a_warning(tree: Build) -> None:
    said = found(subject(tree, rows(10, 20, 400), cutoff_len=64))
    assert "takes the end of an answer away from 1 of 3 rows" in said["warning"].message
    assert "cutoff_len: 448" in said["warning"].hint
    assert said["warning"].where == "train.yaml:1"


def test_few_outliers_are_told_apart(tree: Build) -> None:
    said = found(subject(tree, rows(*[10] * 300, 400), cutoff_len=64))
    assert said["warning"].hint.startswith("They are few")


def test_it_is_an_error_where_no_answer_keeps_its_end(tree: Build) -> None:
    assert "from 2 of 2 rows" in found(subject(tree, rows(200, 300), cutoff_len=32))["error"].message


def test_a_question_that_is_cut_is_worth_knowing(tree: Build) -> None:
    given = [{"instruction": words(100), "input": "", "output": "kalium"}]
    messages = [finding.message for finding in tokens.run(subject(tree, given, cutoff_len=64))]
    assert "takes a part of the question away from 1 of 1 row" in messages[0]


def test_turns_that_vanish_are_told(tree: Build) -> None:
    turn = [{"from": "human", "value": words(20)}, {"from": "gpt", "value": words(20)}]
    given, entry = [{"conversations": turn * 4}], {"formatting": "sharegpt"}
    said = found(subject(tree, given, entry, cutoff_len=60))
    assert "whole turns from 1 of them" in said["error"].message
    masked = [finding.message for finding in tokens.run(subject(tree, given, entry, cutoff_len=60, mask_history=True))]
    assert any("earlier turns away from 1 of 1 row" in message for message in masked)


def test_rows_with_tools_are_not_counted(tree: Build) -> None:
    given = [*rows(5), {"instruction": "kalium", "input": "", "output": "kalium", "tools": "[]"}]
    columns = {"prompt": "instruction", "query": "input", "response": "output", "tools": "tools"}
    messages = [finding.message for finding in tokens.run(subject(tree, given, {"columns": columns}))]
    assert messages[0] == "tokens of 1 row with tools or pictures were not counted"
    assert messages[1].startswith("1 row: ")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"model_name_or_path": "Qwen/Qwen3-4B"}, "not on this machine"),
        ({"template": "no-such"}, "cannot be read"),
        ({"tokenized_path": "kept"}, "tokenized_path"),
    ],
)
def test_why_tokens_are_not_counted_is_said(tree: Build, keys: dict[str, Any], why: str) -> None:
    said = list(tokens.run(subject(tree, rows(5), **keys)))
    assert [finding.severity for finding in said] == ["info"]
    assert why in said[0].message


def test_a_file_that_cannot_be_read_is_said_once(tree: Build) -> None:
    one = subject(tree, [])
    tree({"lab.jsonl": "{"})
    assert [finding.severity for finding in tokens.run(one)] == ["info"]


def test_pairs_are_counted_with_both_answers(tree: Build) -> None:
    given = [{"q": "kalium", "a": words(10), "b": words(30)}]
    entry = {"ranking": True, "columns": {"prompt": "q", "chosen": "a", "rejected": "b"}}
    one = subject(tree, given, entry, stage="dpo", cutoff_len=30)
    template = configured(one)
    assert template is not None
    counts = count(one, template, Tokenizer(Path("model"), template))
    assert (counts.whole, counts.answers_cut) == ([2 * 6 + 11 + 31], 1)
    assert counts.widths == [30]


def test_packing_needs_fewer_rows(tree: Build) -> None:
    alone = next(finding for finding in tokens.run(subject(tree, rows(*[10] * 100))) if "epoch" in finding.message)
    packed = subject(tree, rows(*[10] * 100), packing=True, cutoff_len=171)
    together = next(finding for finding in tokens.run(packed) if "epoch" in finding.message)
    assert "13 steps (39 in all)" in alone.message  # 100 rows, 8 a batch
    assert "2 steps (6 in all)" in together.message  # 17 tokens each, ten to a row of 170


@pytest.mark.parametrize(
    ("keys", "entry"), [({"streaming": True}, {}), ({"mix_strategy": "interleave_under"}, {}), ({}, {"num_samples": 5})]
)
def test_an_epoch_that_is_not_all_rows_once_is_not_foretold(
    tree: Build, keys: dict[str, Any], entry: dict[str, Any]
) -> None:
    assert not any("epoch" in finding.message for finding in tokens.run(subject(tree, rows(5), entry, **keys)))


def test_the_expected_padding_is_that_of_all_shuffles() -> None:
    lengths = [3, 17, 9, 30, 41]
    widths = [8, 24, 16, 32, 48]
    every = [
        sum(max(batch) * len(batch) for batch in (order[:2], order[2:4], order[4:]))
        for order in itertools.permutations(widths)
    ]
    assert padded(lengths, 2) == pytest.approx(statistics.mean(every))
    assert padded(lengths, 8) == 48 * 5


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((100, 8, 1, 3.0), (13, 39)),
        ((100, 8, 4, 0.5), (4, 2)),
        ((7, 8, 1, 3.0, 50), (1, 50)),
        ((3, 8, 1, 1.0, -1, True), (1, 1)),
    ],
)
def test_steps(arguments: tuple[Any, ...], expected: tuple[int, int]) -> None:
    assert steps(*arguments) == expected


_STEPS = """
import logging; logging.disable(logging.CRITICAL)
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import Trainer
from types import SimpleNamespace

class Quiet(Trainer):
    def __init__(self): pass
    def get_total_train_batch_size(self, args): return 1
    def get_sp_size(self): return 1
    def num_examples(self, dataloader): return len(dataloader.dataset)

result = {"steps": [], "split": []}
for rows, batch, accumulation, epochs, most, drop in data["steps"]:
    args = SimpleNamespace(max_steps=most, gradient_accumulation_steps=accumulation, num_train_epochs=epochs)
    loader = DataLoader(list(range(rows)), batch_size=batch, drop_last=drop)
    told = Quiet().set_initial_training_values(args, loader)
    result["steps"].append([told[1], told[-1]])
for rows, size in data["split"]:
    table = Dataset.from_dict({"a": list(range(rows))})
    result["split"].append(len(table.train_test_split(test_size=int(size) if size > 1 else size)["test"]))
"""


@pytest.mark.real
def test_steps_and_splits_are_those_of_the_trainer() -> None:
    asked = [
        (rows, batch, accumulation, epochs, most, drop)
        for rows in (9, 100, 1001)
        for batch, accumulation in ((1, 1), (4, 8), (7, 3))
        for epochs, most in ((3.0, -1), (0.3, -1), (1.0, 17))
        for drop in (False, True)
    ]
    parts = [(10, 0.1), (11, 0.1), (1003, 0.05), (100, 7.0)]
    told = ask_upstream(_STEPS, {"steps": asked, "split": parts})
    assert [list(steps(*one)) for one in asked] == told["steps"]
    assert [withheld(*one) for one in parts] == told["split"]


_COUNT = """
import logging; logging.disable(logging.CRITICAL)
import contextlib, io, os
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
result = {}
os.chdir(data["directory"])
for name, config in data["configs"].items():
    model_args, data_args, training_args, finetuning_args, _ = get_train_args(dict(config))
    module = load_tokenizer(model_args)
    stage = "rm" if finetuning_args.stage == "dpo" else finetuning_args.stage
    with contextlib.redirect_stdout(io.StringIO()):
        template = get_template_and_fix_tokenizer(module["tokenizer"], data_args)
        table = get_dataset(template, model_args, data_args, training_args, stage=stage, **module)["train_dataset"]
    keys = ("input_ids", "chosen_input_ids", "rejected_input_ids")
    result[name] = [[len(row[key]) for key in keys if key in row] for row in table]
"""

SAID = [("血清钾的参考区间？" * n, "3.5～5.3 mmol/L。" * (n * n % 23)) for n in range(1, 30)]
TURNS = [{"from": ("human", "gpt")[index % 2], "value": text} for pair in SAID[:6] for index, text in enumerate(pair)]
REAL: dict[str, tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]] = {
    "alpaca": ({}, [{"instruction": q, "input": "", "output": a} for q, a in SAID], {}),
    "dropped": ({}, [{"instruction": q, "input": "", "output": a if len(a) % 2 else None} for q, a in SAID], {}),
    "own": ({}, [{"instruction": q, "input": "", "output": a} for q, a in SAID], {"template": None}),
    "ended": ({}, [{"instruction": q, "input": "", "output": a} for q, a in SAID], {"template": "breeze"}),
    "packed": ({}, [{"instruction": q, "input": "", "output": a} for q, a in SAID], {"packing": True}),
    "neat": ({}, [{"instruction": q, "input": "", "output": a} for q, a in SAID], {"neat_packing": True}),
    "sharegpt": (
        {"formatting": "sharegpt"},
        [{"conversations": TURNS[: 2 * n + odd]} for n in range(1, 7) for odd in (0, 1)],
        {"template": "qwen3", "mask_history": True},
    ),
    "openai": (
        {"formatting": "openai", "columns": {"messages": "conversations"}},
        [{"conversations": TURNS[: 2 * n]} for n in range(1, 7)],
        {"template": "llama2"},
    ),
    "pairs": (
        {"ranking": True, "columns": {"prompt": "q", "chosen": "a", "rejected": "b"}},
        [{"q": q, "a": a, "b": q} for q, a in SAID],
        {"stage": "dpo", "template": "gemma"},
    ),
    "judged": (
        {"columns": {"prompt": "q", "response": "a", "kto_tag": "good"}},
        [{"q": q, "a": a, "good": len(q) % 2 == 0} for q, a in SAID],
        {"stage": "kto", "template": "breeze"},
    ),
    "texts": (
        {"columns": {"prompt": "text"}},
        [{"text": q + a} for q, a in SAID],
        {"stage": "pt", "packing": False, "template": "default"},
    ),
    "blocks": ({"columns": {"prompt": "text"}}, [{"text": q + a} for q, a in SAID], {"stage": "pt"}),
}
TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
TAGS |= {"system_tag": "system", "observation_tag": "observation", "function_tag": "function_call"}


@pytest.mark.real
def test_lengths_are_those_that_upstream_trains_on(tree: Build, project: Path, smollm2: Path) -> None:
    info, files, asked = {}, {}, {}
    for name, (entry, given, keys) in REAL.items():
        info[name] = {**entry, "file_name": f"{name}.jsonl", **({"tags": TAGS} if name == "openai" else {})}
        asked[name] = {
            "model_name_or_path": str(smollm2),
            "template": "chatml",
            "stage": "sft",
            "do_train": True,
            "dataset": name,
            "dataset_dir": ".",
            "output_dir": "saves",
            "cutoff_len": 200,
            "use_cpu": True,
            "overwrite_cache": True,
            "finetuning_type": "lora",
            "report_to": "none",
            **keys,
        }
        files |= {f"{name}.jsonl": given, f"{name}.yaml": yaml.safe_dump(asked[name])}
    tree({**files, "dataset_info.json": json.dumps(info)})
    told = ask_upstream(_COUNT, {"directory": str(project), "configs": asked})
    for name in REAL:
        one = Subject(configs.load(Path(f"{name}.yaml")), arguments.schema())
        template = configured(one)
        assert template is not None
        counts = count(one, template, Tokenizer(smollm2, template))
        if name in ("packed", "neat", "blocks"):
            made, _, slots = epoch._packed(one, counts)
            assert (made, slots) == (len(told[name]), sum(map(sum, told[name]))), name
        else:
            assert counts.kept == [sum(lengths) for lengths in told[name]], name
            assert counts.widths == [max(lengths) for lengths in told[name]], name
            assert counts.answers_cut > 0, name
