"""Reports made by hand: evaluations of rows that are given as (answer of the base, answer of the tuned, wanted)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llf_kit.evaluation import comparing
from llf_kit.evaluation.fit_verdict import Point, Verdict
from llf_kit.evaluation.intervals import mean_interval
from llf_kit.evaluation.predictions import Prediction
from llf_kit.evaluation.report import Asked, Report
from llf_kit.evaluation.results import Evaluation, Metric, Row
from llf_kit.schema import Language

Told = tuple[str, str | None, str | None, str]  # question, what the base said, what the tuned model said, wanted
METRIC = "value_accuracy"


def metric(scores: Sequence[float | None]) -> Metric:
    known = [score for score in scores if score is not None]
    low, high = mean_interval(known)
    return Metric(sum(known) / len(known) if known else None, low, high, len(known))


def evaluation(name: str, told: Sequence[Told], side: int, **more: Any) -> Evaluation:
    rows = []
    for place, one in enumerate(told, start=1):
        said, wanted = one[side], one[3]
        score = None if said is None else 100.0 * (wanted in said if wanted else not said)
        asked = Prediction(
            f"user: {one[0]}", said, wanted, f"probes:{place}", one[0], "chemistry" if place % 2 else "血液"
        )
        rows.append(Row(asked, {METRIC: score}, {} if score else {METRIC: "another value"}))
    labels = {row.prediction.scenario for row in rows}
    return Evaluation(
        name, "demo_probes", tuple(rows),
        {METRIC: metric([row.scores[METRIC] for row in rows]),
         "perplexity": Metric(8.25 if side == 1 else 2.5, None, None, len(rows)),
         "rouge-l": Metric(None, None, None, 0)},
        {str(label): {METRIC: metric([row.scores[METRIC] for row in rows if row.prediction.scenario == label])}
         for label in sorted(labels, key=str)},
        **more,
    )  # fmt: skip


def fit(turned: bool = True, validation: bool = True) -> Verdict:
    train = tuple(Point("loss", 2.9 * 0.88**step + 0.05, step * 5, step / 4) for step in range(1, 30))
    held = tuple(Point("eval_loss", 2.4 - 0.3 * step + 0.045 * step**2, step * 20, float(step)) for step in range(1, 7))
    said = "Overfitting: validation was best at step 60 (1.91) and rose to 2.22."
    return Verdict(
        "overfitting", held[2] if turned else None, (), "saves/lora/checkpoint-60", ("num_train_epochs=1.5",),
        {"zh": (), "en": ()} if validation else {"zh": ("没有验证损失。",), "en": ("No validation loss was logged.",)},
        {"zh": "过拟合：验证损失在第 60 步最低。", "en": said}, train, held if validation else (),
    )  # fmt: skip


def report(told: Sequence[Told], language: Language = "en", *, base: bool = True, **more: Any) -> Report:
    tuned = evaluation("tuned", told, 2, gate="passed")
    before = evaluation("base", told, 1) if base else None
    compared = comparing.compare([before], [tuned]) if before and told else None
    values: dict[str, Any] = {
        "config": {"model_name_or_path": "/home/li.ming/smollm2", "learning_rate": 2e-3, "dataset": "demo_train"},
        "data": {"demo_train": {"file": "/home/li.ming/datasets/demo_train.jsonl", "rows": 150, "sha256": "ab" * 32}},
        "versions": {"llf-kit": "1.0", "llamafactory": "0.9.5"},
        "device": "cpu (x86_64, linux)",
        "started": "2026-11-24T16:00:00+00:00",
        "seconds": 245.1,
        "fit": fit(),
    }
    return Report("lora", (Asked(tuned, before, compared, seen=0),), language, **{**values, **more})
