"""A sweep: what is refused before any run, what is chosen, what has no chance, and who does what of it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from tiny_project import PROJECT

from llf_kit import sweeping
from llf_kit.errors import StoppedError
from llf_kit.evaluation import runs
from llf_kit.evaluation.fit_verdict import Point
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.project import Sweep, load_settings
from llf_kit.sweeping import Watch, hopeless, page, sampling, space, trying
from llf_kit.sweeping.choosing import Estimate, Took, Tried, choose
from llf_kit.sweeping.claims import Claims
from llf_kit.sweeping.space import Choice, Space
from llf_kit.sweeping.trying import Trials
from llf_kit.upstream.record import Record


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


def test_who_stops_a_sweep_while_a_model_answers_stops_all_of_it(
    tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tree({**PROJECT, "llf-kit.yaml": "name: lab\nmodel: qwen2-1.5b-instruct\nsweep: {}\n"})
    settings = load_settings(here)
    found = space.read(here, settings)
    (one,) = found.choices
    output = found.folder / one.name
    Record("train", str(output), {}, "", "", [], {}, {}, "cpu", "now", status="done").write()

    def ended(*_: object) -> list[runs.Ran]:
        return [runs.Ran(one.name, one.name, 2, str(output), {})]

    def stopped(*_: object, **__: object) -> Evaluation:
        raise StoppedError("predict.yaml: stopped.")

    monkeypatch.setattr(trying.runs, "run_all", ended)
    monkeypatch.setattr(Trials, "_measured", stopped)
    with pytest.raises(StoppedError):
        Trials(here, settings, found, Watch()).tried(one)


def test_what_failed_is_told_by_the_exit_status_and_what_was_stopped_is_not(
    llf_kit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hopeless = Tried(choice("hopeless"), ("saves",), problem="stopped at step 20 of 80", stopped=True)
    rows = [tried("big", 38, 900), hopeless]
    monkeypatch.setattr(sweeping, "sweep", lambda *_: choose(spaced([], tmp_path), rows))
    done = llf_kit("sweep", "--json")
    assert done.status == 0 and [one["status"] for one in done.json["runs"]] == ["done", "stopped"]
    assert "hopeless was stopped early: stopped at step 20 of 80" in done.err and "big ← take this" in done.err
    rows.append(tried("broken", None))
    done = llf_kit("sweep", "--lang", "zh")
    assert done.status == 1 and "broken failed: out of memory" in done.err
    assert "失败: out of memory" in (tmp_path / "sweep.html").read_text(encoding="utf-8")


WORKER = """
import sys, time
from pathlib import Path
from llf_kit.evaluation.results import Evaluation, Metric
from llf_kit.project import Sweep
from llf_kit.sweeping import sampling
from llf_kit.sweeping.choosing import Tried
from llf_kit.sweeping.claims import Claims
from llf_kit.sweeping.space import Choice, Space
folder, ranks = Path(sys.argv[1]), [1, 2, 4, 8, 16]
choices = tuple(Choice(f"r{rank}", "m", "train/lora_sft", {"lora_rank": rank}, {}) for rank in ranks)
space = Space(Sweep(sampler="optuna", trials=7, settings={"lora_rank": ranks}), choices, "lab_test", 4, folder)
def tried(one):
    if not (folder / one.name).exists():
        with (folder / "ran").open("a") as file:
            print(one.name, file=file)
        time.sleep(float(sys.argv[2]))
        (folder / one.name).touch()
    metric = Metric(one.settings["lora_rank"], None, None, 4)
    return Tried(one, (), (Evaluation(one.name, "lab_test", (), {"value_accuracy": metric}),))
print(*sorted(one.name for one in sampling.by_optuna(space, Claims(folder), tried)))
"""


def test_processes_share_the_trials_and_take_over_from_one_that_was_killed(tmp_path: Path) -> None:
    def worker(seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORKER, str(tmp_path), str(seconds)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    killed = worker(60)
    until = time.monotonic() + 60
    while not (tmp_path / "ran").is_file():
        assert killed.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    killed.kill()
    killed.communicate()
    told = [one.communicate(timeout=60)[0].split() for one in [worker(0.2), worker(0.2)]]
    first, *ran = (tmp_path / "ran").read_text().split()
    assert first in ran, "what was killed is run again"
    assert len(ran) == len(set(ran)), "something was run twice"
    assert told[0] == told[1] == sorted(ran)


def test_without_optuna_the_sweep_says_what_to_install_before_any_run(
    llf_kit: Callable[..., Result], tree: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    section = "sweep: {sampler: optuna}\ntrain: {set: {precision: fp32}}"
    here = tree({**PROJECT, "llf-kit.yaml": f"name: lab\nmodel: qwen2-1.5b-instruct\n{section}\n"})
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = llf_kit("sweep")
    assert done.status == 1 and "optuna is not installed. pip install 'llf-kit[sweep]'" in done.err
    assert not list(here.glob("saves/*/*/llf-kit-run.json"))
