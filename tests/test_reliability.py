"""Whatever the rows, the encoding and the batch size are, and whenever the run is killed: nothing is lost or half."""

from __future__ import annotations

import csv
import io
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llf_kit.convert import Plan, Summary, convert
from llf_kit.errors import DataError
from llf_kit.readers import records

Tree = Callable[[dict[str, Any]], Path]

cells = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.sampled_from(["nan", "血钾", "血钾 ", "无", "1,2", '"', "\r\n", "[1]", "['甲']", "{", "3.5～5.3 mmol/L", "𠮷"]),
)
tables = st.lists(st.tuples(cells, cells), min_size=1, max_size=12)
a_few = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def converted(plan: Plan, directory: Path) -> tuple[Summary, dict[str, bytes]] | None:
    """What a conversion counts and writes; None where there is nothing to write."""
    try:
        summary = convert(plan, directory)
    except DataError as error:
        assert "nothing to write" in str(error) or "cannot be shared out among 2 sets" in str(error)
        return None
    files = [*summary.files, *([summary.rejects_file] if summary.rejects_file else [])]
    return summary, {file: (directory / file).read_bytes() for file in files}


@a_few
@given(tables, st.sampled_from([0.0, 0.3]), st.sampled_from(["alpaca", "sharegpt", "openai", "pretrain"]))
def test_the_sum_holds_whatever_the_rows_are(
    tmp_path: Path, table: list[tuple[str | None, str | None]], test: float, format_: str
) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"q": q, "a": a}) + "\n" for q, a in table), encoding="utf-8")
    done = converted(Plan("lab", (tmp_path / "a.jsonl",), format_, test=test), tmp_path)
    if done is None:
        return
    summary = done[0]
    assert summary.read == len(table) == summary.written + summary.duplicates + summary.rejected
    assert sum(len(rows(tmp_path / file)) for file in summary.files) == summary.written
    assert sum(summary.reasons.values()) == summary.rejected
    if summary.rejects_file:
        assert len(rows(tmp_path / summary.rejects_file)) == summary.rejected


@a_few
@given(
    tables, st.sampled_from(["utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-32"]), st.sampled_from([1, 3, 1000])
)
def test_the_output_is_the_same_in_every_encoding_and_batch_size(
    tmp_path: Path, table: list[tuple[str | None, str | None]], encoding: str, size: int
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["问题", "答案"])
    writer.writerows(table)
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    plain = converted(Plan("lab", (tmp_path / "a.csv",), encoding="utf-8", test=0.3), tmp_path)
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding=encoding, newline="")
    with pytest.MonkeyPatch.context() as patch, pl.Config():
        pl.Config.set_streaming_chunk_size(size)
        patch.setattr(records, "_BATCH", size)
        other = converted(Plan("lab", (tmp_path / "a.csv",), encoding=encoding, test=0.3), tmp_path)
    if plain is None or other is None:
        assert plain == other
        return
    assert other[1] == plain[1]
    told = [{**one[0].to_dict(), "decisions": None} for one in (plain, other)]  # they name the encoding
    assert told[0] == told[1]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_run_that_is_killed_at_any_moment_leaves_the_old_files_or_the_new(tree: Tree, ending: str) -> None:
    def text(answer: str) -> str:
        made = ((f"问{n}" * 50, answer * 150) for n in range(30_000))
        if ending == "csv":
            return "q,a\n" + "".join(f"{q},{a}\n" for q, a in made)
        return "".join(json.dumps({"q": q, "a": a}) + "\n" for q, a in made)

    here = tree({f"old.{ending}": text("旧"), f"new.{ending}": text("新")})
    target = here / "datasets/lab.jsonl"
    whole = {}
    for name in ("new", "old"):
        begun = time.monotonic()
        convert(Plan("lab", (here / f"{name}.{ending}",)), here)
        whole[name] = target.read_bytes()
        seconds = time.monotonic() - begun
    rng = random.Random(11643)
    for _ in range(5):
        command = [str(Path(sys.executable).parent / "llf-kit"), "convert", f"new.{ending}", "--name", "lab"]
        child = subprocess.Popen(command, cwd=here, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, seconds + 0.8))
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert target.read_bytes() in whole.values()
        json.loads((here / "dataset_info.json").read_text())
        target.write_bytes(whole["old"])
    convert(Plan("lab", (here / f"new.{ending}",)), here)
    assert target.read_bytes() == whole["new"]
