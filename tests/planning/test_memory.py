"""Memory against published measurements, and the rules that it follows."""

from __future__ import annotations

from typing import Any

import pytest
from settled import PUBLISHED, QWEN, parts

from llf_kit.planning import architecture, memory


@pytest.mark.parametrize("table", PUBLISHED["tables"], ids=lambda table: table["source"][:24])
def test_it_is_within_15_percent_of_what_was_measured(table: dict[str, Any]) -> None:
    """Prints each error (pytest -s); what is not ``held`` is printed alone."""
    print(f"\n{table['source']}{' (seen)' if table.get('seen') else ''}")
    for row in table["rows"]:
        values = {**table["yaml"], **row["yaml"]}
        made = parts(PUBLISHED["models"][row["model"]], **values)
        measured = row["gib"] * table.get("unit", memory.GIB) / memory.GIB
        planned = made["total"] + row.get("differs", 0)
        planned += made["logits"] * (table.get("logits", memory.LOGITS) / memory.LOGITS - 1)
        planned -= made["overhead"] if table.get("context") is False else 0
        error = planned / measured - 1
        print(f"  {row['model']:<15}{measured:>7.2f} published {planned:>7.2f} planned {error:>+7.1%}  {row['yaml']}")
        if table["held"] and row.get("held", True):
            assert abs(error) <= 0.15, row


def test_what_is_trained_in_full_takes_18_bytes_a_number_and_8_in_pure_bf16() -> None:
    """The two rules of thumb of LLaMA-Factory's own table."""
    size = architecture.read(QWEN).parameters / memory.GIB
    most = parts(QWEN, finetuning_type="full", bf16=True, gradient_accumulation_steps=2)
    assert sum(most[key] for key in ("weights", "gradients", "optimizer", "working")) == pytest.approx(18 * size)
    pure = parts(QWEN, finetuning_type="full", pure_bf16=True)
    assert sum(pure[key] for key in ("weights", "gradients", "optimizer", "working")) == pytest.approx(8 * size)


@pytest.mark.parametrize(("stage", "bytes_a_number"), [(1, 4 + 12 / 4), (2, 2 + 14 / 4), (3, 16 / 4)])
def test_deepspeed_shards_as_the_paper_says(stage: int, bytes_a_number: float) -> None:
    """Rajbhandari et al. 2020, figure 1: 16 bytes a number, of which each stage shards more."""
    made = parts(QWEN, 4, finetuning_type="full", bf16=True, deepspeed={"zero_optimization": {"stage": stage}})
    size = architecture.read(QWEN).parameters / memory.GIB
    assert sum(made[key] for key in ("weights", "gradients", "optimizer")) == pytest.approx(bytes_a_number * size)


def test_what_is_offloaded_is_the_hosts() -> None:
    zero = {"stage": 3, "offload_optimizer": {"device": "cpu"}, "offload_param": {"device": "cpu"}}
    made = parts(QWEN, 4, finetuning_type="full", bf16=True, deepspeed={"zero_optimization": zero})
    assert made["optimizer"] == made["weights"] == 0
    assert made["host"] == pytest.approx(14 / 4 * architecture.read(QWEN).parameters / memory.GIB)


def test_fsdp_shards_what_is_held_in_32_bits() -> None:
    made = parts(QWEN, 4, finetuning_type="full", bf16=True, fsdp="full_shard auto_wrap")
    size = architecture.read(QWEN).parameters / memory.GIB
    assert sum(made[key] for key in ("weights", "gradients", "optimizer")) == pytest.approx(16 / 4 * size)


@pytest.mark.parametrize(
    ("more", "less", "part"),
    [
        ({"disable_gradient_checkpointing": True}, {}, "activations"),
        ({"flash_attn": "disabled", "cutoff_len": 4096}, {"cutoff_len": 4096}, "activations"),
        ({"per_device_train_batch_size": 2}, {"per_device_train_batch_size": 1}, "logits"),
        ({}, {"enable_liger_kernel": True}, "logits"),
        ({}, {"quantization_bit": 8}, "weights"),
        ({"quantization_bit": 8}, {"quantization_bit": 4}, "weights"),
        ({"quantization_bit": 4, "double_quantization": False}, {"quantization_bit": 4}, "weights"),
        ({"lora_rank": 16}, {"lora_rank": 8}, "gradients"),
        ({}, {"optim": "adamw_8bit"}, "optimizer"),
        ({"optim": "lion_32bit"}, {"optim": "lion_8bit"}, "optimizer"),
        ({"stage": "dpo", "finetuning_type": "full"}, {"finetuning_type": "full"}, "weights"),
        ({"stage": "dpo"}, {}, "logits"),
        ({"finetuning_type": "full"}, {"finetuning_type": "full", "use_apollo": True}, "optimizer"),
        ({"finetuning_type": "full"}, {"finetuning_type": "full", "use_badam": True}, "gradients"),
    ],
)
def test_what_makes_a_part_smaller(more: dict[str, Any], less: dict[str, Any], part: str) -> None:
    common = {"bf16": True, "per_device_train_batch_size": 1}
    assert parts(QWEN, **{**common, **less})[part] < parts(QWEN, **{**common, **more})[part]


def test_a_model_stored_in_32_bits_stays_so() -> None:
    """LLaMA-Factory loads a model as it is stored; what it does not train, it does not cast."""
    assert parts({**QWEN, "torch_dtype": "float32"}, bf16=True)["weights"] > 1.9 * parts(QWEN, bf16=True)["weights"]


def test_serving_needs_a_cache_that_grows_with_the_text() -> None:
    model = architecture.read(QWEN)
    assert memory.serving(model, 32768)["kv_cache"] == pytest.approx(1.75)  # 28 layers × 4 heads × 128 × 2 × 2 bytes
    assert memory.serving(model, 1024)["weights"] == pytest.approx(2 * model.parameters / memory.GIB)
