"""How long `llf-kit check` takes, beside what upstream takes to refuse one mistyped key.

    python benchmarks/check.py [--runs 5] [--rows 10000] [--many 1000000]

A project of one YAML and `--rows` rows of about 200 Chinese characters, with and without tokens, in turn with
`llamafactory-cli train` on a YAML with a mistyped key; then `--many` rows without tokens. Needs the train extra.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from _measure import machine, measure, spread

from llf_kit import formats, outputs
from llf_kit.dataset_info import register
from llf_kit.fetching import fetch
from llf_kit.render import render_to

WORK = Path(__file__).parent / "work" / "check"
BIN = Path(sys.executable).parent
LETTERS = "血钾钠氯钙糖肌酐尿酸蛋白标本溶血复查参考区间偏高低质控失报告临床危急值记录采集离心分检测方法学"


def write(path: Path, rows: int) -> None:
    """Alpaca rows of about 200 characters."""
    rng = random.Random(22576)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            row = {"instruction": f"{number}号：{''.join(rng.choices(LETTERS, k=40))}？", "input": ""}
            row |= {"output": "".join(rng.choices(LETTERS, k=160)) + "。", "system": "", "history": [], "label": ""}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def project(name: str, rows: int) -> Path:
    """A folder with one YAML, one dataset and its entry."""
    folder = WORK / name
    (folder / "datasets").mkdir(parents=True)
    file = outputs.Container().file_name("bench")
    write(folder / file, rows)
    register(folder, [formats.get("alpaca").entry("bench", file)])
    settings = {"model": str(fetch("smollm2")), "dataset": "bench", "precision": "fp32", "val_size": "0"}
    render_to(folder / "train.yaml", "train/lora_sft", settings)
    return folder


def refused(folder: Path) -> float:
    """Seconds that upstream takes to refuse a mistyped key."""
    text = (folder / "train.yaml").read_text(encoding="utf-8")
    (folder / "typo.yaml").write_text(text.replace("lora_rank:", "lora_rnak:"), encoding="utf-8")
    begun = time.monotonic()
    command = [str(BIN / "llamafactory-cli"), "train", "typo.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if not done.returncode:
        raise SystemExit("upstream took the mistyped key")
    (folder / "typo.yaml").unlink()
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    given = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    small = project("small", given.rows)
    check = [str(BIN / "llf-kit"), "check", "train.yaml"]
    seconds: dict[str, list[float]] = {}
    for run in range(given.runs + 1):
        turn = {
            "llf-kit check --no-tokens": measure([*check, "--no-tokens"], small).seconds,
            "llf-kit check": measure(check, small).seconds,
            "llamafactory-cli train, one mistyped key": refused(small),
        }
        for name, value in turn.items():
            if run:  # the first does not count
                seconds.setdefault(name, []).append(value)
    print(f"{given.rows} rows; {given.runs} runs in turn; {machine()}\n")
    print("| | seconds, median (min–max) |\n|---|---|")
    for name, values in seconds.items():
        print(f"| {name} | {spread(values, 2)} |")
    many = project("many", given.many)
    runs = [measure([*check, "--no-tokens"], many) for _ in range(3)]
    rate = given.many / statistics.median(one.seconds for one in runs)
    peak = max(one.peak_mb for one in runs)
    took = spread([one.seconds for one in runs], 2)
    print(f"\n{given.many} rows without tokens: {took} s, {rate:,.0f} rows/s, {peak:.0f} MB")
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
