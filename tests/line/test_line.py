"""The line: what is done again and why, without a model. Real ones are walked in ``tests/test_scenarios.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result

RAW = "question,answer\n" + "".join(
    f"Normal {name} of adults?,{low}-{high} mmol/L\n"
    for name, low, high in (("potassium", 3.5, 5.3), ("sodium", 137, 147), ("chloride", 99, 110), ("calcium", 2, 3))
)
SETTINGS = """name: lab
sources: [raw]
test: 0.5
model: {model}
max_new_tokens: 4
train:
  set: {{precision: fp32, val_size: 0, cutoff_len: 128, num_train_epochs: 2, gradient_accumulation_steps: 1,
        logging_steps: 1}}
"""


@pytest.fixture
def started(tree: Callable[[dict[str, Any]], Path]) -> Path:
    return tree({"raw/a.csv": RAW, "llf-kit.yaml": SETTINGS.format(model="qwen2-1.5b-instruct")})


def told(done: Result) -> dict[str, str]:
    assert done.status == 0, done.err
    return {one["step"]: one["why"] for one in done.json}


def test_only_what_changed_is_done_again_and_why_is_said(llf_kit: Callable[..., Result], started: Path) -> None:
    def run() -> dict[str, str]:
        return told(llf_kit("run", "--until", "render", "--json"))

    assert run() == dict.fromkeys(("convert", "quality", "render"), "for the first time")
    assert run() == dict.fromkeys(("convert", "quality", "render"), "skipped, nothing changed")
    assert (started / ".llf-kit/line.json").stat().st_mode & 0o777 == 0o600

    (started / "raw/b.csv").write_text("question,answer\nNormal magnesium of adults?,0.75-1.02 mmol/L\n")
    again = run()
    assert again["convert"] == "again, because raw/b.csv is new"
    assert again["quality"].startswith("again, because datasets/lab")
    assert again["render"] == "skipped, nothing changed"

    settings = (started / "llf-kit.yaml").read_text()
    (started / "llf-kit.yaml").write_text(settings.replace("cutoff_len: 128", "cutoff_len: 64") + "seed: 7\n")
    again = run()
    assert again["convert"] == "again, because llf-kit.yaml: seed changed"
    assert again["render"] == "again, because llf-kit.yaml: cutoff_len changed, template train/lora_sft changed"
    assert "cutoff_len: 64" in (started / "lora_sft.yaml").read_text()

    (started / "datasets/lab_test.jsonl").unlink()
    (started / ".llf-kit/quality/lab.html").write_text("edited")
    again = run()
    assert again["convert"] == "again, because datasets/lab_test.jsonl is gone"
    assert again["quality"] == "again, because .llf-kit/quality/lab.html changed"


def test_what_was_edited_by_hand_is_kept_and_never_lost(llf_kit: Callable[..., Result], started: Path) -> None:
    llf_kit("run", "--until", "render")
    dataset = started / "datasets/lab.jsonl"
    edited = dataset.read_text().replace("mmol/L", "mmol/L in serum")
    dataset.write_text(edited)
    again = told(llf_kit("run", "--until", "quality", "--json"))
    assert again["convert"] == "skipped, datasets/lab.jsonl changed by hand, which is kept"
    assert again["quality"] == "again, because datasets/lab.jsonl changed"
    (started / "raw/a.csv").write_text(RAW + "Normal urea of adults?,3-8 mmol/L\n")
    done = llf_kit("run")
    assert done.status == 1
    assert "again, because raw/a.csv changed. That would lose the edits" in done.err
    assert dataset.read_text() == edited


def test_a_yaml_of_somebody_elses_is_not_overwritten(llf_kit: Callable[..., Result], started: Path) -> None:
    (started / "lora_sft.yaml").write_text("stage: sft\n")
    done = llf_kit("run", "--until", "render")
    assert (done.status, "was not written by this line. Move it away" in done.err) == (1, True)
    assert (started / "lora_sft.yaml").read_text() == "stage: sft\n"


def test_it_stops_at_errors_of_the_check(llf_kit: Callable[..., Result], started: Path) -> None:
    (started / "llf-kit.yaml").write_text(
        SETTINGS.format(model="./nowhere").replace("set: {", "set: {template: qwen, ")
    )
    done = llf_kit("run")
    assert done.status == 1
    assert "lora_sft.yaml:" in done.err and "nowhere" in done.err and "[model]" in done.err
    assert not (started / "saves").exists()


@pytest.mark.parametrize(
    ("settings", "status", "said"),
    [
        ("{}", 1, ("name: is missing", "sources: is missing")),
        ("name: lab\nsources: [raw]\nfolds: 3\ngate: {value_accuracy: 90}\n", 1, ("crossval", "Add `test: 0.1`")),
        ("name: lab\nsources: [raw]\ntest: 0.5\ngate: {valu_accuracy: 90}\n", 1, ("Did you mean 'value_accuracy'?",)),
        ("name: lab\nsources: [raw]\nmetrics: [rogue-l]\n", 1, ("metrics: rogue-l: there is no such", "'rouge-l'")),
        ("name: lab\nsources: [raw]\ntrain: {template: train/lora_stf}\n", 2, ("Did you mean 'train/lora_sft'?",)),
        ("name: lab\nsources: [raw]\ntrain: {set: {lora_rnak: 8}}\n", 2, ("Did you mean 'lora_rank'?",)),
    ],
)
def test_what_cannot_be_a_line_is_told_before_anything_is_done(
    llf_kit: Callable[..., Result], tree: Callable[..., Path], settings: str, status: int, said: tuple[str, ...]
) -> None:
    here = tree({"raw/a.csv": RAW, "llf-kit.yaml": settings})
    done = llf_kit("run")
    assert done.status == status
    assert all(one in done.err for one in said), done.err
    assert not (here / "datasets").exists()
    assert llf_kit("run", "--until", "trian").status == 2
