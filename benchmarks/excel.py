"""Reading an Excel workbook of Chinese questions and answers into raw rows.

    python benchmarks/excel.py [--rows 100000] [--runs 5]

The workbook is made once by a seeded generator, in benchmarks/work.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from _measure import machine, spread
from convert import ANALYTES, SENTENCES, WORK

from llf_kit import readers


def generate(path: Path, rows: int) -> None:
    import openpyxl

    rng = random.Random(20120712)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("问答")
    sheet.append(["科室", "问题", "答案"])
    for number in range(rows):
        question = f"患者{rng.randint(18, 90)}岁，{rng.choice(ANALYTES)}结果异常，说明什么问题？编号{number}"
        sheet.append(["检验科", question, "".join(rng.choices(SENTENCES, k=rng.randint(3, 6)))])
    book.save(path)


def read(path: Path) -> float:
    with tempfile.TemporaryDirectory() as work:
        begun = time.monotonic()
        rows = readers.read(path, readers.Opening(Path(work)))[0].rows.collect()
        seconds = time.monotonic() - begun
    if rows["reason"].null_count() != len(rows):
        raise SystemExit(f"{path}: rows were rejected")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    source = WORK / f"qa_{given.rows}.xlsx"
    if not source.exists():
        generate(source, given.rows)
    read(source)  # one turn that does not count
    seconds = [read(source) for _ in range(given.runs)]
    print(f"{given.rows} rows × 3 columns, {source.stat().st_size / 1e6:.1f} MB; {given.runs} runs; {machine()}")
    print(f"seconds, median (min–max): {spread(seconds, 2)}")


if __name__ == "__main__":
    main()
