"""The command: what it prints, what it says of wrong input, and a plan against a real run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Result, ask_upstream
from settled import LIVE, QWEN

from llf_kit.planning import plan, work
from llf_kit.upstream import chat_template, configs

if chat_template.find("chatml") is None:
    pytest.skip("LLaMA-Factory is not installed", allow_module_level=True)

Run = Callable[..., Result]
ENTRY = {
    "file_name": "lab.jsonl",
    "columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"},
}  # fmt: skip
ROW = {"instruction": "血钾的参考区间？", "input": "", "output": "3.5～5.3 mmol/L", "system": "", "history": []}


@pytest.fixture
def train(project: Path) -> Callable[..., Path]:
    """A sound training YAML with ``changes``, and its rows."""

    def build(changes: dict[str, Any] | None = None, rows: int = 32) -> Path:
        values: dict[str, Any] = {
            "model_name_or_path": "Qwen/Qwen2.5-7B-Instruct",
            "template": "qwen",
            "stage": "sft",
            "do_train": True,
            "finetuning_type": "lora",
            "lora_rank": 8,
            "lora_target": "all",
            "dataset_dir": ".",
            "dataset": "lab",
            "cutoff_len": 1024,
            "output_dir": "saves/lab",
            "bf16": True,
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 2,
            "learning_rate": 1.0e-4,
            "num_train_epochs": 2.0,
            **(changes or {}),
        }
        text = "".join(json.dumps({**ROW, "input": f"{number}"}) + "\n" for number in range(rows))
        (project / "lab.jsonl").write_text(text, encoding="utf-8")
        (project / "dataset_info.json").write_text(json.dumps({"lab": ENTRY}), encoding="utf-8")
        (project / "train.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        return Path("train.yaml")

    return build


def test_json_has_what_others_rely_on(llf_kit: Run, train: Callable[..., Path]) -> None:
    done = llf_kit("plan", train(), "--json")
    assert done.status == 0, done.err
    made = done.json
    assert made["parameters"] == 7_615_616_512
    assert made["trainable_parameters"] == 20_185_088
    assert made["steps"] == 8  # 32 rows in eights, twice
    assert 32 * 10 < made["tokens_per_epoch"] < 32 * 80  # with the system prompt of the template
    parts = {key: value for key, value in made["memory_gib"].items() if key != "total"}
    assert sum(parts.values()) == pytest.approx(made["memory_gib"]["total"], abs=0.001)
    assert {"weights", "gradients", "optimizer", "activations", "logits", "overhead"} <= parts.keys()
    cards = {one["name"]: one for one in made["gpus"]}
    assert cards["RTX 4090"]["fits"] is True
    assert cards["RTX 4090"]["batch"] == 8
    assert cards["RTX 4090"]["accumulation"] == 1
    assert cards["RTX 4090"]["cost"] == pytest.approx(cards["RTX 4090"]["hours"] * cards["RTX 4090"]["price"], abs=1e-3)
    assert cards["RTX 3080 Ti"] | {"fits": False, "batch": None, "hours": None, "cost": None} == cards["RTX 3080 Ti"]
    assert cards["V100-32GB"]["fits"] is False  # for it has no bf16
    assert "fp16: true" in cards["V100-32GB"]["note"]
    assert made["exact_tokens"] is False
    assert made["advice"] == []


def test_people_get_a_table_on_stderr_and_nothing_on_stdout(llf_kit: Run, train: Callable[..., Path]) -> None:
    done = llf_kit("plan", train(rows=3000), "--gpu", "rtx 4090")
    assert (done.status, done.out) == (0, "")
    assert "7,615,616,512 parameters, of which 20,185,088 are trained (0.27%)" in done.err
    assert "RTX 4090" in done.err
    assert "A100" not in done.err
    assert "llf-kit model fetch" in done.err
    assert (
        "per_device_train_batch_size=8 gradient_accumulation_steps=1" in done.err
    )  # what to add for the largest batch
    assert "EXAMPLE prices, not looked up" in done.err
    row = next(line for line in done.err.splitlines() if line.startswith("RTX 4090"))
    low, high = re.search(r"([\d.]+)–([\d.]+) (?:min|h)", row).groups()  # type: ignore[union-attr]
    assert float(high) > float(low)
    assert "speed not verified" not in row
    assert "speed not verified" in llf_kit("plan", "train.yaml", "--gpu", "L20").err


def test_full_training_is_led_to_less_memory_before_it_is_given_up(llf_kit: Run, train: Callable[..., Path]) -> None:
    train({"finetuning_type": "full", "lora_rank": None, "lora_target": None})
    steps = llf_kit("plan", "train.yaml", "--gpu", "RTX 4090", "--gpu", "A100-80GB", "--json").json["advice"]
    fits = {one["change"].split(":")[0].split(",")[0]: one["fits"] for one in steps}
    assert fits["pure_bf16"] == ["A100-80GB"]
    assert fits["finetuning_type"] == ["RTX 4090", "A100-80GB"]
    assert fits["or as it is on 2 GPUs"] == ["A100-80GB"]


def test_a_config_alone_is_enough(llf_kit: Run, train: Callable[..., Path]) -> None:
    Path("sizes").mkdir()
    Path("sizes/config.json").write_text(json.dumps(QWEN), encoding="utf-8")
    done = llf_kit("plan", train({"model_name_or_path": "sizes"}), "--json")
    assert done.status == 0, done.err
    assert done.json["parameters"] == 7_615_616_512


def test_a_cutoff_beyond_the_models_positions_is_said(llf_kit: Run, train: Callable[..., Path]) -> None:
    notes = llf_kit("plan", train({"cutoff_len": 40000}), "--json").json["notes"]
    assert any("cutoff_len: 40000 is beyond the 32768 positions" in one for one in notes)


def test_a_key_on_the_command_line_changes_the_plan(llf_kit: Run, train: Callable[..., Path]) -> None:
    train()
    made = llf_kit("plan", "train.yaml", "lora_rank=16", "quantization_bit=4", "--json").json
    assert made["trainable_parameters"] == 2 * 20_185_088
    assert made["memory_gib"]["weights"] < 7


def test_several_gpus_divide_the_steps_and_multiply_the_price(
    llf_kit: Run, train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    one, two = (llf_kit("plan", "train.yaml", "--devices", n, "--gpu", "A100-80GB", "--json").json for n in (1, 2))
    assert (one["steps"], two["steps"]) == (8, 4)
    assert two["gpus"][0]["cost"] == pytest.approx(2 * two["gpus"][0]["hours"] * two["gpus"][0]["price"], abs=1e-3)
    monkeypatch.setenv("NPROC_PER_NODE", "2")
    assert llf_kit("plan", "train.yaml", "--json").json["devices"] == 2


def test_where_nothing_fits_it_says_what_to_change_in_order(llf_kit: Run, train: Callable[..., Path]) -> None:
    train({"finetuning_type": "full", "disable_gradient_checkpointing": True, "cutoff_len": 4096, "packing": True,
           "lora_rank": None, "lora_target": None})  # fmt: skip
    Path("small.yaml").write_text("gpus: {Small: {memory: 5.2, tflops: 10, bf16: true, price: 0}}\n")
    asked = ("plan", "train.yaml", "--devices", "2", "--table", "small.yaml", "--gpu", "small")
    done = llf_kit(*asked, "--json")
    assert done.status == 0, done.err
    steps = done.json["advice"]
    words = (
        "checkpointing",
        "batch_size: 1",
        "liger",
        "ZeRO",
        "type: lora",
        "bit: 4",
        "len: 2048",
        "len: 1024",
        "len: 512",
    )
    assert [word for word, one in zip(words, steps, strict=True) if word in one["change"]] == list(words), steps
    sizes = [one["gib"] for one in steps]
    assert sizes == sorted(sizes, reverse=True)
    assert [one["fits"] for one in steps] == [[]] * 8 + [["Small"]]
    assert "fits Small" in llf_kit(*asked).err
    larger = llf_kit("plan", "train.yaml", "--devices", "2", "--gpu", "RTX 3080 Ti", "--json").json["advice"]
    assert larger[-1]["fits"] == ["RTX 3080 Ti"]
    assert [one["change"] for one in larger] == [one["change"] for one in steps][
        : len(larger)
    ]  # and no more than it takes


def test_a_table_of_ones_own_is_laid_over_the_shipped_one(llf_kit: Run, train: Callable[..., Path]) -> None:
    train()
    Path("my.yaml").write_text(
        "prices: {date: 2026-11-01}\ngpus:\n  RTX 4090: {price: 100}\n  Mine: {memory: 48, tflops: 100, bf16: true, price: 1}\n"
    )
    made = llf_kit("plan", "train.yaml", "--table", "my.yaml", "--gpu", "mine", "--gpu", "RTX 4090", "--json").json
    assert [(one["name"], one["memory"], one["price"]) for one in made["gpus"]] == [
        ("Mine", 48, 1),
        ("RTX 4090", 23.6, 100),
    ]
    assert (made["prices"]["date"], made["prices"]["example"]) == ("2026-11-01", False)
    shown = llf_kit("plan", "train.yaml", "--table", "my.yaml", "--gpu", "mine").err
    assert "CNY of 2026-11-01, prices" in shown


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("gpu: {}\n", "my.yaml: gpu: unknown. Did you mean 'gpus'?"),
        ("assumed: {utilization: 1}\n", "my.yaml: assumed: utilization: unknown. Did you mean 'utilisation'?"),
        ("assumed: {utilisation: much}\n", "my.yaml: assumed: utilisation: is no number above 0"),
        ("gpus: {Mine: {memory: 48}}\n", "my.yaml: Mine: is not a line with memory, tflops, bf16, price and source"),
        ("gpus: {Mine: {memory: many, tflops: 1, bf16: true, price: 1}}\n", "my.yaml: Mine: is not a line"),
    ],
)
def test_a_wrong_table_is_said(llf_kit: Run, train: Callable[..., Path], table: str, said: str) -> None:
    train()
    Path("my.yaml").write_text(table)
    done = llf_kit("plan", "train.yaml", "--table", "my.yaml")
    assert done.status == 1
    assert said in done.err


def test_a_gpu_that_is_not_in_the_table(llf_kit: Run, train: Callable[..., Path]) -> None:
    done = llf_kit("plan", train(), "--gpu", "RTX4090")
    assert (done.status, done.out) == (2, "")
    assert "Did you mean 'RTX 4090'?" in done.err


@pytest.mark.parametrize(
    ("changes", "rows", "status", "said"),
    [
        ({"lerning_rate": 1}, 4, 1, "Mend the errors first"),
        ({"deepspeed": "ds.json"}, 4, 1, "ds.json: there is no such file. Correct deepspeed"),
        ({"per_device_train_batch_size": 0}, 4, 1, "per_device_train_batch_size: 0 cannot be"),
        ({"finetuning_type": "full", "quantization_bit": 4, "lora_rank": None, "lora_target": None}, 4, 1, "quantization"),
        ({"dataset": "others"}, 4, 1, "dataset_info.json has no entry 'others'"),
        ({"model_name_or_path": "somebody/something"}, 4, 1, "its config.json is not on this machine"),
        ({"stage": "ppo", "reward_model": "r", "reward_model_type": "api"}, 4, 1, "ppo is not planned"),
        ({"do_train": False, "do_predict": True, "predict_with_generate": True, "eval_dataset": "lab"}, 4, 1, "holds no training"),
        ({}, 0, 1, "lab"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_said(
    llf_kit: Run, train: Callable[..., Path], changes: dict[str, Any], rows: int, status: int, said: str
) -> None:
    done = llf_kit("plan", train(changes, rows), "--json")
    assert (done.status, done.out) == (status, ""), done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_without_a_yaml_it_plans_what_is_prepared(llf_kit: Run, train: Callable[..., Path]) -> None:
    train()
    Path("llf-kit.yaml").write_text("model: qwen3-0.6b\n")
    done = llf_kit("plan", "--json")
    assert done.status == 0, done.err
    assert done.json["parameters"] == 596_049_920
    assert (
        llf_kit("plan", "lora_rank=16", "--json").json["trainable_parameters"] == 2 * done.json["trainable_parameters"]
    )
    Path("dataset_info.json").unlink()
    done = llf_kit("plan")
    assert done.status == 2
    assert "no dataset is prepared here" in done.err


def test_a_run_that_is_there_already_is_planned_again(llf_kit: Run, train: Callable[..., Path]) -> None:
    train()
    Path("saves/lab/checkpoint-3").mkdir(parents=True)
    assert llf_kit("check", "train.yaml").status == 1
    assert llf_kit("plan", "train.yaml").status == 0


def test_tokens_are_counted_with_the_models_own_tokenizer(
    llf_kit: Run, train: Callable[..., Path], smollm2: Path
) -> None:
    """As many as the check says, and not those of the guess."""
    train({"model_name_or_path": str(smollm2), "template": "smollm2", "bf16": False})
    made = llf_kit("plan", "train.yaml", "--json").json
    assert made["exact_tokens"] is True
    assert (made["parameters"], made["trainable_parameters"]) == (134_515_008, 2_442_240)
    checked = json.loads(llf_kit("check", "train.yaml", "--json").out)
    assert any(f"about {made['tokens_per_epoch']:,} tokens" in one["message"] for one in checked)


def test_a_guess_is_rather_too_long() -> None:
    guess = work._Guess()
    assert guess.lengths(["血钾的参考区间", "potassium", ""]) == [5, 3, 0]


_TRAINED = (
    LIVE
    + """
import logging, os, resource
logging.disable(logging.CRITICAL)
import transformers
from llamafactory.train.tuner import run_exp

live = Live()
class Begun(transformers.TrainerCallback):
    def on_train_begin(self, args, state, control, model=None, **kwargs):
        for one in model.parameters():
            live.add(one)
        live.peak = live.now
pages = int(open("/proc/self/statm").read().split()[1])
with live:
    run_exp(data, callbacks=[Begun()])
result = [pages * os.sysconf("SC_PAGE_SIZE"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, live.peak]
"""
)


@pytest.mark.real
def test_memory_is_that_of_a_real_run(train: Callable[..., Path], smollm2: Path) -> None:
    """Two steps of full training in 32 bits: what torch holds, and what the process holds beyond its imports."""
    changes = {
        "model_name_or_path": str(smollm2),
        "template": "smollm2",
        "bf16": False,
        "finetuning_type": "full",
        "lora_rank": None,
        "lora_target": None,
        "max_steps": 2,
        "save_strategy": "no",
        "cutoff_len": 64,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 1,
        "report_to": "none",
        "use_cpu": True,
    }
    config = configs.load(train(changes, 4))
    values = {key: value for key, value in config.values.items() if value is not None}
    before, peak, traced = (size / (1 << 30) for size in ask_upstream(_TRAINED, values))
    made = plan(config)
    planned = made.memory_gib["total"] - made.memory_gib["overhead"]
    print(f"planned {planned:.2f} GiB, torch {traced:.2f}: {planned / traced - 1:+.1%}")
    print(f"the process {peak - before:.2f} GiB: {planned / (peak - before) - 1:+.1%}")
    assert planned == pytest.approx(traced, rel=0.03)
    assert planned == pytest.approx(peak - before, rel=0.15)
