"""Conversion of a big CSV of Chinese questions and answers, paired with DuckDB's bare COPY in the same run.

    python benchmarks/convert.py [--rows 500000] [--runs 5]

DuckDB only copies two columns to JSON; llf-kit also cleans, masks identifiers, validates, finds duplicates, and writes
rejects. Needs `pip install duckdb`. The file is made once by a seeded generator, in benchmarks/work.
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import sys
from pathlib import Path

from _measure import machine, measure, spread

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    source = WORK / f"qa_{given.rows}.csv"
    if not source.exists():
        generate(source, given.rows)
    copy = (
        f"import duckdb; duckdb.sql(\"COPY (SELECT 问题 AS instruction, 答案 AS output FROM read_csv('{source.name}', "
        f"all_varchar=true)) TO 'duckdb.json' (FORMAT json)\")"
    )
    ours = [str(Path(sys.executable).parent / "llf-kit"), "convert", source.name, "--name", "bench"]
    peers = {"llf-kit convert": ours, "DuckDB COPY": [sys.executable, "-c", copy]}
    for command in peers.values():  # one turn that does not count
        measure(command, WORK)
    turns = [{name: measure(command, WORK) for name, command in peers.items()} for _ in range(given.runs)]
    print(f"{given.rows} rows, {source.stat().st_size / 1e6:.0f} MB; {given.runs} runs in turn; {machine()}\n")
    print("| | seconds, median (min–max) | 1000 rows/s | peak MB |\n|---|---|---|---|")
    for name in peers:
        seconds = [turn[name].seconds for turn in turns]
        peak = max(turn[name].peak_mb for turn in turns)
        speed = given.rows / statistics.median(seconds) / 1000
        print(f"| {name} | {spread(seconds, 2)} | {speed:.0f} | {peak:.0f} |")
    ratios = [turn["DuckDB COPY"].seconds / turn["llf-kit convert"].seconds for turn in turns]
    print(f"\nspeed against DuckDB, pair by pair: {spread(ratios, 2)}")


if __name__ == "__main__":
    main()
