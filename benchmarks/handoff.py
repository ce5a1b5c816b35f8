"""What `llf-kit train` costs over bare `llamafactory-cli train`, paired: the same real training, in turn.

The pairs carry the noise of the machine; the hand-off alone, to a command that does nothing, does not.

python benchmarks/handoff.py [--runs 3] [--steps 20]
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from _measure import machine, measure, spread

from llf_kit.convert import Plan, convert
from llf_kit.fetching import fetch
from llf_kit.project import shipped
from llf_kit.render import render_to

WORK = Path(__file__).parent / "work" / "handoff"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    convert(Plan("bench", (shipped("datasets/raw") / "reference_intervals_en.csv",)), WORK)
    settings = {
        "model": str(fetch("smollm2")),
        "dataset": "bench",
        "precision": "fp32",
        "val_size": "0",
        "cutoff_len": "256",
        "logging_steps": "1",
        "output_dir": "saves",
    }
    render_to(WORK / "train.yaml", "train/lora_sft", settings)
    programs = ("llf-kit", "llamafactory-cli")
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for run in range(given.runs):
        for name in programs if run % 2 == 0 else reversed(programs):
            shutil.rmtree(WORK / "saves", ignore_errors=True)
            command = [str(Path(sys.executable).parent / name), "train", "train.yaml", f"max_steps={given.steps}"]
            seconds[name].append(measure([*command, "gradient_accumulation_steps=1"], WORK).seconds)
    print(f"{given.steps} steps, {given.runs} runs in turn; {machine()}\n")
    print("| | seconds, median (min–max) |\n|---|---|")
    for name in programs:
        print(f"| {name} train | {spread(seconds[name])} |")
    over = [100 * (a / b - 1) for a, b in zip(seconds["llf-kit"], seconds["llamafactory-cli"], strict=True)]
    print(f"\ncost over bare, pair by pair: {spread(over)} %")
    shutil.rmtree(WORK / "saves")
    nothing = [str(Path(sys.executable).parent / "llf-kit"), "train", "train.yaml"]
    fixed = [measure(nothing, WORK, LLF_KIT_LLAMAFACTORY_CLI="true").seconds for _ in range(10)]
    print(f"the hand-off itself, to a command that does nothing: {spread(fixed, 2)} s")


if __name__ == "__main__":
    main()
