"""Keys that fight with each other, and keys that do nothing as things stand.

The first kind are the refusals of LLaMA-Factory 0.9.5 and transformers 5.6 themselves (hparams/parser.py, the
``__post_init__`` of each group, training_args.py), which upstream tells one at a time, after its imports; the second
kind it never tells.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llf_kit.checks import files
from llf_kit.checks.subject import Subject
from llf_kit.errors import ConfigError
from llf_kit.schema import Finding
from llf_kit.upstream.dataset_entries import names
from llf_kit.upstream.environment import admits

NAME = "combinations"


@dataclass(frozen=True)
class Rule:
    """``when`` holds, ``message`` is said about ``key``, and ``hint`` is the mend."""

    key: str
    when: Callable[[Subject], bool]
    message: str
    hint: str
    severity: Literal["error", "warning"] = "error"


def _on(key: str) -> Callable[[Subject], bool]:
    return lambda s: s.get(key) is True


def _evaluates(s: Subject) -> bool:
    return _strategy(s, "eval") != "no"


def _strategy(s: Subject, what: str) -> str:
    value = s.get(f"{what}_strategy", "no")
    return "no" if value in (None, False) else str(value)


def _number(s: Subject, key: str) -> float:
    value = s.get(key, 0)
    return float(value) if isinstance(value, int | float) else 0.0


def _type(s: Subject) -> str:
    return str(s.get("finetuning_type", "lora"))


def _predicts(s: Subject) -> bool:
    return any(s.get(key) is True for key in ("do_eval", "do_predict", "predict_with_generate"))


def _zero3(s: Subject) -> bool:
    """Whether DeepSpeed shards the weights themselves."""
    given = s.config.values.get("deepspeed")
    with suppress(OSError, ValueError, ConfigError):
        given = files.read(Path(given)) if isinstance(given, str) else given
    stage = given.get("zero_optimization", {}) if isinstance(given, dict) else {}
    return isinstance(stage, dict) and stage.get("stage") == 3


def _more_bits(s: Subject) -> bool:
    """Whether a model that is quantised on loading gets bits that its method does not make (quantization.py)."""
    allowed = {"bnb": (4, 8), "hqq": (1, 2, 3, 4, 5, 6, 8), "eetq": (8,)}
    bits = allowed.get(str(s.get("quantization_method", "bnb")))
    return s.has("quantization_bit") and bits is not None and s.get("quantization_bit") not in bits


def _layerwise(s: Subject) -> bool:
    return any(s.get(f"use_{name}") is True and s.get(f"{name}_layerwise") is True for name in ("galore", "apollo"))


FIGHTING: tuple[Rule, ...] = (
    Rule("dataset", lambda s: s.trains and not names(s.get("dataset")), "there is nothing to train on", "Name a dataset of dataset_info.json."),
    Rule("val_size", lambda s: _number(s, "val_size") > 1e-6 and s.has("eval_dataset"), "val_size and eval_dataset are both given", "Keep one."),
    Rule("val_size", lambda s: _number(s, "val_size") > 1e-6 and not s.has("dataset"), "val_size takes its rows from dataset, and there is none", "Name a dataset."),
    Rule("eval_dataset", lambda s: s.verb == "train" and _predicts(s) and not s.has("eval_dataset") and _number(s, "val_size") < 1e-6, "it evaluates or predicts, on nothing", "Name an eval_dataset, or set val_size."),
    Rule("predict_with_generate", lambda s: s.stage == "sft" and s.get("do_predict") is True and s.get("predict_with_generate") is not True, "do_predict needs predict_with_generate", "Add predict_with_generate: true."),
    Rule("predict_with_generate", lambda s: s.get("predict_with_generate") is True and s.stage != "sft", "predict_with_generate is for stage sft alone", "Set stage: sft."),
    Rule("compute_accuracy", lambda s: s.get("compute_accuracy") is True and s.get("predict_with_generate") is True, "compute_accuracy and predict_with_generate exclude each other", "Keep one."),
    Rule("neat_packing", lambda s: s.get("neat_packing") is True and s.stage != "sft", "neat_packing is for stage sft alone", "Remove it."),
    Rule("mask_history", lambda s: (s.get("mask_history") is True or s.get("train_on_prompt") is True) and s.verb == "train" and s.stage != "sft", "mask_history and train_on_prompt are for stage sft alone", "Remove it."),
    Rule("mask_history", lambda s: s.get("mask_history") is True and s.get("train_on_prompt") is True, "mask_history and train_on_prompt exclude each other", "Keep one."),
    Rule("load_best_model_at_end", lambda s: s.get("load_best_model_at_end") is True and s.stage in ("rm", "ppo"), "load_best_model_at_end is not for stages rm and ppo", "Remove it."),
    Rule("load_best_model_at_end", lambda s: s.get("load_best_model_at_end") is True and _strategy(s, "save") != "best" and _strategy(s, "save") != _strategy(s, "eval"), "load_best_model_at_end needs save_strategy and eval_strategy to be the same", "Set both to steps, or both to epoch."),
    Rule("save_steps", lambda s: s.get("load_best_model_at_end") is True and _strategy(s, "save") == _strategy(s, "eval") == "steps" and _number(s, "eval_steps") >= 1 and _number(s, "save_steps") % _number(s, "eval_steps") != 0, "load_best_model_at_end needs save_steps to be a multiple of eval_steps", "Make them equal."),
    Rule("do_train", lambda s: s.stage == "ppo" and s.verb == "train" and not s.trains, "stage ppo only trains", "Add do_train: true."),
    Rule("reward_model", lambda s: s.stage == "ppo" and s.verb == "train" and not s.has("reward_model"), "stage ppo needs a reward_model", "Train one with stage: rm and name its folder."),
    Rule("max_steps", lambda s: s.get("streaming") is True and s.verb == "train" and _number(s, "max_steps") <= 0, "streaming needs max_steps", "Add max_steps."),
    Rule("val_size", lambda s: s.get("streaming") is True and 1e-6 < _number(s, "val_size") < 1, "streaming needs val_size as a number of rows", "Give a whole number."),
    Rule("max_samples", lambda s: s.get("streaming") is True and s.has("max_samples"), "max_samples and streaming exclude each other", "Keep one."),
    Rule("interleave_probs", lambda s: s.has("interleave_probs") and s.get("mix_strategy", "concat") == "concat", "interleave_probs needs a mix_strategy that interleaves", "Add mix_strategy: interleave_under."),
    Rule("interleave_probs", lambda s: s.has("interleave_probs") and len(names(s.get("interleave_probs"))) != len(names(s.get("dataset"))), "there is not one of interleave_probs for each dataset", "Give as many as there are datasets."),
    Rule("adapter_name_or_path", lambda s: s.has("adapter_name_or_path") and _type(s) != "lora", "an adapter goes with finetuning_type lora alone", "Remove the adapter, or set finetuning_type: lora."),
    Rule("quantization_bit", lambda s: s.has("quantization_bit") and _type(s) not in ("lora", "oft"), "a quantised model takes adapters alone", "Set finetuning_type: lora, or remove quantization_bit."),
    Rule("quantization_bit", lambda s: s.has("quantization_bit") and s.verb == "export" and s.has("adapter_name_or_path"), "an adapter cannot be merged into a quantised model", "Remove quantization_bit."),
    Rule("quantization_bit", lambda s: s.has("quantization_bit") and (s.get("resize_vocab") is True or s.get("pissa_init") is True), "a quantised model takes neither resize_vocab nor pissa_init", "Remove one of them."),
    Rule("finetuning_type", lambda s: _type(s) != "lora" and any(s.has(key) and s.get(key) is not False for key in ("loraplus_lr_ratio", "use_rslora", "use_dora", "pissa_init")), "loraplus_lr_ratio, use_rslora, use_dora and pissa_init are for finetuning_type lora", "Remove them, or set finetuning_type: lora."),
    Rule("finetuning_type", lambda s: _type(s) == "lora" and any(s.get(key) is True for key in ("use_galore", "use_apollo", "use_badam")), "GaLore, APOLLO and BAdam do not go with LoRA", "Set finetuning_type: full, or remove them."),
    Rule("use_galore", lambda s: sum(s.get(key) is True for key in ("use_galore", "use_apollo", "use_badam")) > 1, "GaLore, APOLLO and BAdam exclude each other", "Keep one."),
    Rule("pissa_init", lambda s: s.get("pissa_init") is True and s.stage in ("ppo", "kto", "dpo"), "PiSSA does not go with this stage", "Remove pissa_init."),
    Rule("dpo_label_smoothing", lambda s: s.stage == "dpo" and _number(s, "dpo_label_smoothing") > 1e-6 and s.get("pref_loss", "sigmoid") != "sigmoid", "dpo_label_smoothing is for pref_loss sigmoid alone", "Remove it."),
    Rule("bf16", lambda s: s.get("fp16") is True and s.get("bf16") is True, "fp16 and bf16 are both set", "Keep bf16, or fp16 on an older GPU."),
    Rule("lr_scheduler_type", lambda s: s.get("lr_scheduler_type") == "reduce_lr_on_plateau" and not _evaluates(s), "reduce_lr_on_plateau looks at the validation loss, and nothing is evaluated", "Add eval_strategy: epoch and val_size: 0.1."),
    Rule("quantization_device_map", lambda s: s.trains and s.get("quantization_device_map") == "auto", "a quantised model in training takes no device map", "Remove quantization_device_map."),
    Rule("infer_backend", lambda s: s.verb == "train" and s.get("infer_backend", "huggingface") in ("vllm", "sglang"), "vllm and sglang answer, and do not train", "Remove infer_backend."),
    Rule("infer_backend", lambda s: s.verb == "infer" and s.get("infer_backend") == "vllm" and (s.has("quantization_bit") or s.has("rope_scaling")), "vllm takes neither quantization_bit nor rope_scaling", "Remove them, or set infer_backend: huggingface."),
    Rule("infer_backend", lambda s: s.verb == "infer" and s.get("infer_backend") == "vllm" and s.stage != "sft", "vllm answers for stage sft alone", "Set stage: sft."),
    Rule("adapter_name_or_path", lambda s: (s.has("quantization_bit") or s.get("infer_backend") == "vllm") and len(names(s.get("adapter_name_or_path"))) > 1, "a quantised model and vllm take one adapter alone", "Merge them first."),
    Rule("create_new_adapter", lambda s: s.has("quantization_bit") and s.has("adapter_name_or_path") and s.get("create_new_adapter") is True, "a quantised model with an adapter takes no new one", "Merge the adapter first, or remove create_new_adapter."),
    Rule("quantization_bit", _more_bits, "quantization_method does not make so many bits", "bnb: 4 or 8; hqq: 1 to 6 or 8; eetq: 8."),
    Rule("fp8", lambda s: s.get("fp8") is True and s.has("quantization_bit"), "fp8 and quantization_bit exclude each other", "Keep one."),
    Rule("deepspeed", lambda s: s.has("deepspeed") and (s.get("use_galore") is True or s.get("use_apollo") is True), "GaLore and APOLLO do not go with deepspeed", "Keep one."),
    Rule("deepspeed", lambda s: any(s.get(key) is True for key in ("predict_with_generate", "pissa_init", "pure_bf16", "use_unsloth", "use_kt")) and _zero3(s), "ZeRO-3 goes with none of predict_with_generate, pissa_init, pure_bf16, use_unsloth and use_kt", "Take ZeRO-2, or remove them."),
    Rule("gradient_accumulation_steps", lambda s: s.trains and _layerwise(s) and s.get("gradient_accumulation_steps", 1) != 1, "layer-wise GaLore and APOLLO do not accumulate gradients", "Set gradient_accumulation_steps: 1."),
    Rule("use_llama_pro", lambda s: s.get("use_llama_pro") is True and _type(s) == "full", "use_llama_pro does not go with full training", "Set finetuning_type: freeze."),
    Rule("reward_model_type", lambda s: s.stage == "ppo" and s.verb == "train" and s.get("reward_model_type", "lora") == "lora" and _type(s) != "lora", "a reward model of type lora goes with finetuning_type lora alone", "Set reward_model_type: full."),
    Rule("report_to", lambda s: s.stage == "ppo" and s.verb == "train" and not {"none", "wandb", "tensorboard", "trackio"}.issuperset(names(s.get("report_to"))), "stage ppo reports to wandb, tensorboard and trackio alone", "Remove the others."),
    Rule("shift_attn", lambda s: s.get("shift_attn") is True and s.stage == "ppo", "shift_attn does not go with stage ppo", "Remove it."),
    Rule("shift_attn", lambda s: s.get("shift_attn") is True and s.trains and not admits("<4.48.0", s.schema.transformers), "shift_attn needs transformers before 4.48", "Remove it."),
    Rule("interleave_probs", lambda s: s.has("interleave_probs") and s.has("eval_dataset") and len(names(s.get("interleave_probs"))) != len(names(s.get("eval_dataset"))), "there is not one of interleave_probs for each eval_dataset", "Give as many, or leave eval_dataset out."),
    Rule("tokenized_path", lambda s: s.has("tokenized_path") and s.get("streaming") is True and not Path(str(s.get("tokenized_path"))).exists(), "rows that are streamed cannot be written to tokenized_path", "Remove one."),
    Rule("image_max_pixels", lambda s: any(_number(s, f"{kind}_max_pixels") < _number(s, f"{kind}_min_pixels") for kind in ("image", "video")), "the most pixels are fewer than the least", "Raise it."),
    Rule("export_quantization_bit", lambda s: s.has("export_quantization_bit") and s.has("adapter_name_or_path"), "an adapter is merged first, and quantised in a second export", "Remove one of them."),
    Rule("export_quantization_bit", lambda s: s.has("export_quantization_bit") and s.get("export_quantization_bit") not in (2, 3, 4, 8), "an export is quantised to 2, 3, 4 or 8 bits", "Write export_quantization_bit: 4"),
    Rule("adapter_name_or_path", lambda s: s.verb == "export" and s.has("adapter_name_or_path") and "quantization_config" in s.model_config, "an adapter cannot be merged into a quantised model, which this one is", "Name the model that it was quantised from."),
    Rule("finetuning_type", lambda s: s.trains and _type(s) not in ("lora", "oft") and "quantization_config" in s.model_config, "this model is quantised, and takes adapters alone", "Set finetuning_type: lora."),
    Rule("export_quantization_dataset", lambda s: s.has("export_quantization_bit") and not s.has("export_quantization_dataset"), "quantising an export needs rows to calibrate on", "Add export_quantization_dataset."),
)  # fmt: skip

IDLE: tuple[Rule, ...] = (
    Rule("do_train", lambda s: s.verb == "train" and not s.trains and not _predicts(s), "nothing is trained, evaluated or predicted: do_train is not set", "Add do_train: true."),
    Rule("eval_steps", lambda s: s.has("eval_steps") and s.trains and _strategy(s, "eval") != "steps", "eval_steps does nothing without eval_strategy: steps", "Add eval_strategy: steps, or remove it.", "warning"),
    Rule("val_size", lambda s: s.trains and _number(s, "val_size") > 1e-6 and not _evaluates(s) and not _predicts(s), "rows are withheld for validation, and nothing is evaluated", "Add eval_strategy: epoch, or remove val_size.", "warning"),
    Rule("eval_dataset", lambda s: s.trains and s.has("eval_dataset") and not _evaluates(s) and not _predicts(s), "eval_dataset is given, and nothing is evaluated", "Add eval_strategy: epoch.", "warning"),
    Rule("eval_strategy", lambda s: s.trains and _evaluates(s) and _number(s, "val_size") < 1e-6 and not s.has("eval_dataset"), "there is nothing to evaluate on", "Set val_size: 0.1 or an eval_dataset."),
    Rule("warmup_ratio", lambda s: s.config.values.keys() >= {"warmup_ratio", "warmup_steps"} and _number(s, "warmup_ratio") > 0 and _number(s, "warmup_steps") > 0, "warmup_ratio and warmup_steps are both given, and one overrides the other", "Keep one.", "warning"),
    Rule("num_train_epochs", lambda s: s.trains and s.has("num_train_epochs") and _number(s, "max_steps") > 0, "max_steps overrides num_train_epochs", "Keep one.", "warning"),
    Rule("save_steps", lambda s: s.trains and "save_steps" in s.config.values and s.has("save_strategy") and _strategy(s, "save") != "steps", "save_steps does nothing with this save_strategy", "Remove one of them.", "warning"),
    Rule("metric_for_best_model", lambda s: s.trains and s.has("metric_for_best_model") and s.get("load_best_model_at_end") is not True and _strategy(s, "save") != "best", "metric_for_best_model does nothing without load_best_model_at_end", "Add load_best_model_at_end: true.", "warning"),
    Rule("cutoff_len", lambda s: s.trains and s.get("packing") is True and s.stage in ("rm", "dpo", "kto", "ppo"), "packing does nothing in this stage", "Remove it.", "warning"),
)  # fmt: skip

# Prefixes of keys that another key switches on.
_BELONG: tuple[tuple[str, Callable[[Subject], bool], str], ...] = (
    ("lora_", lambda s: _type(s) == "lora", "finetuning_type: lora"),
    ("oft_", lambda s: _type(s) == "oft", "finetuning_type: oft"),
    ("freeze_trainable_", lambda s: _type(s) == "freeze", "finetuning_type: freeze"),
    ("pref_beta", lambda s: s.stage in ("dpo", "kto"), "stage: dpo or kto"),
    ("pref_ftx", lambda s: s.stage in ("dpo", "kto"), "stage: dpo or kto"),
    ("pref_loss", lambda s: s.stage == "dpo", "stage: dpo"),
    ("dpo_", lambda s: s.stage == "dpo", "stage: dpo"),
    ("simpo_", lambda s: s.get("pref_loss") == "simpo", "pref_loss: simpo"),
    ("kto_", lambda s: s.stage == "kto", "stage: kto"),
    ("ppo_", lambda s: s.stage == "ppo", "stage: ppo"),
    ("galore_", _on("use_galore"), "use_galore: true"),
    ("apollo_", _on("use_apollo"), "use_apollo: true"),
    ("badam_", _on("use_badam"), "use_badam: true"),
    ("swanlab_", _on("use_swanlab"), "use_swanlab: true"),
    ("vllm_", lambda s: s.get("infer_backend") == "vllm", "infer_backend: vllm"),
    ("sglang_", lambda s: s.get("infer_backend") == "sglang", "infer_backend: sglang"),
    ("ray_", lambda _: os.environ.get("USE_RAY", "").lower() in ("1", "true", "y"), "USE_RAY=1"),
)


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about keys that fight or do nothing."""
    for rule in (*FIGHTING, *IDLE):
        if rule.when(subject):
            yield subject.finding(NAME, rule.severity, rule.key, rule.message, rule.hint)
    for key in subject.config.values:
        for prefix, switched_on, by in _BELONG:
            if key.startswith(prefix) and key in subject.schema.arguments and not switched_on(subject):
                hint = f"Remove it, or set {by}."
                yield subject.finding(NAME, "warning", key, f"{key} does nothing without {by}", hint)
