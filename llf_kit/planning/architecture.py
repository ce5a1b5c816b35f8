"""Every weight of a model with its shape, out of config.json alone: as transformers (or the model's own code) makes it.

A model that is not on this machine has its config.json in ``templates/planning/configs.yaml`` where llf-kit knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from llf_kit import base_models
from llf_kit.errors import ModelError, did_you_mean
from llf_kit.project import read_yaml, shipped

__all__ = ["Model", "Weight", "config_of", "read"]


@dataclass(frozen=True)
class Weight:
    """One parameter: its full name, its shape, and whether it is the matrix of a linear layer."""

    name: str
    shape: tuple[int, ...]
    linear: bool = False

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def module(self) -> str:
        """The full name of the module that holds it."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Model:
    """A language model: its parameters, and the sizes that activations are made of.

    ``weights`` has each parameter once: where the head shares the embedding's, it is not listed. ``dtype`` is the
    precision that the files are stored in, in bytes a number; LLaMA-Factory loads them as they are.
    """

    type: str
    weights: tuple[Weight, ...]
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head: int  # the size of one
    vocabulary: int
    embedding: str  # the names of the two modules around the layers
    output: str
    tied: bool
    dtype: int
    quantized: int | None = None  # bits of a model that is stored quantised
    positions: int | None = None  # the longest text that it was made for, in tokens

    @property
    def parameters(self) -> int:
        """How many numbers the model holds."""
        return sum(one.size for one in self.weights)

    @property
    def matrices(self) -> int:
        """How many of them a token is multiplied with: all but the embedding, which is only looked up."""
        looked_up = 0 if self.tied else self.vocabulary * self.hidden
        return self.parameters - looked_up


@dataclass(frozen=True)
class _Family:
    """How the models of one ``model_type`` are built; sizes are names of :func:`_sizes`.

    ``linear``: module → (outputs, inputs); ``norms``: module → size, both of one layer. ``biased`` modules have a bias
    where ``bias`` (a key of config.json, or a boolean) says so.
    """

    linear: Mapping[str, tuple[str, str]]
    norms: Mapping[str, str]
    layer: str = "model.layers"
    embedding: str = "model.embed_tokens"
    final: str = "model.norm"
    output: str = "lm_head"
    biased: Mapping[str, str | bool] = field(default_factory=dict)
    tied: bool = False  # what a config.json that says nothing means
    head: int | None = None  # likewise for head_dim


_ATTENTION = {
    "self_attn.q_proj": ("q", "h"),
    "self_attn.k_proj": ("kv", "h"),
    "self_attn.v_proj": ("kv", "h"),
    "self_attn.o_proj": ("h", "q"),
}
_MLP = {"mlp.gate_proj": ("i", "h"), "mlp.up_proj": ("i", "h"), "mlp.down_proj": ("h", "i")}
_LINEAR = {**_ATTENTION, **_MLP}
_NORMS = {"input_layernorm": "h", "post_attention_layernorm": "h"}
_AROUND = {**_NORMS, "pre_feedforward_layernorm": "h", "post_feedforward_layernorm": "h"}
_QK = {"self_attn.q_norm": "d", "self_attn.k_norm": "d"}
_ATTENTION_BIAS = dict.fromkeys(_ATTENTION, "attention_bias")

FAMILIES = {
    "llama": _Family(_LINEAR, _NORMS, biased={**_ATTENTION_BIAS, **dict.fromkeys(_MLP, "mlp_bias")}),
    "mistral": _Family(_LINEAR, _NORMS),
    "qwen2": _Family(_LINEAR, _NORMS, biased=dict.fromkeys(list(_ATTENTION)[:3], True)),
    "qwen3": _Family(_LINEAR, {**_NORMS, **_QK}, biased=_ATTENTION_BIAS, head=128),
    "gemma": _Family(_LINEAR, _NORMS, biased=_ATTENTION_BIAS, tied=True, head=256),
    "gemma2": _Family(_LINEAR, _AROUND, biased=_ATTENTION_BIAS, tied=True, head=256),
    "gemma3_text": _Family(_LINEAR, {**_AROUND, **_QK}, biased=_ATTENTION_BIAS, tied=True, head=256),
    "phi3": _Family(
        {
            "self_attn.qkv_proj": ("qkv", "h"),
            "self_attn.o_proj": ("h", "q"),
            "mlp.gate_up_proj": ("2i", "h"),
            "mlp.down_proj": ("h", "i"),
        },
        _NORMS,
    ),
    "internlm2": _Family(
        {
            "attention.wqkv": ("qkv", "h"),
            "attention.wo": ("h", "q"),
            "feed_forward.w1": ("i", "h"),
            "feed_forward.w3": ("i", "h"),
            "feed_forward.w2": ("h", "i"),
        },
        {"attention_norm": "h", "ffn_norm": "h"},
        embedding="model.tok_embeddings",
        output="output",
    ),
    "chatglm": _Family(
        {
            "self_attention.query_key_value": ("qkv", "h"),
            "self_attention.dense": ("h", "q"),
            "mlp.dense_h_to_4h": ("2i", "h"),
            "mlp.dense_4h_to_h": ("h", "i"),
        },
        _NORMS,
        layer="transformer.encoder.layers",
        embedding="transformer.embedding.word_embeddings",
        final="transformer.encoder.final_layernorm",
        output="transformer.output_layer",
        biased={"self_attention.query_key_value": "add_qkv_bias"},
    ),
    "qwen": _Family(
        {
            "attn.c_attn": ("qkv", "h"),
            "attn.c_proj": ("h", "q"),
            "mlp.w1": ("i", "h"),
            "mlp.w2": ("i", "h"),
            "mlp.c_proj": ("h", "i"),
        },
        {"ln_1": "h", "ln_2": "h"},
        layer="transformer.h",
        embedding="transformer.wte",
        final="transformer.ln_f",
        biased={"attn.c_attn": True},
    ),
}

# What a config.json calls them; the first that is there counts.
_KEYS = {
    "h": ("hidden_size",),
    "layers": ("num_hidden_layers", "num_layers"),
    "i": ("intermediate_size", "ffn_hidden_size"),
    "heads": ("num_attention_heads",),
    "vocabulary": ("vocab_size", "padded_vocab_size"),
}
_POSITIONS = ("max_position_embeddings", "seq_length")
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def config_of(name: str, folder_config: Mapping[str, Any]) -> dict[str, Any]:
    """The config.json of the model ``name``: that of its folder, else the shipped one of a known base model.

    Raises:
        ModelError: it is not on this machine, and none is shipped.
    """
    if folder_config:
        return dict(folder_config)
    known = base_models.find(name)
    facts = read_yaml(shipped("templates") / "planning" / "configs.yaml")
    found = facts.get(known.name if known else name)
    if found is None:
        ids = [*facts, *(one.id for one in base_models.known().values() if one.name in facts)]
        near = "" if known else did_you_mean(name, ids)
        raise ModelError(
            f"model_name_or_path: {name}: its config.json is not on this machine. "
            f"{near + ' Else put' if near.startswith('Did') else 'Put'} its config.json, which is enough, into a "
            "folder and plan with model_name_or_path=FOLDER, or bring the model here with llf-kit model fetch."
        )
    return dict(found)


def read(config: Mapping[str, Any], name: str = "config.json") -> Model:
    """The model that a config.json describes.

    Raises:
        ModelError: its ``model_type`` is not known here, or a size is missing.
    """
    kind = str(config.get("model_type"))
    family = FAMILIES.get(kind)
    if family is None or isinstance(config.get("text_config"), dict):
        raise ModelError(
            f"{name}: models of type {kind!r} are not known to plan. Known: {', '.join(sorted(FAMILIES))}; "
            "another one needs its layers described in llf_kit/planning/architecture.py."
        )
    sizes = _sizes(kind, family, config, name)
    tied = bool(config.get("tie_word_embeddings", family.tied))
    return Model(
        type=kind,
        weights=tuple(_weights(family, config, sizes, tied)),
        layers=sizes["layers"],
        hidden=sizes["h"],
        intermediate=sizes["i"],
        heads=sizes["heads"],
        kv_heads=sizes["kv"] // sizes["d"],
        head=sizes["d"],
        vocabulary=sizes["vocabulary"],
        embedding=family.embedding,
        output=family.output,
        tied=tied,
        dtype=_BYTES.get(str(config.get("dtype") or config.get("torch_dtype")), 4),
        quantized=_bits(config),
        positions=next((config[one] for one in _POSITIONS if isinstance(config.get(one), int)), None),
    )


def _sizes(kind: str, family: _Family, config: Mapping[str, Any], name: str) -> dict[str, int]:
    found = {
        key: next((config[one] for one in keys if isinstance(config.get(one), int)), 0) for key, keys in _KEYS.items()
    }
    if missing := [_KEYS[key][0] for key, value in found.items() if value <= 0]:
        raise ModelError(f"{name}: has no {', '.join(missing)}. Fetch the model again.")
    if kind == "qwen":
        found["i"] //= 2  # modeling_qwen.py halves it
    head = config.get("head_dim") or config.get("kv_channels") or family.head or found["h"] // found["heads"]
    groups = config.get("num_key_value_heads") or found["heads"]
    if kind == "chatglm":
        groups = config.get("multi_query_group_num") if config.get("multi_query_attention") else found["heads"]
    query, shared = found["heads"] * head, groups * head
    return {**found, "d": head, "q": query, "kv": shared, "qkv": query + 2 * shared, "2i": 2 * found["i"]}


def _weights(family: _Family, config: Mapping[str, Any], sizes: dict[str, int], tied: bool) -> list[Weight]:
    table = (sizes["vocabulary"], sizes["h"])
    made = [Weight(f"{family.embedding}.weight", table)]
    for number in range(sizes["layers"]):
        layer = f"{family.layer}.{number}"
        for module, (out, into) in family.linear.items():
            made.append(Weight(f"{layer}.{module}.weight", (sizes[out], sizes[into]), linear=True))
            bias = family.biased.get(module, False)
            if config.get(bias) if isinstance(bias, str) else bias:
                made.append(Weight(f"{layer}.{module}.bias", (sizes[out],)))
        made += [Weight(f"{layer}.{module}.weight", (sizes[size],)) for module, size in family.norms.items()]
    made.append(Weight(f"{family.final}.weight", (sizes["h"],)))
    if not tied:
        made.append(Weight(f"{family.output}.weight", table, linear=True))
    return made


def _bits(config: Mapping[str, Any]) -> int | None:
    quantization = config.get("quantization_config")
    if not isinstance(quantization, dict):
        return None
    bits = quantization.get("bits") or quantization.get("nbits")
    return bits if isinstance(bits, int) else 8 if quantization.get("load_in_8bit") else 4
