"""The base model against its adapters, the names of modules and the length of texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ask_upstream

from llf_kit.checks import model
from llf_kit.checks.subject import Subject
from llf_kit.upstream import arguments, configs, weights

Build = Callable[[dict[str, Any]], Path]
LAYER = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.down_proj")


def safetensors(shapes: dict[str, list[int]]) -> bytes:
    """A file with a header and no numbers, which is all that is read."""
    header = json.dumps(
        {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    )
    return len(header).to_bytes(8, "little") + header.encode()


def folder(name: str = "model") -> dict[str, Any]:
    shapes = {f"model.layers.{layer}.{one}.weight": [4, 4] for layer in (0, 1) for one in LAYER}
    shapes |= {"model.embed_tokens.weight": [8, 4], "model.norm.weight": [4]}
    config = {"model_type": "llama", "max_position_embeddings": 4096}
    return {f"{name}/config.json": json.dumps(config), f"{name}/model.safetensors": safetensors(shapes)}


def subject(tree: Build, files: dict[str, Any] | None = None, **keys: Any) -> Subject:
    config = {"model_name_or_path": "model", "do_train": True, "output_dir": "saves", **keys}
    tree({**folder(), **(files or {}), "train.yaml": yaml.safe_dump(config)})
    return Subject(configs.load(Path("train.yaml")), arguments.schema())


def said(one: Subject) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.message, finding.hint) for finding in model.run(one)]


def test_a_sound_model_is_left_alone(tree: Build) -> None:
    assert said(subject(tree, lora_target="q_proj,self_attn.v_proj", cutoff_len=4096)) == []
    assert said(subject(tree, lora_target="all", additional_target="embed_tokens,lm_head,norm")) == []


@pytest.mark.parametrize(
    ("value", "severity", "message"),
    [
        ("models/none", "info", "upstream fetches it from a hub"),
        ("model/none", "error", "there is no such folder"),
        ("./none", "error", "there is no such folder"),
        ("/no/such", "error", "there is no such folder"),
        ("Qwen/Qwen3-4B", "info", "upstream fetches it from a hub"),
        ("empty", "error", "has no config.json"),
        ("adapter", "error", "holds an adapter"),
        ("bare", "error", "has no weights"),
    ],
)
def test_where_the_model_is(tree: Build, value: str, severity: str, message: str) -> None:
    files = {"empty/x.txt": "", "adapter/adapter_config.json": "{}", "bare/config.json": "{}"}
    found = said(subject(tree, files, model_name_or_path=value))
    assert [(one[0], message in one[1]) for one in found] == [(severity, True)]


def test_upstream_reads_no_tilde(tree: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = said(subject(tree, model_name_or_path="~/model"))
    assert found[0][::2] == ("error", f"Write {tmp_path}/model.")


@pytest.mark.parametrize(
    ("value", "config", "severity", "message"),
    [
        ("saves/lora", {"base_model_name_or_path": "model"}, None, ""),
        ("saves/lora", {"base_model_name_or_path": "hub/Model"}, None, ""),
        ("saves/lora", {"base_model_name_or_path": "hub/other"}, "warning", "was trained on hub/other"),
        ("saves/lora", None, "error", "has no adapter_config.json"),
        ("saves/none", None, "error", "there is no such folder"),
        ("elsewhere/lora", None, "warning", "looks for it on a hub"),
    ],
)
def test_an_adapter_fits_its_model(tree: Build, value: str, config: Any, severity: str | None, message: str) -> None:
    files = {"saves/lora/x.txt": "", **({"saves/lora/adapter_config.json": json.dumps(config)} if config else {})}
    found = said(subject(tree, files, adapter_name_or_path=value))
    assert [(one[0], message in one[1]) for one in found] == ([(severity, True)] if severity else [])


def test_rows_longer_than_the_model_was_made_for(tree: Build) -> None:
    assert said(subject(tree, cutoff_len=8192))[0][::2] == (
        "warning",
        "Set cutoff_len: 4096, or add rope_scaling: yarn.",
    )
    assert said(subject(tree, cutoff_len=8192, rope_scaling="yarn")) == []


@pytest.mark.parametrize(
    ("keys", "message", "hint"),
    [
        ({"lora_target": "q_proj,v_porj"}, "has no v_porj", "Did you mean 'v_proj'?"),
        ({"lora_target": "q_proj,all"}, "taken for the name of a module", "Write lora_target: all and nothing else."),
        ({"additional_target": "embed_token"}, "has no embed_token", "Did you mean 'embed_tokens'?"),
        (
            {"finetuning_type": "freeze", "freeze_trainable_modules": "self_atn"},
            "refuses once the model is loaded",
            "Did you mean 'self_attn'?",
        ),
    ],
)
def test_modules_that_the_model_does_not_have(tree: Build, keys: dict[str, Any], message: str, hint: str) -> None:
    ((severity, text, what),) = said(subject(tree, **keys))
    assert (severity, what) == ("error", hint)
    assert message in text


def test_a_model_whose_weights_cannot_be_read_has_unknown_modules(tree: Build) -> None:
    assert said(subject(tree, {"model/model.safetensors": b"x"}, lora_target="v_porj")) == []
    tree({"model/model.safetensors": (1 << 40).to_bytes(8, "little")})
    assert weights.parameters(Path("model")) == {}


_MODULES = """
import logging; logging.disable(logging.CRITICAL)
from transformers import AutoModelForCausalLM
from llamafactory.model.model_utils.misc import find_all_linear_modules
model = AutoModelForCausalLM.from_pretrained(data)
result = sorted(find_all_linear_modules(model, False))
"""


@pytest.mark.real
def test_the_modules_are_those_of_the_loaded_model(smollm2: Path) -> None:
    told = set(ask_upstream(_MODULES, str(smollm2)))
    read = {name.rpartition(".")[2] for name in weights.modules(smollm2)}
    assert read - told == {"embed_tokens", "lm_head"}
    assert told <= read
