"""How long it takes to score predictions on every metric that fits them, intervals included.

    python benchmarks/scoring.py [--runs 3] [--rows 10000]

Answers of about 130 characters, Chinese and English, made of the shipped rows: each is half of the wanted answer and a
part of another one, so that overlaps are neither empty nor whole. One process a run, with its imports.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
from pathlib import Path

from _measure import machine, measure, spread

from llf_kit.project import text_lines

WORK = Path(__file__).parent / "work" / "scoring"
ROWS = Path(__file__).parent.parent / "datasets" / "lab_qa.jsonl"
BIN = Path(sys.executable).parent


def write(path: Path, rows: int) -> float:
    """Predictions, no two alike; the mean number of characters of an answer."""
    rng = random.Random(22576)
    shipped = [json.loads(line) for line in text_lines(ROWS)]
    lengths = []
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            one, other = rng.choice(shipped), rng.choice(shipped)
            wanted = f"{one['output']}（{number}）"
            said = f"{wanted[: len(wanted) // 2]}{other['output'][:60]}{number}"
            lengths.append(len(said))
            line = {"prompt": one["instruction"], "predict": said, "label": wanted}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return statistics.mean(lengths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000)
    given = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    length = write(WORK / "p.jsonl", given.rows)
    command = [str(BIN / "llf-kit"), "evaluate", "--predictions", "p.jsonl", "--json"]
    runs = [measure(command, WORK) for _ in range(given.runs)]
    print(f"{given.rows} rows, {length:.0f} characters an answer; {given.runs} runs; {machine()}\n")
    print(f"{spread([run.seconds for run in runs])} s, {max(run.peak_mb for run in runs):.0f} MB")
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
