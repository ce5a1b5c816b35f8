"""What cleaning and the laboratory checks cost, beside the same conversion without them.

    python benchmarks/cleaning.py [--rows 500000] [--runs 5]

In turn, from the CSV of `benchmarks/convert.py` to JSON lines: reading, mapping, validity, duplicates and writing
alone; with text cleaning; with identifiers masked too; with the laboratory checks too. Wall seconds, and the ratio to
the first turn by turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from _measure import machine, spread
from convert import WORK, made

from llf_kit import cleaning, formats, mapping, readers, screening
from llf_kit.screening import laboratory

Stage = Callable[[pl.LazyFrame], pl.LazyFrame]


def clean(mode: str) -> Stage:
    """Text cleaning, and what ``mode`` makes of identifiers."""
    style, policy = cleaning.text.Style(), cleaning.identifiers.Policy(mode)
    return lambda samples: cleaning.clean(samples, style, policy, cleaning.Cleaned())


CONTESTANTS: dict[str, Stage] = {
    "conversion without them": lambda samples: samples,
    "+ text": clean("off"),
    "+ identifiers": clean("mask"),
    "+ laboratory checks": lambda samples: laboratory.stage(clean("mask")(samples)),
}


def run(source: Path, stage: Stage, work: Path) -> float:
    """Wall seconds of one conversion."""
    begun = time.perf_counter()
    tables = readers.read(source, readers.Opening(work))
    samples = stage(pl.concat([mapping.to_samples(one) for one in mapping.choose(tables, {})]))
    if "flags" in samples.collect_schema():  # they are worked out, as they would be for a page
        samples = samples.with_columns(flagged=pl.col("flags").list.len())
    screened = screening.screen(samples, formats.get("alpaca").unfit, None)
    kept = screened.filter(pl.col("reason").is_null() & ~pl.col("duplicate"))
    formats.get("alpaca").rows(kept).sink_ndjson(work / "out.jsonl", engine="streaming")
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    source = made(given.rows, "utf-8")
    with tempfile.TemporaryDirectory(dir=WORK) as work:
        turns = []
        for number in range(given.runs + 1):
            turn = {name: run(source, stage, Path(work)) for name, stage in CONTESTANTS.items()}
            if number:  # the first does not count
                turns.append(turn)
    first = next(iter(CONTESTANTS))
    print(f"{given.rows} rows; {given.runs} runs in turn; {machine()}\n")
    print("| | seconds, median (min–max) | ratio to the first, turn by turn |\n|---|---|---|")
    for name in CONTESTANTS:
        seconds = [turn[name] for turn in turns]
        print(f"| {name} | {spread(seconds, 2)} | {spread([turn[name] / turn[first] for turn in turns], 2)} |")
    added = statistics.median(turn["+ laboratory checks"] / turn[first] for turn in turns) - 1
    print(f"\nAll three add {added:.2f} of the conversion; the aim is at most 1.")


if __name__ == "__main__":
    main()
