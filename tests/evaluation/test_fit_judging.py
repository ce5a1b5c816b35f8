"""The verdict on a training: synthetic logs of every kind with noise, and two real runs."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from llf_kit.errors import DataError
from llf_kit.evaluation.fit_judging import judge
from llf_kit.evaluation.results import Evaluation, Metric

Curve = Callable[[float], float]  # of the share of the run that is done


def write_run(
    folder: Path,
    train: Curve | None,
    validation: Curve | None = None,
    *,
    steps: int = 100,
    every: int = 1,
    evaluations: int = 5,
    epochs: float = 5.0,
    noise: float = 0.0,
    seed: int = 0,
    checkpoints: Sequence[int] = (),
    gradient_breaks: int | None = None,
    config: dict[str, object] | None = None,
) -> Path:
    """A run's folder as LLaMA-Factory leaves it."""
    draw = random.Random(seed)
    rows: list[dict[str, object]] = []
    for step in range(every, steps + 1, every):
        share = step / steps
        if train:
            broken = gradient_breaks is not None and step >= gradient_breaks
            loss = max(1e-4, train(share) * (1 + draw.gauss(0, noise)))
            rows.append({"step": step, "epoch": share * epochs, "loss": loss, "learning_rate": 1e-4,
                         "grad_norm": math.nan if broken else 1.0})  # fmt: skip
        if validation and step % (steps // evaluations) == 0:
            loss = validation(share) * (1 + draw.gauss(0, min(noise, 0.2) / 20))
            rows.append({"step": step, "epoch": share * epochs, "eval_loss": loss})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": rows}))
    (folder / "adapter_config.json").write_text("{}")
    for step in checkpoints:
        (folder / f"checkpoint-{step}").mkdir()
        (folder / f"checkpoint-{step}" / "adapter_config.json").write_text("{}")
    if config is not None:
        record = {"command": "train", "output": str(folder), "config": config, "config_file": "", "config_sha256": "",
                  "overrides": [], "data": {}, "versions": {}, "device": "", "started": ""}  # fmt: skip
        (folder / "llf-kit-run.json").write_text(json.dumps(record))
    return folder


def levels_off(share: float) -> float:
    return 1.0 + 1.6 * math.exp(-8 * share)


def goes_to_zero(share: float) -> float:
    return 0.02 + 2.6 * math.exp(-5 * share)


def turns(share: float) -> float:
    return 1.4 + 3 * (share - 0.4) ** 2


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.25])
@pytest.mark.parametrize(
    ("kind", "train", "validation"),
    [
        ("converging", levels_off, lambda share: 1.1 + 1.2 * math.exp(-6 * share)),
        ("overfitting", goes_to_zero, turns),
        ("underfitting", lambda share: 3.0 - 0.8 * share, lambda share: 3.1 - 0.7 * share),
        ("underfitting", lambda share: 3.0 - 0.02 * share, lambda _: 3.1),
        ("diverging", lambda share: 1.5 if share < 0.4 else 1.5 + 8 * (share - 0.4), None),
        ("unknown", levels_off, None),
    ],
    ids=["converging", "overfitting", "still falling", "hardly fell", "diverging", "no validation"],
)
def test_every_kind_is_told_through_noise(
    tmp_path: Path, kind: str, train: Curve, validation: Curve | None, noise: float
) -> None:
    for seed in range(20):
        run = write_run(tmp_path / str(seed), train, validation, noise=noise, seed=seed)
        verdict = judge(run)
        assert verdict.kind == kind, (seed, verdict.sentences["en"])
        assert verdict.sentences["zh"]
        assert verdict.evidence


def test_a_loss_that_jitters_near_zero_has_not_diverged(tmp_path: Path) -> None:
    run = write_run(tmp_path, goes_to_zero, lambda share: 1.4 - 0.4 * (1 - math.exp(-6 * share)), noise=0.9, seed=3)
    assert judge(run).kind == "converging"


def test_overfitting_says_where_it_turned_what_to_keep_and_what_to_try(tmp_path: Path) -> None:
    run = write_run(tmp_path, goes_to_zero, turns, checkpoints=(40, 80, 100))
    verdict = judge(run)
    assert verdict.turned is not None
    assert (verdict.turned.step, verdict.turned.epoch) == (40, 2.0)
    assert verdict.keep == str(run / "checkpoint-40")
    assert verdict.next == ("num_train_epochs=2",)
    assert {(point.name, point.step) for point in verdict.evidence} == {
        ("eval_loss", 40), ("eval_loss", 100), ("loss", 40), ("loss", 100),
    }  # fmt: skip
    assert "lowest at step 40 (epoch 2.00), 1.40" in verdict.sentences["en"]
    assert "第 40 步（第 2.00 轮）最低" in verdict.sentences["zh"]


def test_a_checkpoint_that_is_gone_is_not_recommended(tmp_path: Path) -> None:
    run = write_run(tmp_path / "some", goes_to_zero, turns, checkpoints=(80, 100))
    (run / "checkpoint-60").mkdir()  # without a model in it
    verdict = judge(run)
    assert verdict.keep == str(run / "checkpoint-80")
    assert verdict.next == ("num_train_epochs=2", "save_steps=40")
    assert judge(write_run(tmp_path / "none", goes_to_zero, turns)).keep == str(tmp_path / "none")


def test_validation_that_turned_at_once_asks_for_a_lower_rate(tmp_path: Path) -> None:
    run = write_run(tmp_path, goes_to_zero, lambda share: 1 + share, config={"learning_rate": 2e-3})
    assert judge(run).next == ("learning_rate=0.001", "save_steps=20")


def test_a_number_that_is_none_any_more_is_seen_in_the_gradient(tmp_path: Path) -> None:
    run = write_run(tmp_path, lambda _: 1.0, gradient_breaks=33, checkpoints=(30, 60), config={
        "learning_rate": 1e-3, "fp16": True})  # fmt: skip
    verdict = judge(run)
    assert verdict.kind == "diverging"
    assert verdict.turned is not None and verdict.turned.step == 33
    assert verdict.keep == str(run / "checkpoint-30")
    assert verdict.next == ("bf16=true", "learning_rate=0.0002")
    assert verdict.to_dict()["turned"]["value"] is None
    json.dumps(verdict.to_dict(), allow_nan=False)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    verdict = judge(write_run(tmp_path / "a", levels_off))
    assert "no eval_strategy" in verdict.sentences["en"]
    assert verdict.next == ("eval_strategy=steps", "eval_steps=10", "val_size=0.1")
    once = judge(write_run(tmp_path / "b", levels_off, levels_off, evaluations=1, config={"val_size": 0.1}))
    assert once.kind == "unknown"
    assert "only once" in once.sentences["en"]
    assert once.next == ("eval_strategy=steps", "eval_steps=10")
    blind = judge(write_run(tmp_path / "c", None, lambda _: 1.0, evaluations=1))
    assert "no training loss" in blind.sentences["en"]


def test_memorising_is_told_by_the_same_metric_on_trained_and_on_other_rows(tmp_path: Path) -> None:
    run = write_run(tmp_path, goes_to_zero, lambda share: 1 + math.exp(-8 * share))
    metric = "exact_match"
    trained = Evaluation("tuned", "lab", (), {metric: Metric(98.0, 94.0, 100.0, 60)})
    held_out = Evaluation("tuned", "lab_test", (), {metric: Metric(31.0, 20.0, 43.0, 60)})
    verdict = judge(run, trained, held_out)
    assert verdict.kind == "memorising"
    assert "exact_match is 98.0 (94.0–100.0) on rows that were trained on" in verdict.sentences["en"]
    assert judge(run, trained, trained).kind == "converging"
    unsure = Evaluation("tuned", "lab_test", (), {metric: Metric(70.0, 40.0, 99.0, 6)})
    assert judge(run, trained, unsure).kind == "converging"


def test_a_killed_run_is_read_from_what_there_is(tmp_path: Path) -> None:
    lines = [{"current_steps": step, "loss": 3 - step / 100, "lr": 1e-4, "epoch": step / 50} for step in range(1, 60)]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"current_steps": 60, "lo'
    (tmp_path / "trainer_log.jsonl").write_text(text)
    verdict = judge(tmp_path)
    assert verdict.kind == "underfitting"
    assert verdict.keep is None
    assert "no checkpoint" in verdict.sentences["en"]


def test_a_folder_without_a_log_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no log of a training"):
        judge(tmp_path)
