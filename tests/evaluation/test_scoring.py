"""An evaluation as a whole: intervals, sub-scenarios, what is missing, the gate."""

from __future__ import annotations

import pytest
from measured import evaluated, row, value

from llf_kit.errors import ConfigError, UsageError
from llf_kit.evaluation import intervals, scoring
from llf_kit.evaluation.probes import Probe
from llf_kit.evaluation.values import Value


def test_intervals_are_the_same_each_time_and_hold_the_value() -> None:
    rows = [row("A" if place % 4 else "B", "A") for place in range(40)]
    one, other = evaluated(*rows).metrics["accuracy"], evaluated(*rows).metrics["accuracy"]
    assert one == other
    assert one.low is not None and one.high is not None
    # of 40 rows with three quarters right, the normal approximation is 75 ± 13.4
    assert one.low == pytest.approx(61.6, abs=2) and one.high == pytest.approx(88.4, abs=2)


def test_a_fast_interval_is_the_plain_one() -> None:
    values = [float(place % 7) for place in range(50)]
    slow = intervals.interval(50, lambda draw: float(sum(values[place] for place in draw) / 50))
    assert intervals.mean_interval(values) == pytest.approx(slow)
    assert intervals.mean_interval([1.0]) == (None, None)


def test_scenarios_have_their_own_numbers() -> None:
    found = evaluated(row("A", "A", scenario="一"), row("B", "A", scenario="二"), row("A", "A"))
    assert {label: metrics["accuracy"].value for label, metrics in found.scenarios.items()} == {"一": 100, "二": 0}
    assert found.details["kinds"] == {"choice": 3}


def test_nothing_at_all_is_not_zero() -> None:
    found = evaluated(row(None, "请复查"), row(None, "5.3 mmol/L"))
    assert {metric.value for metric in found.metrics.values()} == {None}
    assert found.partial == "2 of 2 predictions are missing"


def test_probes_are_found_by_their_words() -> None:
    probe = Probe("血钾的 参考区间？", (Value("3.5", "5.3", "mmol/L"),), id="k")
    other = Probe("血钠？", (Value("137", "147", "mmol/L"),), id="na")
    rows = [row("3.5-5.3 mmol/L", "", "<|user|>血钾的参考区间？<|end|>"), row("5 mmol/L", "5 mmol/L", "别的")]
    found = evaluated(*rows, probing=[probe, other])
    assert (value(found, "value_accuracy"), found.metrics["value_accuracy"].scored) == (100, 1)
    assert found.details["probes"] == {"asked": 1, "not_asked": ["na"]}


def test_the_gate() -> None:
    found = evaluated(row("A", "A"), row("A", "A"), row("B", "A"), row("A", "A"))
    passed, verdicts = scoring.judged(found, {"accuracy": 75})
    assert (passed.gate, verdicts[0].passed, verdicts[0].sure) == ("passed", True, False)
    assert "its interval reaches" in verdicts[0].text
    assert scoring.judged(found, {"accuracy": 75.1})[0].gate == "failed"
    unscored, verdicts = scoring.judged(found, {"accuracy": 10, "auc": 10})
    assert unscored.gate == "failed" and "auc was not scored" in verdicts[1].text
    numbers = evaluated(row("5.1 g/L", "5.0 g/L"), row("4.9 g/L", "5.0 g/L"))
    assert scoring.judged(numbers, {"mae": 0.2})[0].gate == "passed"
    assert scoring.judged(numbers, {"mae": 0.05})[0].gate == "failed"
    missing = evaluated(row("A", "A"), row(None, "A"))
    assert scoring.judged(missing, {"accuracy": 50})[0].gate == "failed"
    with pytest.raises(ConfigError, match=r"gate\.acuracy: there is no such metric\. Did you mean 'accuracy'"):
        scoring.judged(found, {"acuracy": 1})
    with pytest.raises(UsageError, match="there is no threshold"):
        scoring.judged(found, {})
