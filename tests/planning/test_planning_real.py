"""Counts and memory of the real model: by LLaMA-Factory, transformers, peft and torch, without its contents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ask_upstream
from settled import LIVE, QWEN, setting, subject

from llf_kit.planning import architecture, memory, trainable
from llf_kit.project import json_object, read_yaml, shipped

pytestmark = pytest.mark.real

CONFIGS: dict[str, dict[str, Any]] = read_yaml(shipped("templates") / "planning" / "configs.yaml")

# `counts` are of models on torch's meta device, `held` is what the forward and backward pass of one in fake tensors holds.
_ASKED = (
    LIVE
    + """
import logging, warnings
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
from types import SimpleNamespace
from llamafactory.model.adapter import _setup_freeze_tuning
from llamafactory.model.model_utils.misc import find_all_linear_modules
from peft import LoraConfig, get_peft_model
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoConfig, AutoModelForCausalLM

def model_of(config, **keys):
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(**config), **keys)

counts, held = [], {}
for config, how in data["cases"]:
    with torch.device("meta"):
        model = model_of(config)
        total = sum(one.numel() for one in model.parameters())
        if "freeze_trainable_layers" in how:
            _setup_freeze_tuning(model, SimpleNamespace(**how), True, False)
        else:
            how["target_modules"] = how["target_modules"] or find_all_linear_modules(model, True)
            model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **how))
    counts.append([total, sum(one.numel() for one in model.parameters() if one.requires_grad)])
for checkpointing in (True, False):
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = model_of(data["config"], dtype=torch.bfloat16)
        model.train()
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": True})
            model.enable_input_require_grads()
        live = Live()
        for one in model.parameters():
            live.add(one)
        ids = torch.zeros(1, data["length"], dtype=torch.long)
        with live:
            for _ in range(2):  # in the second pass the gradients of the first are there
                live.peak = live.now
                loss = model(input_ids=ids, labels=ids, use_cache=False).loss
                loss.backward()
                del loss
        held[str(checkpointing)] = live.peak
result = [counts, held]
"""
)


def _cases(own: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Models and what a YAML says of them."""
    tiny = {**CONFIGS["qwen2.5-0.5b-instruct"], "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 3}
    tiny["intermediate_size"] = 176  # with Qwen's real vocabulary
    named = ("gemma-2-2b-it", "gemma-3-1b-it", "phi-4", "qwen3-0.6b", "mistral-7b-instruct-v0.3")
    every = [own, tiny, *({**CONFIGS[name], "num_hidden_layers": 3} for name in named)]
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [(one, {"lora_rank": 8}) for one in every]
    cases += [(one, {"lora_rank": 64, "use_dora": True}) for one in every]
    cases += [(one, {"lora_rank": 3, "additional_target": "embed_tokens,lm_head"}) for one in every]
    cases += [(tiny, {"lora_rank": 4, "lora_target": "q_proj,embed_tokens,lm_head", "use_dora": True})]
    cases += [(own, {"lora_rank": 4, "lora_target": "v_proj", "additional_target": "norm", "use_rslora": True})]
    freeze: dict[str, Any] = {"finetuning_type": "freeze", "freeze_trainable_layers": 2}
    cases += [(one, freeze) for one in every]
    cases += [(own, {**freeze, "freeze_trainable_layers": -3, "freeze_trainable_modules": "mlp,input_layernorm"})]
    cases += [(own, {**freeze, "freeze_extra_modules": "embed_tokens,norm"})]
    cases += [(own, {**freeze, "freeze_trainable_layers": 5, "use_llama_pro": True})]
    return cases


def _upstreams(values: dict[str, Any]) -> dict[str, Any]:
    """The same as the arguments of upstream's and of peft's function."""
    if values.get("finetuning_type") == "freeze":
        extra = values.get("freeze_extra_modules")
        return {
            "freeze_trainable_layers": values["freeze_trainable_layers"],
            "freeze_trainable_modules": values.get("freeze_trainable_modules", "all").split(","),
            "freeze_extra_modules": extra.split(",") if extra else None,
            "use_llama_pro": values.get("use_llama_pro", False),
            "freeze_multi_modal_projector": True,
            "freeze_vision_tower": True,
            "freeze_language_model": False,
        }
    how = {"r": values["lora_rank"], "use_dora": values.get("use_dora", False)}
    how["target_modules"] = values["lora_target"].split(",") if "lora_target" in values else None
    if "additional_target" in values:
        how["modules_to_save"] = values["additional_target"].split(",")
    return how


def test_counts_are_the_same_and_memory_is_near(smollm2: Path) -> None:
    config = {**QWEN, "num_hidden_layers": 6, "hidden_size": 1536, "intermediate_size": 8960, "num_attention_heads": 12}
    config |= {"num_key_value_heads": 2, "tie_word_embeddings": True, "vocab_size": 32000}

    def plain(one: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in one.items() if key != "torch_dtype"}

    cases = _cases(json_object(smollm2 / "config.json"))
    asked = [(plain(one), _upstreams(values)) for one, values in cases]
    counts, held = ask_upstream(_ASKED, {"cases": asked, "config": plain(config), "length": 2048})
    planned = []
    for one, values in cases:
        model = architecture.read(one)
        planned.append([model.parameters, trainable.read(subject(**values), model).parameters])
    assert planned[0] == [134_515_008, 2_442_240]
    assert planned == counts

    values = {"finetuning_type": "full", "pure_bf16": True, "per_device_train_batch_size": 1, "cutoff_len": 2048}
    values["gradient_accumulation_steps"] = 2
    model = architecture.read(config)
    trained = trainable.read(subject(**values), model)
    for checkpointing, peak in held.items():
        made = memory.parts(model, trained, replace(setting(config, **values), checkpointing=checkpointing == "True"))
        wanted = made["total"] - made["overhead"] - made["optimizer"]  # no step is taken
        print(f"checkpointing {checkpointing}: torch {peak / memory.GIB:.2f} GiB, planned {wanted:.2f}")
        # Not less than is held; more by the logits and a layer, which torch does not hold at the same time.
        assert 0.98 <= wanted / (peak / memory.GIB) <= 1.25
