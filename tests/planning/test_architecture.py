"""Parameters, and what is trained of them, exactly: against published numbers."""

from __future__ import annotations

from typing import Any

import pytest
from settled import subject

from llf_kit import base_models
from llf_kit.errors import ConfigError, ModelError
from llf_kit.planning import architecture, trainable
from llf_kit.project import read_yaml, shipped

CONFIGS: dict[str, dict[str, Any]] = read_yaml(shipped("templates") / "planning" / "configs.yaml")

# As the model's card or the sizes in its safetensors index have it.
PUBLISHED = {
    "qwen2-0.5b-instruct": 494_032_768,
    "qwen2-1.5b-instruct": 1_543_714_304,
    "qwen2.5-3b-instruct": 3_085_938_688,
    "qwen2.5-7b-instruct": 7_615_616_512,
    "qwen2.5-14b-instruct": 14_770_033_664,
    "qwen3-0.6b": 596_049_920,
    "qwen3-8b": 8_190_735_360,
    "smollm2-135m-instruct": 134_515_008,
    "llama-3.1-8b-instruct": 8_030_261_248,
    "llama-3.2-1b-instruct": 1_235_814_400,
    "llama-3.2-3b-instruct": 3_212_749_824,
    "glm-4-9b-chat": 9_399_951_360,
    "chatglm3-6b": 6_243_584_000,
    "gemma-2-2b-it": 2_614_341_888,
    "gemma-3-1b-it": 999_885_952,
    "mistral-7b-instruct-v0.3": 7_248_023_552,
    "internlm2.5-1.8b-chat": 1_889_110_016,
    "phi-4": 14_659_507_200,
    "smollm2-360m-instruct": 361_821_120,
    "smollm2-1.7b-instruct": 1_711_376_384,
    "deepseek-r1-distill-qwen-1.5b": 1_777_088_000,
    "Qwen/Qwen2.5-32B-Instruct": 32_763_876_352,
    "Qwen/Qwen2.5-72B-Instruct": 72_706_203_648,
    "Qwen/Qwen3-14B": 14_768_307_200,
    "Qwen/Qwen3-32B": 32_762_123_264,
}


def trained(config: dict[str, Any], **values: Any) -> int:
    return trainable.read(subject(**values), architecture.read(config)).parameters


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_parameters_are_those_that_are_published(name: str, parameters: int) -> None:
    assert architecture.read(CONFIGS[name]).parameters == parameters


def test_every_shipped_config_is_of_a_known_base_model_or_by_its_id() -> None:
    assert {name for name in CONFIGS if "/" not in name} <= base_models.known().keys()
    assert base_models.known().keys() - CONFIGS.keys() == {"hunyuan-7b-instruct"}
    for name, config in CONFIGS.items():
        assert architecture.read(config, name).parameters > 1e8


def test_a_model_that_is_here_has_its_own_config() -> None:
    assert architecture.config_of("qwen3-0.6b", {"model_type": "llama"}) == {"model_type": "llama"}
    assert architecture.config_of("Qwen/Qwen3-0.6B", {}) == CONFIGS["qwen3-0.6b"]


def test_a_name_that_is_near_is_named() -> None:
    with pytest.raises(ModelError, match=r"Did you mean 'Qwen/Qwen2\.5-7B-Instruct'\? Else put its config\.json"):
        architecture.config_of("Qwen/Qwen2.5-7B-Instrukt", {})


@pytest.mark.parametrize("name", ["hunyuan-7b-instruct", "somebody/something"])
def test_a_model_of_which_nothing_is_known_is_said_so(name: str) -> None:
    with pytest.raises(
        ModelError, match=r"config\.json is not on this machine\. Put its config\.json, which is enough, into a folder"
    ):
        architecture.config_of(name, {})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "mamba"}, "models of type 'mamba' are not known to plan"),
        ({}, "models of type 'None'"),
        ({"model_type": "llama", "text_config": {}}, "models of type 'llama'"),
        ({"model_type": "llama", "hidden_size": 8}, "has no num_hidden_layers, intermediate_size"),
    ],
)
def test_what_cannot_be_read_is_said(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        architecture.read(config)


def test_freeze_counts_layers_from_either_end_and_modules_by_name() -> None:
    config = CONFIGS["smollm2-135m-instruct"]
    layer = 3 * 576 * 1536 + 2 * 576 * 576 + 2 * 576 * 192 + 2 * 576
    assert trained(config, finetuning_type="freeze", freeze_trainable_layers=3) == 3 * layer
    assert trained(config, finetuning_type="freeze", freeze_trainable_layers=-1) == layer
    mlp = {"freeze_trainable_modules": "mlp", "freeze_extra_modules": "embed_tokens"}
    assert trained(config, finetuning_type="freeze", **mlp) == 2 * 3 * 576 * 1536 + 49152 * 576
    pro = {"use_llama_pro": True, "freeze_trainable_layers": 5}
    assert trained(config, finetuning_type="freeze", **pro) == 5 * layer
    assert trained(config, lora_rank=8, **pro) == 2_442_240 * 5 / 30


def test_a_reward_model_has_a_value_head() -> None:
    config = CONFIGS["smollm2-135m-instruct"]
    assert trained(config, stage="rm", lora_rank=8) == 2_442_240 + 576 + 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"finetuning_type": "oft"}, "oft is not planned"),
        ({"lora_target": "q_porj"}, "the model has no q_porj. Did you mean 'q_proj'"),
        ({"finetuning_type": "freeze", "freeze_trainable_modules": "mpl"}, "Did you mean 'mlp'"),
        ({"use_llama_pro": True, "freeze_trainable_layers": 7}, "30 layers cannot be divided by 7"),
    ],
)
def test_what_cannot_be_trained_is_said(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        trained(CONFIGS["smollm2-135m-instruct"], **values)
