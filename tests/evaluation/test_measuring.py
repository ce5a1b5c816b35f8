"""What an evaluation in a project measures, by its llf-kit.yaml."""

from __future__ import annotations

from typing import Any

import pytest

from llf_kit.evaluation import measuring
from llf_kit.project import Settings, Sweep


@pytest.mark.parametrize(
    ("said", "measured"),
    [
        ({}, True),
        ({"metrics": ["format", "chrf"], "gate": {"chrf": 30}}, False),
        ({"metrics": ["chrf", "auc"]}, True),
        ({"metrics": ["chrf"], "gate": {"perplexity": 5}}, True),
        ({"metrics": ["chrf"], "sweep": Sweep(metric="perplexity")}, True),
    ],
)
def test_a_model_is_loaded_once_more_for_likelihoods_only_where_they_count(
    said: dict[str, Any], measured: bool
) -> None:
    assert measuring.with_likelihood(Settings(**said)) is measured
