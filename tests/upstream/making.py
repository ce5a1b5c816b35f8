"""Folders as runs leave them, with headers for weights: what is read of them without loading anything."""

from __future__ import annotations

import json
from typing import Any

from llf_kit import __version__

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
HIDDEN, TOKENS = 4, 8
WEIGHTS = {
    "model.embed_tokens.weight": [TOKENS, HIDDEN],
    "model.layers.0.self_attn.q_proj.weight": [HIDDEN, HIDDEN],
    "model.layers.1.self_attn.q_proj.weight": [HIDDEN, HIDDEN],
}


def safetensors(shapes: dict[str, list[int]], kind: str = "F32", sample: bytes = b"") -> bytes:
    """A file with a header, and ``sample`` in the place of its numbers."""
    tensors = {name: {"dtype": kind, "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header + sample


def model(name: str, sample: bytes = b"one", chat_template: str | None = CHATML, **config: Any) -> dict[str, Any]:
    """A base model called ``name``, whose tokenizer has ``<|im_start|>`` and ``<|im_end|>`` (6 and 7)."""
    from tokenizers import AddedToken, Tokenizer, models

    one = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, unk_token="[UNK]"))
    one.add_special_tokens([AddedToken(text, normalized=False) for text in ("<|im_start|>", "<|im_end|>")])
    said = {"model_type": "llama", "vocab_size": TOKENS, "eos_token_id": 0, "max_position_embeddings": 8192, **config}
    return {
        f"{name}/config.json": json.dumps({"dtype": "float32", **said}),
        f"{name}/tokenizer.json": one.to_str(),
        f"{name}/tokenizer_config.json": json.dumps({"unk_token": "[UNK]", "eos_token": "<|im_start|>"}),
        f"{name}/model.safetensors": safetensors(WEIGHTS, sample=sample),
        **({f"{name}/chat_template.jinja": chat_template} if chat_template else {}),
    }


def adapter(name: str, hidden: int = HIDDEN, layers: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """A LoRA adapter of rank 2 called ``name``, for a model of ``hidden`` columns."""
    shapes: dict[str, list[int]] = {}
    for layer in layers:
        module = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        shapes |= {f"{module}.lora_A.weight": [2, hidden], f"{module}.lora_B.weight": [hidden, 2]}
    config = {"base_model_name_or_path": "base", "peft_type": "LORA", "r": 2}
    return {
        f"{name}/adapter_config.json": json.dumps(config),
        f"{name}/adapter_model.safetensors": safetensors(shapes),
    }


def run(name: str, config: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """The record of a run called ``name``."""
    trained = {"model_name_or_path": "base", "template": "chatml", "do_train": True, "finetuning_type": "lora"}
    record = {
        "command": "train",
        "output": name,
        "config": {**trained, "cutoff_len": 128, **(config or {})},
        "config_file": "train.yaml",
        "config_sha256": "",
        "overrides": [],
        "data": {"lab": {"file": "datasets/lab.jsonl", "sha256": "f" * 64, "rows": 4}},
        "versions": {"llf-kit": __version__},
        "device": "cpu",
        "started": "2026-01-01T00:00:00+00:00",
        "status": "done",
        **facts,
    }
    return {f"{name}/llf-kit-run.json": json.dumps(record, ensure_ascii=False)}
