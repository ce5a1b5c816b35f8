"""Every shipped template with data of ours is sound: neither an error nor a warning, whatever there is to look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import REPOSITORY

from llf_kit import checks
from llf_kit.convert import Plan, convert
from llf_kit.render import load, render_to, templates

GOLDEN = REPOSITORY / "tests/golden"
DATA = {"train/dpo": "pairs", "train/kto": "judged", "train/pretrain": "texts"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a dataset for every stage, and an adapter to merge."""
    here = tmp_path_factory.mktemp("sound")
    convert(Plan("lab", (REPOSITORY / "datasets/raw",), test=0.1), here)
    convert(Plan("pairs", (GOLDEN / "raw_pairs.jsonl",)), here)
    convert(Plan("judged", (GOLDEN / "raw_judged.jsonl",)), here)
    convert(Plan("texts", (REPOSITORY / "datasets/raw",), "pretrain"), here)
    return here


def wrong(here: Path, name: str, model: str) -> list[str]:
    adapter = here / "saves/lora_sft"
    adapter.mkdir(parents=True, exist_ok=True)
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": model}))
    settings = {"model": model}
    takes = load(name).parameters
    settings |= {"dataset": DATA.get(name, "lab")} if "dataset" in takes else {}
    settings |= {"export_quantization_dataset": "datasets/texts.jsonl"} if name == "export/quantized" else {}
    settings |= {"eval_dataset": "lab_test"} if name == "predict/generate" else {}
    path = here / f"{name.replace('/', '_')}.yaml"
    render_to(path, name, settings)
    found = checks.check(path.relative_to(here))
    return [str(one) for one in found if one.severity != "info"]


@pytest.mark.parametrize("name", templates())
def test_with_a_model_of_a_hub(data: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(data)
    assert wrong(data, name, "Qwen/Qwen2-1.5B-Instruct") == []


@pytest.mark.real
@pytest.mark.parametrize("name", templates())
def test_with_the_small_model(data: Path, smollm2: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(data)
    assert wrong(data, name, str(smollm2)) == []
