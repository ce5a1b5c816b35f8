"""Judge whether a training fits, from its logs.

What counts as much or little is one table, :data:`THRESHOLDS`; nothing else in this file is a matter of taste. A single
loss is that of one batch and jumps about, so training losses are smoothed by a running median over a tenth of the run
on either side, and a fall counts only beyond its noise. Validation losses are of the same rows every time, and are
taken as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llf_kit.evaluation import shapes, training_log
from llf_kit.evaluation.comparing import MAIN
from llf_kit.evaluation.fit_verdict import Kind, Point, Verdict
from llf_kit.evaluation.paired import LOWER_IS_BETTER
from llf_kit.evaluation.results import Evaluation, Metric
from llf_kit.evaluation.training_log import TrainingLog
from llf_kit.evaluation.wording import LANGUAGES, number, said


@dataclass(frozen=True)
class Thresholds:
    """Found on noisy synthetic curves (tests/evaluation/test_fit_judging.py) and chosen so that doubt is not a finding.

    - ``rise`` 5 %: validation loss above its lowest. On the same rows, runs that have converged move by 1 to 2 %.
    - ``growth`` 50 % and ``growth_nats`` 0.3: smoothed training loss above its lowest. The share alone would call the
      jitter of a loss near 0 a divergence; 0.3 nats is a fifth of what an ordinary fine-tuning gains in all.
    - ``hardly`` 10 %: a training loss that fell by less has learned next to nothing.
    - ``steep`` 20 % of the whole fall in the last third of the steps (of validation, where there are three): a straight
      line has 33 %, a curve that levels off (its last third begins after two or more half-lives) has less than 20 %.
    - ``still`` 1 %: validation that gains less from one evaluation to the next has levelled off.
    - ``sure`` 2.5: a fall within so many standard errors of the jitter between neighbouring steps is none.
    - ``gap`` 20 points: a metric on trained rows above that on held-out rows, their intervals apart.
    - ``updates`` 20: fewer optimiser steps than this are a trial, with a warm-up of a tenth hardly two of full rate.
    """

    rise: float = 0.05
    growth: float = 0.5
    growth_nats: float = 0.3
    hardly: float = 0.1
    steep: float = 0.2
    still: float = 0.01
    sure: float = 2.5
    gap: float = 20.0
    updates: int = 20


THRESHOLDS = Thresholds()


def judge(folder: Path, trained: Evaluation | None = None, held_out: Evaluation | None = None) -> Verdict:
    """The verdict on the training in ``folder``.

    Memorising can be told from learning where the same model was evaluated on rows it was ``trained`` on and on
    ``held_out`` ones.

    Raises:
        DataError: the folder holds no log of a training.
    """
    log = training_log.read(folder)
    smooth = shapes.smoothed(shapes.finite(log.train))
    turned = _turned(log.validation)
    base = Verdict("unknown", None, (), _keep(log, None), (), _missing(log), {}, log.train, log.validation)
    if grown := _diverged(log, smooth):
        made = _diverging(base, log, smooth, grown)
    elif (gap := _memorised(trained, held_out)) is not None:
        made = _memorising(base, log, gap, turned)
    elif turned:
        made = _overfitting(base, log, turned)
    elif smooth and (how := _underfitted(log, shapes.ends(shapes.finite(log.train)))):
        made = _underfitting(base, log, how)
    elif len(log.validation) < 2:
        made = _unknown(base, log)
    else:
        made = _converging(base, log)
    return made


def _missing(log: TrainingLog) -> dict[str, tuple[str, ...]]:
    names = []
    if not log.train:
        names.append("no_loss")
    if not log.validation:
        names.append("no_validation")
    elif len(log.validation) < 2:
        names.append("one_validation")
    return {language: tuple(said(name, language) for name in names) for language in LANGUAGES}


def _diverged(log: TrainingLog, smooth: Sequence[Point]) -> Point | None:
    """Where a number was none any more, or the loss began to grow.

    The Trainer hides a loss that is no number behind the mean of the others (``logging_nan_inf_filter``); the gradient
    still shows it.
    """
    broken = [point for point in (*log.train, *log.validation, *log.gradients) if not math.isfinite(point.value)]
    if broken:
        return min(broken, key=lambda point: point.step or 0)
    if not smooth:
        return None
    lowest = min(smooth, key=lambda point: point.value)
    last = smooth[-1].value
    grown = last > lowest.value * (1 + THRESHOLDS.growth) and last - lowest.value > THRESHOLDS.growth_nats
    return lowest if grown else None


def _turned(validation: Sequence[Point]) -> Point | None:
    """Where validation was lowest, if it has risen since."""
    if len(validation) < 2:
        return None
    lowest = min(validation, key=lambda point: point.value)
    return lowest if validation[-1].value > lowest.value * (1 + THRESHOLDS.rise) else None


def _memorised(trained: Evaluation | None, held_out: Evaluation | None) -> tuple[str, Metric, Metric] | None:
    """The metric by which trained rows are answered far better than held-out ones."""
    if trained is None or held_out is None:
        return None
    shared = [name for name in MAIN if name in trained.metrics and name in held_out.metrics]
    for name in (name for name in shared if name not in LOWER_IS_BETTER):
        known, new = trained.metrics[name], held_out.metrics[name]
        if known.value is None or new.value is None:
            continue
        apart = known.low is not None and new.high is not None and known.low > new.high
        return (name, known, new) if apart and known.value - new.value >= THRESHOLDS.gap else None
    return None


def _underfitted(log: TrainingLog, ends: tuple[Point, Point]) -> str | None:
    """How it was too little: ``hardly`` fell, or ``falling`` at the end still; None where it was enough."""
    points = shapes.finite(log.train)
    fall = ends[0].value - ends[1].value
    noise = shapes.jitter(points) * math.sqrt(2 / max(1, len(points) // 10))
    if fall < THRESHOLDS.hardly * ends[0].value or fall < THRESHOLDS.sure * noise:
        return "hardly"
    validated = log.validation
    if len(validated) >= 2 and validated[-1].value > validated[-2].value * (1 - THRESHOLDS.still):
        return None
    if len(validated) >= 3:
        late, fall, doubt = shapes.late(validated), validated[0].value - validated[-1].value, 0.0
    else:
        late, doubt = shapes.late(points), shapes.jitter(points) * math.sqrt(12 / max(1, len(points) // 3))
    return "falling" if late >= THRESHOLDS.steep * fall and late > THRESHOLDS.sure * doubt else None


def _keep(log: TrainingLog, turned: Point | None, *, before: bool = False) -> str | None:
    """The folder to go on with: where validation was lowest; ``before`` the turn; else what the run ended with."""
    if turned is not None and before:
        sound = [path for step, path in log.checkpoints.items() if step <= (turned.step or 0)]
        return str(sound[-1]) if sound else None
    best_is_loaded = log.config.get("load_best_model_at_end") is True
    if turned is not None and log.checkpoints and not (best_is_loaded and log.whole):
        best = min(log.checkpoints, key=lambda step: shapes.at(log.validation, step))
        return str(log.checkpoints[best])
    return str(log.folder) if log.whole else str([*log.checkpoints.values()][-1]) if log.checkpoints else None


def _diverging(base: Verdict, log: TrainingLog, smooth: Sequence[Point], turned: Point) -> Verdict:
    broken = not math.isfinite(turned.value)
    last = smooth[-1:] if not broken else []
    rate = _rate(log)
    tries = [f"learning_rate={_float(rate / 5)}"] if rate else ["warmup_ratio=0.1"]
    if broken and log.config.get("fp16") is True:
        tries.insert(0, "bf16=true")
    return _made(
        base,
        "diverging",
        "diverging_broken" if broken else "diverging",
        turned=turned,
        evidence=(turned, *last),
        keep=_keep(log, turned, before=True),
        tries=tries,
        name=turned.name,
        lowest=number(turned.value),
        last=number(last[0].value) if last else "",
        end=log.steps,
    )


def _memorising(base: Verdict, log: TrainingLog, gap: tuple[str, Metric, Metric], turned: Point | None) -> Verdict:
    name, known, new = gap
    found = [Point(f"{name}, {rows}", one.value or 0.0, None, None) for rows, one in
             (("trained", known), ("held-out", new))]  # fmt: skip
    return _made(
        base,
        "memorising",
        "memorising",
        turned=turned,
        evidence=(*found, *((turned, log.validation[-1]) if turned else ())),
        keep=_keep(log, turned),
        tries=[_fewer_epochs(log, turned)],
        metric=name,
        known=number(known.value),
        known_low=number(known.low),
        known_high=number(known.high),
        new=number(new.value),
        new_low=number(new.low),
        new_high=number(new.high),
    )


def _overfitting(base: Verdict, log: TrainingLog, turned: Point) -> Verdict:
    last = log.validation[-1]
    keep = _keep(log, turned)
    tries = [_fewer_epochs(log, turned)]
    kept = [step for step, path in log.checkpoints.items() if str(path) == keep]
    if not kept or shapes.at(log.validation, kept[0]) > turned.value * (1 + THRESHOLDS.rise):
        tries.append(f"save_steps={turned.step}")  # none was kept from near the turn
    at_turn = [Point("loss", shapes.at(log.train, turned.step or 0), turned.step, turned.epoch)] if log.train else []
    return _made(
        base,
        "overfitting",
        "overfitting",
        turned=turned,
        evidence=(turned, last, *at_turn, *log.train[-1:]),
        keep=keep,
        tries=tries,
        lowest=number(turned.value),
        last=number(last.value),
        end=last.step,
        train=number(log.train[-1].value) if log.train else "–",
    )


def _underfitting(base: Verdict, log: TrainingLog, how: str) -> Verdict:
    first, last = shapes.ends(shapes.finite(log.train))
    accumulation = log.config.get("gradient_accumulation_steps")
    rate = _rate(log)
    if log.steps < THRESHOLDS.updates and isinstance(accumulation, int) and accumulation > 1:
        tries = ["gradient_accumulation_steps=1"]
    elif how == "hardly" and rate and log.steps >= THRESHOLDS.updates:
        tries = [f"learning_rate={_float(rate * 3)}"]
    else:
        tries = [_longer(log)]
    few = log.steps < THRESHOLDS.updates
    return _made(
        base,
        "underfitting",
        "underfitting_few" if few else f"underfitting_{how}",
        evidence=(first, last, *log.validation[-2:]),
        keep=base.keep,
        tries=tries,
        first=number(first.value),
        last=number(last.value),
        end=log.steps,
    )


def _unknown(base: Verdict, log: TrainingLog) -> Verdict:
    tries = ["eval_strategy=steps", f"eval_steps={max(1, log.steps // 10)}"]
    if not log.config.get("eval_dataset") and not log.config.get("val_size"):
        tries.append("val_size=0.1")
    if not log.train:
        tries = ["logging_steps=1"]
    return _made(
        base,
        "unknown",
        "unknown",
        evidence=(*log.train[:1], *log.train[-1:], *log.validation),
        keep=base.keep,
        tries=tries,
        missing={language: "；".join(found) if language == "zh" else "; ".join(found)
                 for language, found in base.missing.items()},
    )  # fmt: skip


def _converging(base: Verdict, log: TrainingLog) -> Verdict:
    lowest = min(log.validation, key=lambda point: point.value)
    return _made(
        base,
        "converging",
        "converging",
        evidence=(
            *(shapes.ends(shapes.finite(log.train)) if log.train else ()),
            log.validation[0],
            lowest,
            log.validation[-1],
        ),
        keep=base.keep,
        tries=[],
        first=number(log.validation[0].value),
        last=number(log.validation[-1].value),
        lowest=number(lowest.value),
        end=log.validation[-1].step,
    )


def _made(
    base: Verdict,
    kind: Kind,
    text: str,
    *,
    evidence: Sequence[Point],
    keep: str | None,
    tries: Sequence[str],
    turned: Point | None = None,
    missing: dict[str, str] | None = None,
    **values: Any,
) -> Verdict:
    at = {"step": turned.step, "epoch": "–" if turned.epoch is None else f"{turned.epoch:.2f}"} if turned else {}
    sentences = {
        language: said(text, language, **values, **at, missing=(missing or {}).get(language, ""))
        + (said("keep", language, keep=keep) if keep else said("keep_none", language))
        + (said("try", language, settings=" ".join(tries)) if tries else "")
        for language in LANGUAGES
    }
    return replace(base, kind=kind, turned=turned, evidence=tuple(evidence), keep=keep, next=tuple(tries),
                   sentences=sentences)  # fmt: skip


def _rate(log: TrainingLog) -> float | None:
    """The highest learning rate: as it was set, else as it was logged."""
    given = log.config.get("learning_rate")
    return float(given) if isinstance(given, (int, float)) else max((one.value for one in log.rates), default=None)


def _epochs(log: TrainingLog) -> float:
    """How often every row was to be seen: as it was set, else as far as the log goes."""
    given = log.config.get("num_train_epochs")
    if isinstance(given, (int, float)):
        return float(given)
    return max((one.epoch or 0.0 for one in (*log.train, *log.validation)), default=0.0) or 1.0


def _longer(log: TrainingLog) -> str:
    most = log.config.get("max_steps")
    if isinstance(most, int) and most > 0:
        return f"max_steps={2 * most}"
    return f"num_train_epochs={_float(2 * _epochs(log))}"


def _fewer_epochs(log: TrainingLog, turned: Point | None) -> str:
    """Stop where validation turned; where it turned at once, or nobody knows where, go more slowly or half as long."""
    most = log.config.get("max_steps")
    if turned is not None and turned.step == log.validation[0].step and (rate := _rate(log)):
        return f"learning_rate={_float(rate / 2)}"
    if isinstance(most, int) and most > 0:
        return f"max_steps={turned.step if turned else max(1, most // 2)}"
    return f"num_train_epochs={_float(turned.epoch if turned and turned.epoch else _epochs(log) / 2)}"


def _float(value: float) -> str:
    """A number as LLaMA-Factory's YAML takes it for one: 1.0e-05, not 1e-05."""
    text = f"{value:.2g}" if value < 0.01 else f"{value:.2f}".rstrip("0").removesuffix(".")
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{power}" if exponent else text
