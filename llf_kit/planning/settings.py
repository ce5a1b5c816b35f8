"""What a YAML says of memory: batch, length, precision, optimiser, quantisation, and how it is spread over GPUs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from llf_kit.checks import files
from llf_kit.checks.counting import number
from llf_kit.checks.subject import Subject
from llf_kit.errors import ConfigError
from llf_kit.planning.architecture import Model

__all__ = ["Setting", "read"]

Precision = Literal["bf16", "fp16", "pure_bf16", "fp32"]


@dataclass(frozen=True)
class Setting:
    """How it is trained. ``length`` is the longest row in tokens, with its padding; ``devices`` are GPUs in all."""

    batch: int
    accumulation: int
    length: int
    precision: Precision
    optimizer: str
    devices: int = 1
    sequences: int = 1  # that a row becomes in a batch: both answers of a pair
    compared: bool = False  # with what a reference model says, be it the one without its adapter
    reference: bool = False  # whether a second, frozen model stands beside the one that is trained
    checkpointing: bool = True
    eager: bool = False  # attention that writes its scores down
    fused: bool = False  # liger: the loss without the logits
    bits: float | None = None  # a weight of a quantised matrix, with its constants
    low_rank: int | None = None  # GaLore's or APOLLO's
    layerwise: bool = False  # the optimiser takes a gradient as soon as it is there
    block: bool = False  # BAdam: one layer at a time
    zero: int | None = None  # the stage of DeepSpeed; None without
    fsdp: bool = False  # as stage 3 or 2, without DeepSpeed's 16-bit copies
    offload_optimizer: bool = False
    offload_weights: bool = False


def read(subject: Subject, model: Model, length: int, devices: int) -> Setting:
    """The setting of a training YAML.

    Raises:
        ConfigError: stage ppo, which also generates, or a DeepSpeed file that cannot be read.
    """
    if subject.stage == "ppo":
        raise ConfigError(f"{subject.where('stage')}: ppo is not planned: it trains on what it generates. Try it out.")
    stage, offload_optimizer, offload_weights = _deepspeed(subject)
    fsdp, fsdp_stage, fsdp_offload = _fsdp(subject)
    low = next((name for name in ("galore", "apollo") if subject.get(f"use_{name}") is True), None)
    kind = str(subject.get("finetuning_type", "lora"))
    optim = subject.get("optim")
    free = subject.get("pref_loss", "sigmoid") in ("orpo", "simpo")  # of a reference model
    keeps = subject.stage == "kto" or (subject.stage == "dpo" and not free)
    return Setting(
        batch=max(int(number(subject, "per_device_train_batch_size", 8)), 1),
        accumulation=max(int(number(subject, "gradient_accumulation_steps", 1)), 1),
        length=length,
        precision=_precision(subject),
        optimizer=optim if isinstance(optim, str) else "adamw_torch_fused",  # the default since torch 2.8
        devices=devices,
        sequences=2 if subject.stage in ("rm", "dpo", "kto") else 1,
        compared=keeps,
        reference=keeps and (kind != "lora" or subject.has("ref_model")),
        checkpointing=subject.get("disable_gradient_checkpointing") is not True,
        eager=str(subject.get("flash_attn", "auto")) == "disabled",
        fused=subject.get("enable_liger_kernel") is True and subject.stage in ("pt", "sft"),
        bits=_bits(subject, model),
        low_rank=int(number(subject, f"{low}_rank", 16)) if low else None,
        layerwise=bool(low) and subject.get(f"{low}_layerwise") is True,
        block=subject.get("use_badam") is True and subject.get("badam_mode", "layer") == "layer",
        zero=fsdp_stage if fsdp else stage,
        fsdp=fsdp,
        offload_optimizer=offload_optimizer or fsdp_offload,
        offload_weights=offload_weights or fsdp_offload,
    )


def _precision(subject: Subject) -> Precision:
    if subject.get("pure_bf16") is True:
        return "pure_bf16"
    if subject.get("bf16") is True:
        return "bf16"
    return "fp16" if subject.get("fp16") is True else "fp32"


def _bits(subject: Subject, model: Model) -> float | None:
    """Bits a weight. NF4 has a scale of 32 bits for each 64 weights, which double quantisation brings to 8 and a bit
    (Dettmers et al. 2023, QLoRA, section 3); HQQ two of 16 bits; GPTQ and AWQ one and a zero for each 128."""
    if model.quantized is not None:
        return model.quantized + 0.25
    if not subject.has("quantization_bit"):
        return None
    bits = int(number(subject, "quantization_bit", 4))
    if str(subject.get("quantization_method", "bnb")) == "hqq":
        return bits + 0.5
    if bits != 4:
        return float(bits)
    return 4.5 if subject.get("double_quantization") is False else 4 + 8 / 64 + 32 / (64 * 256)


def _deepspeed(subject: Subject) -> tuple[int | None, bool, bool]:
    """The stage, and whether the optimiser and the weights are kept in the host's memory."""
    given = subject.config.values.get("deepspeed")
    if given is None:
        return None, False, False
    if isinstance(given, str):
        try:
            given = files.read(Path(given))
        except (OSError, ValueError) as error:
            name = type(error).__name__
            raise ConfigError(f"{subject.where('deepspeed')}: cannot be read ({name}). Correct the path.") from None
    zero = given.get("zero_optimization", {}) if isinstance(given, Mapping) else {}
    stage = zero.get("stage") if isinstance(zero, Mapping) else None
    return (
        stage if isinstance(stage, int) else 0,
        _offloads(zero, "offload_optimizer"),
        _offloads(zero, "offload_param"),
    )


def _offloads(zero: Mapping[str, Any], key: str) -> bool:
    given = zero.get(key)
    return isinstance(given, Mapping) and given.get("device") in ("cpu", "nvme")


def _fsdp(subject: Subject) -> tuple[bool, int, bool]:
    given = subject.config.values.get("fsdp")
    words = re.split(r"[\s,]+", " ".join(given) if isinstance(given, list) else given) if given else []
    if not isinstance(given, str | list):
        return bool(given), 3, False
    return bool(words), 2 if "shard_grad_op" in words else 3, "offload" in words
