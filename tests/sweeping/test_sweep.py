"""A sweep: what is refused before any run, what is chosen, and a real one of two architectures that is killed once."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, Result, ask_upstream

from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.project import Sweep, load_settings
from llf_kit.sweeping import page, sampling, space
from llf_kit.sweeping.choosing import Tried, choose
from llf_kit.sweeping.space import Choice, Space
from llf_kit.upstream import record

COLUMNS = {"prompt": "instruction", "response": "output"}
ENTRIES = {
    name: {"file_name": f"{name}.jsonl", "formatting": "alpaca", "columns": COLUMNS} for name in ("lab", "lab_test")
}
NORMAL = {"potassium": "3.5-5.3 mmol/L", "sodium": "137-147 mmol/L", "albumin": "40-55 g/L", "urea": "3.1-8.0 mmol/L"}
DATA = [{"instruction": f"Normal {name} of adults?", "output": value} for name, value in NORMAL.items()]
PROJECT = {"dataset_info.json": json.dumps(ENTRIES), "lab.jsonl": DATA[:2], "lab_test.jsonl": DATA[2:]}
TRAIN = """
max_new_tokens: 4
train:
  set: {precision: fp32, val_size: 0, cutoff_len: 64, num_train_epochs: 2, gradient_accumulation_steps: 1}
"""


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("", ("sweep: is missing. Say what to try",)),
        ("sweep: {tempaltes: []}", ("sweep.tempaltes: unknown key. Did you mean 'templates'?",)),
        ("sweep: {sampler: random}", ("sweep.sampler",)),
        (
            "sweep: {metric: value_acuracy, templates: [train/lora_stf, train/lora_sft, infer/chat], "
            "settings: {lora_rnak: [4], lora_alpha: []}, models: [qwen3-1.7, ./nowhere], name: ../up}",
            (
                "Did you mean 'value_accuracy'?",
                "Did you mean 'train/lora_sft'?",
                "infer/chat trains nothing",
                "lora_rnak: no template here takes it. Did you mean 'lora_rank'?",
                "lora_alpha: has no value",
                "Did you mean 'qwen3-1.7b'?",
                "./nowhere is no folder here",
                "'../up' is no name of a folder",
            ),
        ),
        ("sweep: {settings: {lora_rank: [four]}}", ("lora_rank=four: is not a whole number",)),
        ("sweep: {dataset: lab_tset}", ("Did you mean 'lab_test'?",)),
        ("sweep: {models: [{qwen3-1.7b: qwen3}]}", ("bf16 needs a GPU", "[device]")),
    ],
)
def test_what_cannot_be_tried_is_told_all_at_once_before_any_run(
    llf_kit: Callable[..., Result], tree: Callable[..., Path], section: str, said: tuple[str, ...]
) -> None:
    tree({**PROJECT, "llf-kit.yaml": f"name: lab\nmodel: qwen2-1.5b-instruct\n{section}\n"})
    done = llf_kit("sweep")
    assert done.status in (1, 2)
    assert all(one in done.err for one in said), done.err
    assert not list(Path("saves").glob("*/*/llf-kit-run.json"))


def test_every_combination_is_tried_and_a_setting_only_where_a_template_takes_it(tree: Callable[..., Path]) -> None:
    section = (
        "{templates: [train/lora_sft, train/full_sft], settings: {lora_rank: [4, 8], learning_rate: [1e-4, 1e-3]}}"
    )
    here = tree({**PROJECT, "llf-kit.yaml": f"name: lab\nmodel: qwen2-1.5b-instruct\nsweep: {section}\n"})
    found = space.read(here, load_settings(here))
    assert [one.name for one in found.choices] == [
        *(f"Qwen2-1.5B-Instruct_lora_sft_lora_rank-{rank}_learning_rate-{rate}"
          for rank in (4, 8) for rate in (0.0001, 0.001)),
        *(f"Qwen2-1.5B-Instruct_full_sft_learning_rate-{rate}" for rate in (0.0001, 0.001)),
    ]  # fmt: skip
    assert (found.asked, found.rows) == ("lab_test", 2)


def test_two_sweeps_in_one_folder_are_refused(llf_kit: Callable[..., Result], tree: Callable[..., Path]) -> None:
    here = tree({**PROJECT, "llf-kit.yaml": "name: lab\nmodel: qwen2-1.5b-instruct\nsweep: {}\n"})
    (here / "saves/sweep").mkdir(parents=True)
    with (here / "saves/sweep/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = llf_kit("sweep")
    assert done.status == 1
    assert "another sweep is running here. Wait for it, or give this one another `name`" in done.err


def choice(name: str, **settings: Any) -> Choice:
    return Choice(name, "m", "train/lora_sft", settings, {})


def tried(name: str, right: int | None, parameters: int | None, trainable: int | None = 1, of: int = 40) -> Tried:
    if right is None:
        return Tried(choice(name), "saves", problem="out of memory")
    rows = tuple(Row(Prediction("", "a", "a", f"lab:{row}", f"q{row}"), {"value_accuracy": 100.0 * (row < right)})
                 for row in range(of))  # fmt: skip
    metric = Metric(100 * right / of, 0.0, 100.0, of)
    return Tried(
        choice(name), "saves", Evaluation(name, "lab", rows, {"value_accuracy": metric}), parameters, trainable
    )


def spaced(choices: list[Choice], folder: Path = Path("saves"), **settings: Any) -> Space:
    return Space(Sweep(**settings), tuple(choices), "lab_test", 40, folder)


def test_the_smallest_within_the_tolerance_is_chosen_with_its_interval() -> None:
    rows = [tried("big", 38, 900), tried("small", 36, 100), tried("wide", 36, 100, 5), tried("tiny", 20, 10),
            tried("broken", None, None)]  # fmt: skip
    found = choose(spaced([], tolerance=5), rows)
    assert found.best is rows[0] and found.chosen is rows[1]
    assert found.difference is not None and found.difference.low is not None and found.difference.high is not None
    assert found.difference.difference == pytest.approx(-5)
    assert found.difference.low < -5 < found.difference.high <= 0
    assert [one.choice.name for one in found.rows] == ["big", "small", "wide", "tiny", "broken"]
    strict = choose(spaced([], tolerance=4), rows)
    assert strict.chosen is rows[0] and strict.difference is None
    assert "no smaller one is within 4 points" in page.sentence(strict, "en")
    assert "on the same 40 rows it differs by −5.00 points" in page.sentence(found, "en").lower()
    shown = page.html(found, "zh")
    assert "建议采用 small" in shown and "out of memory" in shown and "://" not in shown
    assert json.loads(json.dumps(found.to_dict()))["runs"][4]["problem"] == "out of memory"
    assert "guess" not in page.sentence(found, "en")
    few = choose(spaced([]), [tried("big", 3, 900, of=4)])
    assert "Only 4 rows have a score" in page.sentence(few, "en")
    nothing = choose(spaced([]), [rows[4]])
    assert nothing.chosen is None and "none can be chosen" in page.sentence(nothing, "en")


def test_optuna_goes_on_where_it_was_killed_and_finds_the_best(tmp_path: Path) -> None:
    choices = [choice(f"r{rank}", lora_rank=rank) for rank in (1, 2, 4, 8, 16)]
    found = spaced(choices, tmp_path, sampler="optuna", trials=8, settings={"lora_rank": [1, 2, 4, 8, 16]})
    asked: list[str] = []

    def killed(one: Choice) -> float | None:
        asked.append(one.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return None if one.name == "r1" else float(one.settings["lora_rank"])

    with pytest.raises(KeyboardInterrupt):
        sampling.by_optuna(found, killed)
    interrupted = asked[2]
    kept = sampling.by_optuna(found, killed)
    assert asked[3] == interrupted, "the combination that was stopped comes first"
    assert len(asked) == 9
    assert {one.name for one in kept} == set(asked)
    again = len(asked)
    assert {one.name for one in sampling.by_optuna(found, killed)} == set(asked)
    assert len(asked) == again


TINY = """
import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM
torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(data["from"])
config = Qwen2Config(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                     num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True,
                     eos_token_id=tokenizer.eos_token_id)
Qwen2ForCausalLM(config).save_pretrained(data["to"])
tokenizer.save_pretrained(data["to"])
"""


@pytest.mark.real
def test_a_real_sweep_of_two_architectures_is_killed_and_goes_on(
    llf_kit: Callable[..., Result], tree: Callable[..., Path], smollm2: Path
) -> None:
    section = f"sweep: {{models: [{{tiny-qwen2: chatml}}, {smollm2}], settings: {{lora_rank: [4]}}, tolerance: 100}}\n"
    here = tree({**PROJECT, "llf-kit.yaml": f"name: lab\n{TRAIN}{section}"})
    ask_upstream(TINY, {"from": str(smollm2), "to": str(here / "tiny-qwen2")})
    first, second = (here / "saves/sweep" / f"{name}_lora_sft_lora_rank-4" for name in ("tiny-qwen2", smollm2.name))

    begun = subprocess.Popen([str(BIN / "llf-kit"), "sweep"], cwd=here, stderr=subprocess.DEVNULL,
                             start_new_session=True)  # fmt: skip
    until = time.monotonic() + 300
    while not (second / record.FILE).is_file():
        assert begun.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    os.kill(begun.pid, signal.SIGKILL)
    begun.wait()
    kept = (first / record.FILE).read_bytes()

    done = llf_kit("sweep", "--json")
    assert done.status == 0, done.err
    assert (first / record.FILE).read_bytes() == kept, "what had ended was run again"
    by_name = {one["name"]: one for one in done.json["runs"]}
    small, large = by_name[first.name], by_name[second.name]
    assert small["parameters"] < large["parameters"] and large["parameters"] == 134_515_008
    assert 0 < small["trainable_parameters"] < large["trainable_parameters"]
    assert all(one["value_accuracy"]["scored"] == 2 and one["seconds"] > 0 for one in by_name.values())
    assert done.json["chosen"] == first.name
    assert first.name in (here / "saves/sweep/sweep.html").read_text(encoding="utf-8")
