"""The memory of a training on the GPU that has most to hold, by part, in GiB.

What is counted, and by whom it was worked out:

- Weights, gradients, optimiser states: 16-bit weights and gradients and 12 bytes of Adam in 32 bits with its master
  copy, sharded by stage (Rajbhandari et al. 2020, ZeRO, arXiv:1910.02054, sections 3 and 5). Without DeepSpeed,
  LLaMA-Factory keeps what it trains in 32 bits (model/adapter.py) and torch.autocast casts it anew: 18 bytes in all.
- 8-bit optimisers: a byte a state and a scale for each 256 (Dettmers et al. 2022, arXiv:2110.02861, section 2); for
  the embedding they stay in 32 bits, as transformers' Trainer.create_optimizer tells bitsandbytes.
- ``optim: adamw_torch``: a copy of what is trained while it steps (torch.optim, ``_multi_tensor_adamw``); the default
  since torch 2.8, adamw_torch_fused, makes none.
- GaLore: states of rank r on the longer side and the projection (Zhao et al. 2024, arXiv:2403.03507, table 1); for a
  moment the decomposition of the largest matrix in 32 bits (galore_torch, ``get_orthogonal_matrix``).
- 4-bit weights: Dettmers et al. 2023, QLoRA, arXiv:2305.14314; the head, the embedding and the norms stay as they are.
- Activations: the terms of Korthikanti et al. 2022 (arXiv:2205.05198, equations 1 and 2; with checkpoints 2sbhL and one
  layer), for a gated MLP: 8 bytes of its width a token, and of the hidden size as many as ``_HIDDEN`` says, counted
  on Qwen2 of transformers 5.6 by torch's storages. FlashAttention leaves no scores (Dao et al. 2022, arXiv:2205.14135).
- Logits: where the backward pass begins, the log-softmax over v words and two gradients of it stand in 32 bits, 12
  bytes a word. They are gone when the layers are gone back through; both are counted, for the allocator does not give
  the place on: a T4 kept 1.3 to 2 times the smaller of the two beyond the larger (the archive of fitcheck-llm 0.3.1).
- Gradients of a step without accumulation are all there only when logits and activations are gone: ``shared`` takes the
  smaller off. Where the embedding is the head too, its gradients from both ends and their sum stand side by side.

What is counted in bytes was seen in LLaMA-Factory 0.9.5 itself: a step traced by its storages (tests/planning, which
compares the sum with published measurements as well, and names those that constants were chosen by).
"""

from __future__ import annotations

import re
from math import prod

from llf_kit.planning.architecture import Model
from llf_kit.planning.settings import Setting
from llf_kit.planning.trainable import Trained

__all__ = ["GIB", "LOGITS", "parts", "serving"]

GIB = 1 << 30

# Bytes a token and layer, for each of the hidden size, that a layer leaves for its backward pass.
_HIDDEN = {("lora", "pure_bf16"): 23, ("lora", "bf16"): 33, ("full", "pure_bf16"): 27, ("full", "bf16"): 37}
_OF_ATTENTION = 10  # of these, how many go with the width of the heads
_WIDE = 8  # the same for each of the width of the MLP
_WORKING = 1.6  # a layer that is computed anew, with the gradients on their way through it
_SCORES = 14  # bytes a score, where attention writes them down: its softmax in 32 and 16 bits and their gradients
_GIVEN_ON = 0.3  # of the smaller of scores and logits; a T4 kept 0.58 to 0.85 of it
_KEPT_SCORES = 6  # of these, how many are left for the backward pass
LOGITS = 12  # bytes a logit
_DECOMPOSED = 16  # bytes a number of GaLore's: the matrix, the copy that is worked on, and its right side twice
_CONTEXT = 0.6 * GIB  # CUDA's context, cuBLAS's workspace, and what the allocator cannot use

# Bytes of optimiser states a trained number, by the name of `optim`; the first that matches. {} is a number's own size.
_STATES: tuple[tuple[str, float | str], ...] = (
    ("8bit.*lion|lion.*8bit", 1 + 4 / 256),
    ("8bit|adamw_torch_4bit", 2 + 8 / 256),
    ("lion", "one"),
    ("paged_adamw|ademamix", 8),
    ("adafactor|lomo|sgd|schedule_free_sgd", 0),
    ("adagrad|rmsprop", "one"),
)


def parts(model: Model, trained: Trained, setting: Setting) -> dict[str, float]:
    """GiB on one GPU, by part and in ``total``, their sum: ``shared`` is below 0, for what takes the place of another.

    ``host`` is kept in the host's memory and not in the sum.
    """
    weights, host_weights = _weights(model, trained, setting)
    gradients = _gradients(model, trained, setting)
    optimizer = _optimizer(model, trained, setting)
    activations = _activations(model, trained, setting)
    logits = 0.0 if setting.fused else float(LOGITS * _tokens(setting) * model.vocabulary)
    later, fitting = _later(model, trained, setting)
    if setting.accumulation == 1 and not (setting.layerwise or setting.block):
        fitting += gradients
    if setting.eager:  # blocks of scores are of the size of those of logits
        fitting += _GIVEN_ON * min(activations, logits)
    made = {
        "weights": weights,
        "gradients": gradients,
        "optimizer": 0.0 if setting.offload_optimizer else optimizer,
        "activations": activations,
        "logits": logits,
        "working": _working(model, trained, setting) + later,
        "overhead": _CONTEXT,
        "shared": 0.0 - min(activations + logits, fitting),  # and not -0.0
    }
    host = host_weights + (optimizer if setting.offload_optimizer else 0)
    found = {name: value / GIB for name, value in made.items()}
    found["total"] = sum(found.values())
    return found | ({"host": host / GIB} if host else {})


def serving(model: Model, length: int) -> dict[str, float]:
    """GiB to answer one request of ``length`` tokens in 16 bits: weights, the cache of keys and values, the rest."""
    cache = 2 * 2 * model.layers * model.kv_heads * model.head * length
    made = {"weights": 2.0 * model.parameters, "kv_cache": float(cache), "overhead": _CONTEXT}
    found = {name: value / GIB for name, value in made.items()}
    return found | {"total": sum(found.values())}


def _tokens(setting: Setting) -> int:
    return setting.batch * setting.sequences * setting.length


def _number(setting: Setting, model: Model) -> int:
    """Bytes of a number that is trained."""
    if setting.precision == "pure_bf16":
        return model.dtype
    return 4


def _sharded(setting: Setting, stage: int) -> int:
    return setting.devices if setting.zero is not None and setting.zero >= stage else 1


def _mixed(setting: Setting) -> bool:
    """Whether DeepSpeed holds the weights in 16 bits and a master copy beside them."""
    return setting.zero is not None and not setting.fsdp and setting.precision != "fp32"


def _weights(model: Model, trained: Trained, setting: Setting) -> tuple[float, float]:
    own = {one.name for one in trained.weights} if trained.kind != "lora" else set()
    stored = 2 if _mixed(setting) else model.dtype
    size = 0.0
    for one in model.weights:
        if setting.bits is not None and one.linear and one.module != model.output:
            size += one.size * setting.bits / 8
        elif one.name in own:
            size += one.size * (2 if _mixed(setting) else _number(setting, model))
        else:
            size += one.size * stored
    extra = trained.parameters - sum(one.size for one in trained.weights if one.name in own)
    size += extra * (2 if _mixed(setting) else _number(setting, model))
    if setting.reference:
        size += model.parameters * stored
    size /= _sharded(setting, 3)
    return (0.0, size) if setting.offload_weights else (size, 0.0)


def _gradients(model: Model, trained: Trained, setting: Setting) -> float:
    size = 2 if _mixed(setting) else _number(setting, model)
    if setting.layerwise or setting.block:
        return float(size * _largest(trained))
    return trained.parameters * size / _sharded(setting, 2)


def _largest(trained: Trained) -> int:
    """The most that stands in one layer, or beside the layers."""
    sums: dict[str, int] = {}
    for one in trained.weights:
        layer = re.search(r"\.\d+\.", one.name)
        key = layer.group() if layer else one.name
        sums[key] = sums.get(key, 0) + one.size
    return max(sums.values(), default=0)


def _optimizer(model: Model, trained: Trained, setting: Setting) -> float:
    number = _number(setting, model)
    found = next((size for name, size in _STATES if re.search(name, setting.optimizer)), 2.0 * number)
    a_state = float(number) if found == "one" else float(found)
    if setting.low_rank is not None:
        size = sum(_low_rank(shape, setting.low_rank, a_state, number) for shape in trained.shapes)
    else:
        size = (_largest(trained) if setting.block else trained.parameters) * a_state
    if setting.block:
        size += 4 * _largest(trained)  # its master copy
    elif setting.low_rank is None and "8bit" in setting.optimizer and "torch" not in setting.optimizer:
        size += (4 * round(a_state) - a_state) * _embedding(model, trained)
    if _mixed(setting):
        size += 4 * trained.parameters
    return size / _sharded(setting, 1)


def _low_rank(shape: tuple[int, ...], rank: int, a_state: float, number: int) -> float:
    if len(shape) < 2 or min(shape) <= rank:
        return prod(shape) * a_state
    return rank * max(shape) * a_state + rank * min(shape) * number


def _activations(model: Model, trained: Trained, setting: Setting) -> float:
    tokens = _tokens(setting)
    wide = 2 if setting.precision == "fp32" else 1  # all of it in 32 bits
    mode = "pure_bf16" if setting.precision in ("pure_bf16", "fp32") else "bf16"
    each = _HIDDEN["lora" if trained.kind == "lora" else "full", mode]
    query = model.heads * model.head
    layer = wide * ((each - _OF_ATTENTION) * model.hidden + _OF_ATTENTION * query + _WIDE * model.intermediate)
    scores = model.heads * setting.length if setting.eager else 0
    if not setting.checkpointing:
        return float(tokens * model.layers * (layer + _KEPT_SCORES * scores))
    kept = model.hidden * (4 if (mode == "bf16" and trained.kind == "full") or setting.precision == "fp32" else 2)
    return tokens * (model.layers * kept + _WORKING * layer + _SCORES * scores)


def _working(model: Model, trained: Trained, setting: Setting) -> float:
    """What is made for a moment: 16-bit copies of autocast, of 4-bit matrices, and of layers that are gathered."""
    layer = max((one.size for one in model.weights if ".0." in one.name), default=0)
    size = 0.0
    if setting.zero is None and setting.precision in ("bf16", "fp16") and _held(setting):
        size += 2 * trained.parameters
    if setting.bits is not None and setting.bits < 8:
        size += 2 * layer
    if _sharded(setting, 3) > 1 or setting.offload_weights:
        each = sum(one.size for one in model.weights if ".0." in one.name)
        size += 2 * max(2 * each, model.vocabulary * model.hidden)
    return size


def _later(model: Model, trained: Trained, setting: Setting) -> tuple[float, float]:
    """What stands beside all gradients when activations and logits are gone, at the end of the backward pass or in the
    step of the optimiser; and how much of it takes their place.

    A block that the allocator has for logits serves what is not larger; a larger one is asked of the driver.
    """
    number = _number(setting, model)
    table = number * _embedding(model, trained) if model.tied else 0
    ends = (2 if setting.accumulation == 1 else 3) * table
    copies = setting.optimizer == "adamw_torch" and setting.low_rank is None and setting.zero is None
    copied = number * trained.parameters if copies else 0
    largest = max((one.size for one in trained.weights if one.linear), default=0) if setting.low_rank else 0
    size = max(ends, copied, _DECOMPOSED * largest)
    outgrown = size == ends and table > 4 * _tokens(setting) * model.vocabulary
    return float(size), 0.0 if outgrown else float(size)


def _embedding(model: Model, trained: Trained) -> int:
    """How many numbers of the embedding itself are trained."""
    return sum(one.size for one in trained.weights if one.module == model.embedding) if trained.kind != "lora" else 0


def _held(setting: Setting) -> bool:
    """Whether autocast's copies and the gradients stand at the same time.

    With checkpoints the copies go when the forward pass ends, and the gradients of the pass before are there only where
    they are accumulated; without them the backward pass needs both.
    """
    return setting.accumulation > 1 or not setting.checkpointing
