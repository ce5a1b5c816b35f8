"""Conversion of a big CSV of Chinese questions and answers, paired with its peers in the same run.

    python benchmarks/convert.py [--rows 500000] [--runs 5] [--only llf-kit --only DuckDB]

Every peer reads the CSV, picks two columns under new names and writes JSON lines, and no more: DuckDB's bare `COPY`,
dtflow's `select`, `datasets.map` with two processes. llf-kit also cleans, masks identifiers, validates, finds
duplicates, counts and writes rejects; once more from a GB18030 copy of the file. A peer that is not installed is left
out: `pip install duckdb dtflow datasets`. The files are made once by a seeded generator, in benchmarks/work; 5,000,000
rows take 3.6 GB there, and as much again for each output.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import random
import shutil
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _measure import Measured, machine, measure, spread

WORK = Path(__file__).parent / "work"
ANALYTES = ("血清钾", "血糖", "肌酐", "尿酸", "血红蛋白", "白细胞计数", "血小板计数", "总胆红素", "促甲状腺激素")
SENTENCES = (
    "请结合临床症状和既往病史综合判断。",
    "建议复查一次以排除标本溶血的影响。",
    "该指标升高常见于肾功能不全、脱水或剧烈运动之后。",
    "参考区间因方法和人群而异，以本实验室报告为准。",
    "标本采集后应在两小时内离心分离血清。",
    "若结果超过危急值界限，应立即电话通知临床并记录。",
    "室内质控在控时方可发出报告。",
    "不同检测系统之间的结果不能直接比较。",
)
DUCKDB = """
import duckdb, sys
duckdb.sql("COPY (SELECT 问题 AS instruction, 答案 AS output "
           f"FROM read_csv('{sys.argv[1]}', all_varchar=true)) TO 'duckdb.jsonl' (FORMAT json)")
"""
DTFLOW = """
import sys
sys.argv = ["dt", "select", sys.argv[1], "instruction=x.问题,output=x.答案", "-o", "dtflow.jsonl"]
from dtflow.__main__ import main
main()
"""
DATASETS = """
import sys
from datasets import load_dataset
if __name__ == "__main__":
    rows = load_dataset("csv", data_files=sys.argv[1], split="train", cache_dir="cache", keep_default_na=False)
    pick = lambda row: {"instruction": row["问题"], "output": row["答案"]}
    picked = rows.map(pick, remove_columns=rows.column_names, num_proc=2)
    picked.to_json("datasets.jsonl", force_ascii=False, num_proc=2)
"""


@dataclass(frozen=True)
class Contestant:
    """What is measured, the file it reads, and the package it needs."""

    name: str
    command: tuple[str, ...]
    package: str = "llf_kit"


def generate(path: Path, rows: int) -> None:
    """About 740 bytes a row; 5 % with a mobile number, 2 % repeated, 1 % without an answer, 5 % with line breaks."""
    rng = random.Random(20120712)
    last = ("", "")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["科室", "问题", "答案"])
        for number in range(rows):
            phone = f"电话13{rng.randrange(10**9):09d}，" if rng.random() < 0.05 else ""
            analyte, value = rng.choice(ANALYTES), rng.uniform(0.1, 300)
            question = f"患者{rng.randint(18, 90)}岁，{analyte}结果为{value:.2f}，{phone}说明什么问题？编号{number}"
            answer = "".join(rng.choices(SENTENCES, k=rng.randint(8, 14)))
            if rng.random() < 0.05:
                answer = answer.replace("。", "。\n")
            if rng.random() < 0.01:
                answer = ""
            if rng.random() < 0.02:
                question, answer = last
            last = (question, answer)
            writer.writerow(["检验科", question, answer])


def made(rows: int, encoding: str) -> Path:
    """The file of so many rows in an encoding; made where it is not there yet."""
    path = WORK / f"qa_{rows}.{encoding}.csv"
    if not path.exists():
        part = path.with_suffix(".part")
        if encoding == "utf-8":
            generate(part, rows)
        else:
            with made(rows, "utf-8").open(newline="") as text, part.open("w", encoding=encoding, newline="") as copy:
                shutil.copyfileobj(text, copy, 1 << 20)
        part.replace(path)
    return path


def contestants(rows: int) -> Iterator[Contestant]:
    """llf-kit first, with identifiers and without: the others are held against these."""
    source = made(rows, "utf-8").name
    python = sys.executable
    ours = (str(Path(python).parent / "llf-kit"), "convert", "--name", "bench")
    yield Contestant("llf-kit", (*ours, source))
    yield Contestant("llf-kit --identifiers off", (*ours, "--identifiers", "off", source))
    yield Contestant("llf-kit, GB18030", (*ours, made(rows, "gb18030").name))
    yield Contestant("DuckDB COPY", (python, "-c", DUCKDB, source), "duckdb")
    yield Contestant("dtflow select", (python, "-c", DTFLOW, source), "dtflow")
    script = WORK / "peer_datasets.py"  # a file: its processes import it
    script.write_text(DATASETS, encoding="utf-8")
    yield Contestant("datasets.map(num_proc=2)", (python, script.name, source), "datasets")


def run(contestant: Contestant) -> Measured:
    shutil.rmtree(WORK / "cache", ignore_errors=True)  # of datasets, which would only load its last result
    return measure(contestant.command, WORK, PYTHONUTF8="1", HF_HUB_OFFLINE="1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", action="append", metavar="NAME", help="contestants whose name begins so")
    given = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    chosen = []
    for one in contestants(given.rows):
        if given.only and not one.name.startswith(tuple(given.only)):
            continue
        if importlib.util.find_spec(one.package):
            chosen.append(one)
        else:
            print(f"{one.name}: left out, {one.package} is not installed")
    if given.runs > 1:
        for one in chosen:  # one turn that does not count
            run(one)
    turns = [{one.name: run(one) for one in chosen} for _ in range(given.runs)]
    size = made(given.rows, "utf-8").stat().st_size / 1e6
    print(f"{given.rows} rows, {size:.0f} MB; {given.runs} runs in turn; {machine()}\n")
    ours = [one.name for one in chosen[:2]]
    against = " | ".join(f"speed of {name} against it" for name in ours)
    print(f"| | seconds, median (min–max) | 1000 rows/s | peak MB | {against} |")
    print("|---|---|---|---|" + "---|" * len(ours))
    for one in chosen:
        seconds = [turn[one.name].seconds for turn in turns]
        ratios = (spread([turn[one.name].seconds / turn[name].seconds for turn in turns], 2) for name in ours)
        peak = max(turn[one.name].peak_mb for turn in turns)
        speed = given.rows / statistics.median(seconds) / 1000
        print(f"| {one.name} | {spread(seconds, 2)} | {speed:.0f} | {peak:.0f} | {' | '.join(ratios)} |")


if __name__ == "__main__":
    main()
