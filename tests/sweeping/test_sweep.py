"""A sweep: what is refused before any run, what is chosen, and a real one of two architectures that is killed once."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import BIN, Result

from llf_kit.evaluation.fit import Point
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.project import Sweep, load_settings, write_text
from llf_kit.sweeping import Watch, hopeless, page, sampling, space
from llf_kit.sweeping.choosing import Estimate, Took, Tried, choose
from llf_kit.sweeping.claims import Claims
from llf_kit.sweeping.space import Choice, Space
from llf_kit.sweeping.trying import Trials
from llf_kit.upstream import process, record
from llf_kit.upstream.record import Record

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
        (
            "sweep: {gpu: RTX 4091, tolerance: .inf, seeds: [1, 1]}",
            ("Did you mean 'RTX 4090'?", "tolerance: inf is no difference", "seeds: a seed is there twice"),
        ),
        ("sweep: {tolerance: 101}", ("tolerance: 101 is no difference",)),
        ("sweep: {tolerance: -1, pruner: hyperband, seeds: [-1]}", ("tolerance", "pruner", "seeds.0")),
        ("sweep: {settings: {seed: [1, 2]}, seeds: [3]}", ("or in `settings` too",)),
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


def test_a_sweep_of_other_settings_in_the_same_folder_is_refused(
    llf_kit: Callable[..., Result], tree: Callable[..., Path]
) -> None:
    here = tree({**PROJECT, "llf-kit.yaml": "name: lab\nmodel: qwen2-1.5b-instruct\nsweep: {}\n"})
    with Claims(here / "saves/sweep").shared("of something else"):
        done = llf_kit("sweep")
    assert done.status == 1
    assert "a sweep of other settings is running here. Wait for it, or give this one another `name`" in done.err
    assert "running here" not in llf_kit("sweep").err


def test_a_claim_ends_with_its_process_and_is_nobody_elses_until_then(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    program = (
        "import sys, time; from pathlib import Path; from llf_kit.sweeping.claims import Claims\n"
        "with Claims(Path(sys.argv[1])).held('a'): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout and other.stdout.readline() == "held\n"
    assert not claims.free("a") and claims.free("b")
    other.kill()
    with claims.held("a") as mine:
        assert mine
    other.communicate()


def test_every_seed_is_a_run_and_the_row_their_mean(tree: Callable[..., Path]) -> None:
    section = "{settings: {lora_rank: [4]}, seeds: [1, 2]}"
    here = tree({**PROJECT, "llf-kit.yaml": f"name: lab\nmodel: qwen2-1.5b-instruct\nsweep: {section}\n"})
    (one,) = space.read(here, load_settings(here)).choices
    assert {name: values["seed"] for name, values in one.runs.items()} == {
        "Qwen2-1.5B-Instruct_lora_sft_lora_rank-4_seed-1": "1", "Qwen2-1.5B-Instruct_lora_sft_lora_rank-4_seed-2": "2",
    }  # fmt: skip
    big, small = seeded("big", [38, 32], 900), seeded("small", [36, 36, 30], 100)
    outcome = choose(spaced([], tolerance=5), [big, small])
    metric, spread = small.metric("value_accuracy"), small.spread("value_accuracy")
    assert metric is not None and metric.value == pytest.approx(85) and metric.low and metric.high
    assert metric.low < 85 < metric.high
    assert spread is not None and (spread.runs, spread.low, spread.high) == (3, 75, 90)
    assert outcome.best is big and outcome.chosen is small
    assert outcome.difference is not None and outcome.difference.rows == 40
    assert outcome.difference.difference == pytest.approx(85 - 87.5)
    assert "75.0–90.0 (3 seeds)" in page.html(outcome, "en")
    assert outcome.to_dict()["runs"][1]["spread"]["deviation"] == pytest.approx(8.66, abs=0.01)


def choice(name: str, **settings: Any) -> Choice:
    return Choice(name, "m", "train/lora_sft", settings, {name: {}})


def answered(name: str, right: int, of: int = 40) -> Evaluation:
    rows = tuple(Row(Prediction("", "a", "a", f"lab:{row}", f"q{row}"), {"value_accuracy": 100.0 * (row < right)})
                 for row in range(of))  # fmt: skip
    return Evaluation(name, "lab", rows, {"value_accuracy": Metric(100 * right / of, 0.0, 100.0, of)})


def seeded(name: str, right: list[int], parameters: int, trainable: int = 1, of: int = 40) -> Tried:
    took = Took(parameters, trainable, 2**20, 60.0, 2**30, device="cpu (x86_64, linux)")
    planned = Estimate("RTX 3090", parameters / 100, 0.5, parameters / 1000, "CNY", notes=("tokens are guessed",))
    evaluations = tuple(answered(name, one, of) for one in right)
    return Tried(choice(name), ("saves",) * len(right), evaluations, took, planned)


def tried(name: str, right: int | None, parameters: int = 0, trainable: int = 1, of: int = 40) -> Tried:
    if right is None:
        return Tried(choice(name), ("saves",), problem="out of memory")
    return seeded(name, [right], parameters, trainable, of)


def spaced(choices: list[Choice], folder: Path = Path("saves"), **settings: Any) -> Space:
    return Space(Sweep(**settings), tuple(choices), "lab_test", 40, folder)


def test_the_smallest_within_the_tolerance_is_chosen_with_its_interval() -> None:
    rows = [tried("big", 38, 900), tried("small", 36, 100), tried("wide", 36, 100, 5), tried("tiny", 20, 10),
            tried("broken", None)]  # fmt: skip
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
    assert "按显卡估算" in shown and "实测于 cpu" in shown and shown.count("<circle") == 3 * 4
    runs = json.loads(json.dumps(found.to_dict()))["runs"]
    assert (runs[4]["status"], runs[4]["problem"]) == ("failed", "out of memory")
    assert (runs[0]["planned"]["gpu"], runs[0]["planned"]["cost"], runs[0]["memory"]) == ("RTX 3090", 0.9, 2**30)
    assert "guess" not in page.sentence(found, "en")
    few = choose(spaced([]), [tried("big", 3, 900, of=4)])
    assert "Only 4 rows have a score" in page.sentence(few, "en")
    nothing = choose(spaced([]), [rows[4]])
    assert nothing.chosen is None and "none can be chosen" in page.sentence(nothing, "en")


def test_what_was_stopped_early_is_told_and_never_chosen() -> None:
    hopeless = Tried(choice("hopeless"), ("saves",), problem="stopped at step 20 of 80", stopped=True)
    found = choose(spaced([], tolerance=100), [tried("big", 30, 900), hopeless])
    assert found.chosen is not None and found.chosen.choice.name == "big"
    assert found.to_dict()["runs"][1]["status"] == "stopped"
    assert "stopped early: stopped at step 20" in page.html(found, "en")


def curve(*losses: float, every: float = 1.0) -> list[Point]:
    return [Point("loss", loss, None, every * at) for at, loss in enumerate(losses, 1)]


def test_a_run_has_no_chance_where_its_best_is_above_the_median_of_earlier_means() -> None:
    ended = [curve(3, 2, 1, 1), curve(3, 1, 1, 1), curve(4, 3, 2, 1)]  # until the second epoch: 2.5, 2 and 3.5
    assert hopeless.verdict(curve(9, 2.6), ended) == (2.6, 2.5, 3)
    assert hopeless.verdict(curve(9, 2.5), ended) is None
    assert hopeless.verdict(curve(2.4, 9), ended) is None, "its best counts"
    assert hopeless.verdict(curve(9, 9), ended[:2]) is None, "two are no measure"
    assert hopeless.verdict(curve(9, 9, 9), [*ended[:2], curve(1, 1)]) is None, "one of them did not come so far"
    assert hopeless.verdict(curve(math.nan, math.nan), ended) == (math.inf, 2.5, 3)
    halves = [curve(3, 3, 2, 2, every=0.5) for _ in range(3)]  # another batch: compared by epoch, not by step
    assert hopeless.verdict(curve(2.6), halves) is None
    assert hopeless.verdict(curve(3.1), halves) == (3.1, 3, 3)


def test_optuna_goes_on_where_it_was_killed_and_finds_the_best(tmp_path: Path) -> None:
    ranks = (1, 2, 4, 8, 16)
    choices = [Choice(f"r{rank}", "m", "train/lora_sft", {"lora_rank": rank}, {}) for rank in ranks]
    found = spaced(choices, tmp_path, sampler="optuna", trials=8, settings={"lora_rank": list(ranks)})
    asked: list[str] = []

    def killed(one: Choice) -> Tried:
        asked.append(one.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return tried(one.name, None if one.name == "r1" else one.settings["lora_rank"], 1)

    claims = Claims(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        sampling.by_optuna(found, claims, killed)
    interrupted = asked[2]
    kept = sampling.by_optuna(found, claims, killed)
    assert asked[3] == interrupted, "the combination that was stopped comes first"
    assert len(asked) == 9
    assert {one.name for one in kept} == set(asked)
    again = len(asked)
    assert {one.name for one in sampling.by_optuna(found, claims, killed)} == set(asked)
    assert len(asked) == again


def test_without_optuna_the_sweep_says_what_to_install_before_any_run(
    llf_kit: Callable[..., Result], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    section = "sweep: {sampler: optuna}\ntrain: {set: {precision: fp32}}"
    here = tree({**PROJECT, "llf-kit.yaml": f"name: lab\nmodel: qwen2-1.5b-instruct\n{section}\n"})
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = llf_kit("sweep")
    assert done.status == 1 and "optuna is not installed. pip install 'llf-kit[sweep]'" in done.err
    assert not list(here.glob("saves/*/*/llf-kit-run.json"))


@pytest.fixture
def begun() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts a sweep as a process of its own; what the test leaves behind is ended."""
    processes: list[subprocess.Popen[str]] = []

    def begin(here: Path) -> subprocess.Popen[str]:
        processes.append(subprocess.Popen([str(BIN / "llf-kit"), "sweep"], cwd=here, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield begin
    for one in processes:
        if one.poll() is None:
            one.terminate()
            one.communicate()


@pytest.mark.real
def test_a_real_sweep_is_killed_and_two_processes_finish_it_together(
    llf_kit: Callable[..., Result],
    tree: Callable[..., Path],
    begun: Callable[[Path], subprocess.Popen[str]],
    smollm2: Path,
    qwen: Path,
) -> None:
    models = f"[{{{qwen}: qwen}}, {{broken: qwen}}, {smollm2}]"
    section = f"name: lab\n{TRAIN}sweep: {{models: {models}, settings: {{lora_rank: [2, 4]}}, tolerance: 100"
    here = tree({**PROJECT, "llf-kit.yaml": f"{section}}}\n"})
    shutil.copytree(qwen, here / "broken")
    (here / "broken/model.safetensors").write_bytes(b"\0" * 64)
    folder = here / "saves/sweep"
    name = "{}_lora_sft_lora_rank-{}".format

    killed = begun(here)
    until = time.monotonic() + 300
    while not (folder / name(qwen.name, 4) / "trainer_log.jsonl").is_file():
        assert killed.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    killed.kill()
    killed.communicate()
    kept = (folder / name(qwen.name, 2) / record.FILE).read_bytes()

    (here / "llf-kit.yaml").write_text(f"{section}, sampler: optuna, trials: 5}}\n")
    together = [begun(here), begun(here)]
    said = "".join(one.communicate()[1] for one in together)
    assert "Traceback" not in said, said
    ran = re.findall(r"^(\S+) \(1 of 1\)$", said, re.MULTILINE)
    assert len(ran) == len(set(ran)), "something was run twice"
    assert name(qwen.name, 2) not in ran and len(ran) > 1

    (here / "llf-kit.yaml").write_text(f"{section}, gpu: RTX 3090}}\n")
    done = llf_kit("sweep", "--json")
    assert done.status == 1, "what failed is told by the exit status"
    assert (folder / name(qwen.name, 2) / record.FILE).read_bytes() == kept, "what had ended was run again"
    by_name = {one["name"]: one for one in done.json["runs"]}
    assert len(by_name) == 6
    small, large = by_name[name(qwen.name, 2)], by_name[name(smollm2.name, 4)]
    assert small["parameters"] < 3e6 and large["parameters"] == 134_515_008
    assert 0 < small["trainable_parameters"] < large["trainable_parameters"]
    for rank in (2, 4):
        failed = by_name[name("broken", rank)]
        assert failed["status"] == "failed" and "SafetensorError" in failed["problem"]
        for one in (by_name[name(model, rank)] for model in (qwen.name, smollm2.name)):
            assert one["status"] == "done", one["problem"]
            assert one["value_accuracy"]["scored"] == 2 and one["seconds"] > 0
            assert one["memory"] > 10 * one["disk"] and one["planned"]["gpu"] == "RTX 3090"
            assert one["planned"]["memory_gib"] > 0 and one["planned"]["cost"] > 0
    assert done.json["chosen"] == name(qwen.name, 2)
    assert "SafetensorError" in (folder / "sweep.html").read_text(encoding="utf-8")


@pytest.mark.real
def test_a_real_run_without_a_chance_is_ended_and_remembered(tree: Callable[..., Path], qwen: Path) -> None:
    section = f"{{models: [{{{qwen}: qwen}}], settings: {{lora_rank: [2, 4, 8, 16]}}, pruner: median}}"
    here = tree(
        {**PROJECT, "llf-kit.yaml": f"name: lab\n{TRAIN.replace('epochs: 2', 'epochs: 200')}sweep: {section}\n"}
    )
    settings = load_settings(here)
    found = space.read(here, settings)
    trials = Trials(here, settings, found, Watch())
    *earlier, hopeless_one = found.choices
    for one in earlier:  # three that were better
        output = found.folder / next(iter(one.runs))
        log = "".join(json.dumps({"current_steps": step, "epoch": step, "loss": 1.0}) + "\n" for step in range(1, 201))
        write_text(output / "trainer_log.jsonl", log)
        Record("train", str(output), {}, "", "", [], {}, {}, "cpu", "now", status="done").write()
    row = trials.tried(hopeless_one)
    assert row.stopped and row.problem and "the median of 3 earlier runs" in row.problem
    output = Path(row.outputs[0])
    ended = record.load(output)
    assert (ended.status, ended.exit_code) == ("pruned", None) and ended.reason == row.problem
    assert not list(process.writers(output / "llf-kit-run.log")), "its process goes on"
    written = (output / record.FILE).stat().st_mtime_ns
    again = Trials(here, settings, found, Watch()).tried(hopeless_one)
    assert (again.stopped, again.problem) == (True, row.problem)
    assert (output / record.FILE).stat().st_mtime_ns == written
