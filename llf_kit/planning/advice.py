"""What to change where a training fits no GPU, in the order of what it costs in quality and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from llf_kit.planning import memory
from llf_kit.planning.architecture import Model
from llf_kit.planning.gpus import Table, room
from llf_kit.planning.settings import Precision, Setting
from llf_kit.planning.trainable import Trained

__all__ = ["Step", "steps"]

_NF4 = 4 + 8 / 64 + 32 / (64 * 256)


@dataclass(frozen=True)
class Step:
    """A change of the YAML, the GiB that the training takes with it and all before it, and what then ``fits`` it."""

    change: str
    gib: float
    fits: list[str]


def steps(model: Model, trained: Trained, setting: Setting, lora: Trained, table: Table) -> list[Step]:
    """Each step that brings something, on top of those before it, until every GPU of the table holds it.

    ``lora`` is what LoRA of rank 8 would train.
    """
    found, least = [], memory.parts(model, trained, setting)["total"]
    for change, what, how in _changes(trained, setting, lora):
        total = memory.parts(model, what, how)["total"]
        if total < least - 0.01:
            found.append(Step(change, total, _holding(total, table)))
            least = total
            if len(found[-1].fits) == len(table.gpus):  # nothing more is asked for
                break
    return [*found, *_more(model, trained, setting, table)]


def _holding(total: float, table: Table) -> list[str]:
    return [gpu.name for gpu in table.gpus.values() if total <= room(gpu)]


def _more(model: Model, trained: Trained, setting: Setting, table: Table) -> Iterator[Step]:
    """The least number of GPUs that hold it as it is, but for the batch, where one alone was planned for."""
    if setting.devices > 1 or setting.bits is not None:
        return
    for count in (2, 4, 8):
        how = replace(setting, devices=count, zero=3, batch=1, checkpointing=True)
        total = memory.parts(model, trained, how)["total"]
        if fits := _holding(total, table):
            yield Step(f"or as it is on {count} GPUs, with deepspeed ZeRO stage 3 and batch 1", total, fits)
            return


def _changes(trained: Trained, setting: Setting, lora: Trained) -> Iterator[tuple[str, Trained, Setting]]:
    """Every change with the ones before it, whether or not it brings anything."""
    if not setting.checkpointing:
        setting = replace(setting, checkpointing=True)
        yield "disable_gradient_checkpointing: false", trained, setting
    if setting.eager:
        setting = replace(setting, eager=False)
        yield "flash_attn: auto", trained, setting
    if setting.batch > 1:
        setting = replace(setting, batch=1, accumulation=setting.batch * setting.accumulation)
        yield f"per_device_train_batch_size: 1, gradient_accumulation_steps: {setting.accumulation}", trained, setting
    if not setting.fused and setting.sequences == 1:
        setting = replace(setting, fused=True)
        yield "enable_liger_kernel: true (package liger-kernel)", trained, setting
    if setting.devices > 1 and (setting.zero or 0) < 3 and trained.kind != "lora":  # before the method is given up
        setting = replace(setting, zero=3)
        yield "deepspeed with ZeRO stage 3", trained, setting
    if trained.kind != "lora" and setting.zero is None and setting.precision == "bf16":
        setting = replace(setting, precision="pure_bf16")
        yield "pure_bf16: true in place of bf16 (small changes are rounded off)", trained, setting
    if trained.kind != "lora":
        trained = lora
        precision: Precision = "bf16" if setting.precision == "pure_bf16" else setting.precision
        setting = replace(setting, precision=precision, low_rank=None, layerwise=False, block=False, reference=False)
        yield "finetuning_type: lora, lora_rank: 8, lora_target: all", trained, setting
    if setting.bits is None or setting.bits > 5:
        setting = replace(setting, bits=_NF4)
        yield "quantization_bit: 4 (QLoRA)", trained, setting
    if setting.devices > 1 and (setting.zero or 0) < 3:
        setting = replace(setting, zero=3)
        yield "deepspeed with ZeRO stage 3", trained, setting
    while setting.length > 512:
        setting = replace(setting, length=max(setting.length // 2 // 8 * 8, 512))
        yield f"cutoff_len: {setting.length}", trained, setting
