"""All of it, on shipped data and a small real model: convert, render, train, predict, export, ask, and a report.

What it trains on is chosen so that it is honest and fast without a GPU: the English reference intervals. The model,
SmolLM2-135M, hardly knows Chinese; the Chinese rows are converted here and wait for a base model that does.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from llf_kit import base_models, fetching, upstream
from llf_kit.convert import Plan, convert
from llf_kit.errors import UsageError
from llf_kit.evaluation import given, predictions, probes, scoring
from llf_kit.evaluation.predict import Watch
from llf_kit.evaluation.report import Asked, gather, page
from llf_kit.evaluation.results import Evaluation
from llf_kit.project import private_directory, shipped, text_lines, write_text
from llf_kit.render import render_to
from llf_kit.schema import USER
from llf_kit.upstream import Record, Tuned, configs, exporting
from llf_kit.upstream.configs import Config

BASE = "smollm2"
SYSTEM = "You are a clinical laboratory expert."
TRAINED_ON = "reference_intervals_en.csv"
SERVED = 8  # of the probes; each takes about a second
LONGEST = 48  # tokens of an answer
_MARK = ".llf-kit-demo"

# Found by trying, on two cores: enough to learn exact values, within about three minutes of training.
TRAINING = {
    "num_train_epochs": "3.5",
    "learning_rate": "2.0e-3",
    "lora_rank": "16",
    "lora_alpha": "32",
    "per_device_train_batch_size": "8",
    "gradient_accumulation_steps": "1",
    "gradient_checkpointing": "false",
    "val_size": "0",
    "cutoff_len": "256",
    "logging_steps": "5",
    "precision": "fp32",
}


@dataclass
class Outcome:
    """What the demo measured: right answers to ``probes`` questions before and after, losses, seconds, files.

    ``verdict`` says by how much the tuned model is better, with its interval. ``served`` of the questions were asked of
    the merged model through its server, which answered ``served_alike`` of them with the very words of the tuned model.
    """

    probes: int
    right_before: int
    right_after: int
    verdict: str
    train_loss: float
    first_loss: float
    last_loss: float
    served: int
    served_alike: int
    question: str
    answer: str
    wanted: str
    sum: dict[str, int]
    seconds: dict[str, float]
    files: dict[str, str]
    wrong: list[str] = field(default_factory=list)


def run(directory: Path, watch: Watch | None = None, training: Mapping[str, str] | None = None) -> Outcome:
    """Run the demo in ``directory``; a step whose inputs have not changed since the last time is not run again.

    Raises:
        UsageError: the directory holds something else.
        LlfKitError: a step failed; its message says which.
    """
    watch = watch or Watch()
    _claim(directory)
    steps = _Steps(directory, watch)
    watch.status("fetching the base model (once)")
    model = _timed(steps.seconds, "model", lambda: fetching.fetch(BASE, on_status=watch.status))
    watch.status("converting the shipped data")
    total = _timed(steps.seconds, "convert", lambda: _convert(directory))

    base = {"model": str(model), "template": base_models.get(BASE).template}
    asking = {
        **base,
        "eval_dataset": "demo_probes",
        "dataset_dir": str(directory),
        "precision": "fp32",
        "max_new_tokens": str(LONGEST),
        "per_device_eval_batch_size": "16",
        "cutoff_len": "256",
    }
    adapter, merged = directory / "saves" / "lora", directory / "models" / "merged"
    steps.step("base", "predict/generate", asking, directory / "saves" / "base")
    trained = steps.step(
        "train",
        "train/lora_sft",
        {**base, **TRAINING, **(training or {}), "dataset": "demo_train", "dataset_dir": str(directory)},
        adapter,
    )
    steps.step("tuned", "predict/generate", {**asking, "adapter": str(adapter)}, directory / "saves" / "tuned")
    steps.step("export", "export/merge", {**base, "adapter": str(adapter)}, merged)
    expected = _probes(directory)
    answers = steps.ask(merged, [probe.question for probe in expected[:SERVED]])

    watch.status("report")
    asked = _timed(steps.seconds, "report", lambda: _compare(directory, trained, expected))
    after = asked.tuned.rows
    first, last = _losses(adapter / "trainer_log.jsonl")
    return Outcome(
        probes=len(expected),
        right_before=_right(asked.base),
        right_after=_right(asked.tuned),
        verdict=asked.comparison.sentences["en"],
        train_loss=float(trained.result["train_loss"]),
        first_loss=first,
        last_loss=last,
        served=len(answers),
        served_alike=sum(answer == row.prediction.predict for answer, row in zip(answers, after, strict=False)),
        question=expected[0].question,
        answer=answers[0],
        wanted=expected[0].answer,
        sum=total,
        seconds={name: round(value, 1) for name, value in steps.seconds.items()},
        files={
            "data": str(directory / "datasets"),
            "settings": str(directory / "train.yaml"),
            "adapter": str(adapter),
            "answers": str(directory / "saves" / "tuned" / predictions.FILE),
            "merged model": str(merged),
            "report": str(directory / "report.html"),
        },
        wrong=[f"{row.prediction.question} {row.notes[probes.METRIC]}" for row in after if probes.METRIC in row.notes],
    )


class _Steps:
    """Runs the hand-offs in order; once one had to run, everything after it runs too."""

    def __init__(self, directory: Path, watch: Watch) -> None:
        self.seconds: dict[str, float] = {}
        self._directory = directory
        self._watch = watch
        self._changed = False

    def step(self, name: str, template: str, settings: Mapping[str, str], output: Path) -> Record:
        config = self._directory / f"{name}.yaml"
        command: Literal["train", "export"] = "export" if template.startswith("export/") else "train"
        key = "export_dir" if command == "export" else "output_dir"
        render_to(config, template, {**settings, key: str(output)})
        plan = exporting.planned(upstream.find(config, leaves=True)) if command == "export" else configs.load(config)
        finished = None if self._changed else _finished(plan, output)
        if finished is None:
            self._changed = True
            shutil.rmtree(output, ignore_errors=True)
            self._watch.status(f"{name} …")
            if isinstance(plan, Config):
                finished = upstream.run("train", plan, on_progress=self._watch.progress)
            else:
                finished = exporting.export(plan).record
        self.seconds[name] = finished.seconds or 0.0
        return finished

    def ask(self, model: Path, questions: Sequence[str]) -> list[str]:
        """What the served model answers, each question alone."""
        kept = model / "llf-kit-answers.json"
        if not self._changed and kept.is_file():
            said: list[str] = json.loads(kept.read_text(encoding="utf-8"))
            return said
        self._watch.status("serve …")
        begun = time.monotonic()
        with upstream.served(upstream.find(model), log=private_directory(self._directory) / "serve.log") as client:
            answers = [
                client.ask([{"role": USER, "content": question}], max_tokens=LONGEST).strip() for question in questions
            ]
        self.seconds["serve"] = time.monotonic() - begun
        write_text(kept, json.dumps(answers, ensure_ascii=False) + "\n")
        return answers


def _finished(plan: Config | Tuned, output: Path) -> Record | None:
    return upstream.finished("train", plan, output) if isinstance(plan, Config) else exporting.exported(plan)


def _claim(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()) and not (directory / _MARK).exists():
        raise UsageError(f"{directory}: is not empty and not a demo's. Give another folder.")
    write_text(directory / _MARK, "This folder belongs to `llf-kit demo`, which may replace what is in it.\n")


def _convert(directory: Path) -> dict[str, int]:
    raw = directory / "raw"
    shutil.copytree(shipped("datasets/raw"), raw, dirs_exist_ok=True)
    summary = convert(Plan("lab_qa", (raw,), test=0.1), directory)
    convert(Plan("demo_train", (raw / TRAINED_ON,), system=SYSTEM), directory)
    asked = _probes(directory)
    rows = [{"question": probe.question, "answer": probe.answer} for probe in asked]
    file = directory / "probes" / "demo_probes.jsonl"
    write_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    convert(Plan("demo_probes", (file,), system=SYSTEM), directory)
    return {name: getattr(summary, name) for name in ("read", "written", "duplicates", "rejected")}


def _probes(directory: Path) -> list[probes.Probe]:
    """The English probes; the file is copied, so that everything the demo used can be looked at in one place."""
    file = directory / "probes" / "probes.jsonl"
    write_text(file, shipped("datasets/probes.jsonl").read_text(encoding="utf-8"))
    return [probe for probe in probes.load(file) if probe.language == "en"]


def _compare(directory: Path, trained: Record, expected: Sequence[probes.Probe]) -> Asked:
    """Base against tuned, value by value, and the page that shows it."""

    def measured(name: str) -> Evaluation:
        file = directory / "saves" / name
        found = given.with_probes(given.from_file(directory, file, "demo_probes"), expected, file)
        return scoring.evaluate(found.rows, name=name, dataset="demo_probes", probing=expected, lacking=found.lacking)

    asked = gather.against(directory, measured("base"), measured("tuned"), trained)
    report = gather.made(directory, Path(trained.output), [asked])
    write_text(directory / "report.html", page.html(report), mode=0o600)
    return asked


def _right(evaluation: Evaluation) -> int:
    return sum(row.scores[probes.METRIC] == 100 for row in evaluation.rows)


def _losses(log: Path) -> tuple[float, float]:
    found = [json.loads(line).get("loss") for line in text_lines(log)]
    losses = [float(loss) for loss in found if loss is not None]
    return losses[0], losses[-1]


def _timed(seconds: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    begun = time.monotonic()
    result = work()
    seconds[name] = time.monotonic() - begun
    return result
