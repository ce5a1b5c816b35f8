"""Real sweeps: of two architectures, killed once and finished by two processes; what fails, and what has no chance."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import BIN, Result
from tiny_project import PROJECT

from llf_kit.project import load_settings, write_text
from llf_kit.sweeping import Watch, space
from llf_kit.sweeping.trying import Trials
from llf_kit.upstream import process, record
from llf_kit.upstream.record import Record

TRAIN = """
max_new_tokens: 4
train:
  set: {precision: fp32, val_size: 0, cutoff_len: 64, num_train_epochs: 2, gradient_accumulation_steps: 1}
"""


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
    models = f"[{{{qwen}: qwen}}, {smollm2}]"
    section = f"name: lab\n{TRAIN}sweep: {{models: {models}, settings: {{lora_rank: [2, 4]}}, tolerance: 100"
    here = tree({**PROJECT, "llf-kit.yaml": f"{section}}}\n"})
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

    (here / "llf-kit.yaml").write_text(f"{section}, sampler: optuna, trials: 4}}\n")
    together = [begun(here), begun(here)]
    said = "".join(one.communicate()[1] for one in together)
    assert "Traceback" not in said, said
    ran = re.findall(r"^(\S+) \(1 of 1\)$", said, re.MULTILINE)
    assert len(ran) == len(set(ran)), "something was run twice"
    assert name(qwen.name, 2) not in ran and len(ran) > 1

    (here / "llf-kit.yaml").write_text(f"{section}, gpu: RTX 3090}}\n")
    done = llf_kit("sweep", "--json")
    assert done.status == 0, done.err
    assert (folder / name(qwen.name, 2) / record.FILE).read_bytes() == kept, "what had ended was run again"
    by_name = {one["name"]: one for one in done.json["runs"]}
    assert len(by_name) == 4
    for one in by_name.values():
        assert one["status"] == "done", one["problem"]
        assert one["value_accuracy"]["scored"] == 2 and one["seconds"] > 0
        assert one["memory"] > 10 * one["disk"] and one["planned"]["gpu"] == "RTX 3090"
        assert one["planned"]["memory_gib"] > 0 and one["planned"]["cost"] > 0
    small, large = by_name[name(qwen.name, 2)], by_name[name(smollm2.name, 4)]
    assert small["parameters"] < 3e6 and large["parameters"] == 134_515_008
    assert 0 < small["trainable_parameters"] < large["trainable_parameters"]
    assert done.json["chosen"] == small["name"]
    assert small["name"] in (folder / "sweep.html").read_text(encoding="utf-8")


@pytest.mark.real
def test_a_real_run_fails_and_one_without_a_chance_is_ended_and_remembered(
    tree: Callable[..., Path], qwen: Path
) -> None:
    section = (
        f"{{models: [{{{qwen}: qwen}}, {{broken: qwen}}], settings: {{lora_rank: [2, 4, 8, 16]}}, pruner: median}}"
    )
    here = tree(
        {**PROJECT, "llf-kit.yaml": f"name: lab\n{TRAIN.replace('epochs: 2', 'epochs: 200')}sweep: {section}\n"}
    )
    shutil.copytree(qwen, here / "broken")
    (here / "broken/model.safetensors").write_bytes(b"\0" * 64)
    settings = load_settings(here)
    found = space.read(here, settings)
    trials = Trials(here, settings, found, Watch())
    *earlier, hopeless, broken = found.choices[:5]
    failed = trials.tried(broken)
    assert not failed.stopped and failed.problem and "SafetensorError" in failed.problem
    assert trials.tried(broken) is failed
    for one in earlier:  # three that were better
        output = found.folder / next(iter(one.runs))
        log = "".join(json.dumps({"current_steps": step, "epoch": step, "loss": 1.0}) + "\n" for step in range(1, 201))
        write_text(output / "trainer_log.jsonl", log)
        Record("train", str(output), {}, "", "", [], {}, {}, "cpu", "now", status="done").write()
    row = trials.tried(hopeless)
    assert row.stopped and row.problem and "the median of 3 earlier runs" in row.problem
    output = Path(row.outputs[0])
    ended = record.load(output)
    assert (ended.status, ended.exit_code) == ("pruned", None) and ended.reason == row.problem
    assert not list(process.writers(output / "llf-kit-run.log")), "its process goes on"
    written = (output / record.FILE).stat().st_mtime_ns
    again = Trials(here, settings, found, Watch()).tried(hopeless)
    assert (again.stopped, again.problem) == (True, row.problem)
    assert (output / record.FILE).stat().st_mtime_ns == written
