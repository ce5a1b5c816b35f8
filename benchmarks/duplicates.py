"""Near duplicates: signatures a second beside rensa alone and datasketch, and a million short rows as a whole.

    python benchmarks/duplicates.py [--runs 5] [--batch 20000] [--rows 1000000]

Signatures: 128 values from the n-grams of three characters of the same texts, ours, rensa's (as its documentation uses
it, with lists of n-grams made in Python; and its part without making them) and datasketch's, in turn. Then `--rows`
rows of a question and an answer: one in ten again with another ending, one in twenty again with another number; what
`llf_kit.screening.near.clusters` and `llf-kit convert --near-duplicates 0.9` take, and how many of both were merged.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from _measure import machine, measure, spread

WORK = Path(__file__).parent / "work" / "duplicates"
BIN = Path(sys.executable).parent
LETTERS = (
    "的了在是有和与及或者对从由于因为所以如果但是检验标本结果参考区间临床医生报告复查离心分检测方法说明建议样品仪器"
)
CLUSTERS = """
import json, sys
import polars as pl
from llf_kit.screening import near
texts = pl.read_ndjson(sys.argv[1]).select(pl.concat_str("question", "answer", separator="\\n")).to_series()
found = near.clusters(texts, 0.9)
json.dump(found, open(sys.argv[2], "w"))
"""


def phrase(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(LETTERS, k=length))


def generate(path: Path, rows: int) -> tuple[int, int]:
    """About 110 characters a row; how many near duplicates, and how many look-alikes that are none."""
    rng = random.Random(405)
    near = alike = 0
    last = ("", "", "")
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            kind = rng.random()
            if number and kind < 0.1:
                near += 1
                question, value, answer = last
                row = {"question": f"{question}结果{value}呢", "answer": f"{answer}。"}
            elif number and kind < 0.15:
                alike += 1
                question, _, answer = last
                row = {"question": f"{question}结果{rng.uniform(100, 999):.2f}", "answer": answer}
            else:
                last = (phrase(rng, rng.randint(30, 50)), f"{rng.uniform(0.1, 99):.2f}", phrase(rng, 60))
                question, value, answer = last
                row = {"question": f"{question}结果{value}", "answer": answer}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return near, alike


def contestants(texts: list[str]) -> dict[str, Callable[[], float]]:
    """Seconds that each takes for a thousand texts."""
    import datasketch
    import polars as pl
    import rensa

    from llf_kit.screening.near.signatures import SIZE, signatures

    few = texts[: max(len(texts) // 20, 1)]  # datasketch takes long enough

    def timed(work: Callable[[], object], count: int) -> float:
        begun = time.perf_counter()
        work()
        return (time.perf_counter() - begun) / count * 1000

    def grams(text: str) -> list[str]:
        return [text[start : start + 3] for start in range(len(text) - 2)]

    def ours() -> float:
        series, kinds = pl.Series(texts), pl.zeros(len(texts), dtype=pl.UInt64, eager=True)
        return timed(lambda: signatures((series,), kinds), len(texts))

    def rensa_whole() -> float:
        digest = rensa.RMinHash.digest_matrix_from_token_sets
        return timed(lambda: digest([grams(text) for text in texts], num_perm=SIZE, seed=42).to_rows(), len(texts))

    def rensa_alone() -> float:
        made = [grams(text) for text in texts]
        digest = rensa.RMinHash.digest_matrix_from_token_sets
        return timed(lambda: digest(made, num_perm=SIZE, seed=42).to_rows(), len(texts))

    def sketch() -> None:
        for text in few:
            made = datasketch.MinHash(num_perm=SIZE, seed=42)
            made.update_batch([gram.encode() for gram in grams(text)])

    return {
        "llf-kit, texts to signatures": ours,
        "rensa, texts to signatures": rensa_whole,
        "rensa, n-grams to signatures": rensa_alone,
        "datasketch, texts to signatures": lambda: timed(sketch, len(few)),
    }


def signatures_a_second(runs: int, batch: int) -> None:
    rng = random.Random(22576)
    turns = contestants([phrase(rng, rng.randint(60, 160)) for _ in range(batch)])
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for run in range(runs + 1):
        for name, one in turns.items():
            took = one()
            if run:  # the first does not count
                seconds[name].append(took)
    first = next(iter(turns))
    print("| | 1000 signatures/s, median (min–max) | llf-kit against it, turn by turn |\n|---|---|---|")
    for name, values in seconds.items():
        rates = [1 / value for value in values]
        ratio = [value / own for value, own in zip(values, seconds[first], strict=True)]
        print(f"| {name} | {spread(rates)} | {spread(ratio, 2)} |")


def million(rows: int) -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    near, alike = generate(WORK / "rows.jsonl", rows)
    size = (WORK / "rows.jsonl").stat().st_size / 1e6
    print(f"\n{rows} rows, {size:.0f} MB; {near} near duplicates and {alike} look-alikes with another number\n")
    took = measure([sys.executable, "-c", CLUSTERS, "rows.jsonl", "found.json"], WORK)
    merged = sum(len(cluster) - 1 for cluster in json.loads((WORK / "found.json").read_text()))
    print(f"near.clusters: {took.seconds:.0f} s, {took.peak_mb:.0f} MB, {merged} merged")
    command = [str(BIN / "llf-kit"), "convert", "rows.jsonl", "--name", "bench"]
    for options in ([], ["--near-duplicates", "0.9"], ["--test", "0.1"]):
        took = measure([*command, *options], WORK)
        print(f"convert {' '.join(options)}: {took.seconds:.0f} s, {took.peak_mb:.0f} MB")
        if "--near-duplicates" in options:
            with (WORK / ".llf-kit/clusters/bench.jsonl").open(encoding="utf-8") as file:
                print(f"  {sum(not json.loads(line)['kept'] for line in file)} left out")
    shutil.rmtree(WORK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    print(f"{given.batch} texts, {given.runs} runs in turn; {machine()}\n")
    signatures_a_second(given.runs, given.batch)
    if given.rows:
        million(given.rows)


if __name__ == "__main__":
    main()
