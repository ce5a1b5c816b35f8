"""The release gate: thresholds that a model has to reach before it is used (``gate:`` in llf-kit.yaml).

A threshold is the least value (``value_accuracy: 90``); of metrics where less is better (mse, mae, perplexity,
repetition) it is the most. The value itself is compared; whether the whole of its 95 % interval passes is said too,
since a value that passes by luck passes once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llf_kit.errors import ConfigError, UsageError, did_you_mean
from llf_kit.evaluation.metrics import NAMES
from llf_kit.evaluation.results import Metric
from llf_kit.project import PROJECT_FILE


@dataclass(frozen=True)
class Judgement:
    """One threshold: whether it was reached, whether the interval's worse end reaches it too, and that in words."""

    name: str
    threshold: float
    passed: bool
    sure: bool
    text: str


def check(thresholds: Mapping[str, float], where: str = f"{PROJECT_FILE}: gate") -> None:
    """Raise for names that are none, and for a gate without a threshold.

    Raises:
        ConfigError: a name is no metric; all of them at once.
        UsageError: there is no threshold.
    """
    unknown = [f"{where}.{name}: there is no such metric. {did_you_mean(name, NAMES)}" for name in thresholds
               if name not in NAMES]  # fmt: skip
    if unknown:
        raise ConfigError(*unknown)
    if not thresholds:
        raise UsageError(f"--gate: there is no threshold. Write them into {PROJECT_FILE}, such as `gate: "
                         "{value_accuracy: 90}`.")  # fmt: skip


def judge(metrics: Mapping[str, Metric], thresholds: Mapping[str, float]) -> list[Judgement]:
    """Each threshold against what was measured; a metric that was not scored has not passed."""
    return [_judge(name, metrics.get(name), threshold) for name, threshold in thresholds.items()]


def _judge(name: str, metric: Metric | None, threshold: float) -> Judgement:
    sign, words = (-1, "at most") if NAMES[name].most else (1, "at least")
    if metric is None or metric.value is None:
        return Judgement(name, threshold, False, False, f"{name} was not scored; {words} {threshold:g} is wanted")
    passed = sign * metric.value >= sign * threshold
    worse = metric.high if NAMES[name].most else metric.low
    sure = passed and worse is not None and sign * worse >= sign * threshold
    text = f"{name} is {metric.value:.2f}; {words} {threshold:g} is wanted"
    if passed and not sure:
        text += "; there are too few rows to be sure" if worse is None else f"; its interval reaches {worse:.2f}"
    return Judgement(name, threshold, passed, sure, text)
