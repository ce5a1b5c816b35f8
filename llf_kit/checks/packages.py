"""Packages that a key asks for and that are not installed; upstream tells when the model is loaded, or never."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from llf_kit.checks.subject import Severity, Subject
from llf_kit.schema import Finding
from llf_kit.upstream.dataset_entries import names


def _true(value: Any) -> bool:
    return value is True


def _given(value: Any) -> bool:
    return value not in (None, False, "")


# key, whether its value asks, module, what pip calls it: hparams/parser.py (_check_extra_dependencies) and
# model/model_utils of LLaMA-Factory 0.9.5
NEEDS: tuple[tuple[str, Callable[[Any], bool], str, str], ...] = (
    ("use_unsloth", _true, "unsloth", "unsloth"),
    ("use_unsloth_gc", _true, "unsloth", "unsloth"),
    ("enable_liger_kernel", _true, "liger_kernel", "liger-kernel"),
    ("mixture_of_depths", _given, "MoD", "mixture-of-depth"),
    ("use_galore", _true, "galore_torch", "galore-torch"),
    ("use_apollo", _true, "apollo_torch", "apollo-torch"),
    ("use_badam", _true, "badam", "badam"),
    ("use_adam_mini", _true, "adam_mini", "adam-mini"),
    ("use_swanlab", _true, "swanlab", "swanlab"),
    ("plot_loss", _true, "matplotlib", "matplotlib"),
    ("deepspeed", _given, "deepspeed", "deepspeed"),
    ("predict_with_generate", _true, "jieba", "jieba"),
    ("predict_with_generate", _true, "nltk", "nltk"),
    ("predict_with_generate", _true, "rouge_chinese", "rouge-chinese"),
    ("infer_backend", lambda value: value == "vllm", "vllm", "vllm"),
    ("infer_backend", lambda value: value == "sglang", "sglang", "sglang"),
    ("quantization_method", lambda value: value == "hqq", "hqq", "hqq"),
    ("quantization_method", lambda value: value == "eetq", "eetq", "eetq"),
    ("export_quantization_bit", _given, "optimum", "optimum"),
    ("export_quantization_bit", _given, "gptqmodel", "gptqmodel"),
    ("use_kt", _true, "kt_kernel", "kt-kernel"),
)
# Of use only where there is a GPU
_FOR_GPU = frozenset(
    (
        *("unsloth", "liger-kernel", "deepspeed", "vllm", "sglang", "hqq", "eetq", "gptqmodel", "bitsandbytes"),
        *("autoawq", "aqlm", "kt-kernel", "optimum"),
    )
)
# trainer_optimizer.py of transformers 5.6: what a part of the optimiser's name stands for
_OPTIMISERS = (
    (r"galore_", "galore_torch", "galore-torch"),
    (r"apollo_", "apollo_torch", "apollo-torch"),
    (r"adamw_torch_[48]bit", "torchao", "torchao"),
    (r".*(8bit|paged|bnb|lion|ademamix)", "bitsandbytes", "bitsandbytes"),
    (r"(ada)?lomo", "lomo_optim", "lomo-optim"),
    (r"grokadamw", "grokadamw", "grokadamw"),
    (r"schedule_free_", "schedulefree", "schedulefree"),
    (r"stable_adamw", "optimi", "torch-optimi"),
)
# model_utils/quantization.py: what a model that is quantised already is read with
_QUANTISED = {"gptq": ("gptqmodel", "gptqmodel"), "awq": ("awq", "autoawq"), "aqlm": ("aqlm", "aqlm")}
_REPORTS = {"wandb": "wandb", "tensorboard": "tensorboard", "mlflow": "mlflow", "swanlab": "swanlab"}
_REPORTS |= {"trackio": "trackio", "comet_ml": "comet_ml", "neptune": "neptune", "clearml": "clearml"}


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about packages; none where LLaMA-Factory itself is not on this machine."""
    if subject.schema.source != "installed":
        return
    for key, asks, module, package in NEEDS:
        if asks(subject.config.values.get(key)):
            yield from _missing(subject, key, module, package)
    if subject.has("quantization_bit") and subject.get("quantization_method", "bnb") in ("bnb", "bitsandbytes"):
        yield from _missing(subject, "quantization_bit", "bitsandbytes", "bitsandbytes")
    quantised = subject.model_config.get("quantization_config")
    method = quantised.get("quant_method") if isinstance(quantised, dict) else None
    if needed := _QUANTISED.get(str(method)):
        yield from _missing(subject, "model_name_or_path", *needed)
    if os.environ.get("USE_MODELSCOPE_HUB", "").lower() in ("1", "true", "y") and subject.on_hub:
        yield from _missing(subject, "model_name_or_path", "modelscope", "modelscope")
    if subject.trains:
        optimiser = str(subject.config.values.get("optim"))
        for pattern, module, package in _OPTIMISERS:
            if re.match(pattern, optimiser):
                yield from _missing(subject, "optim", module, package)
                break
    if subject.verb == "train":
        for name in names(subject.config.values.get("report_to")):
            if name in _REPORTS:
                yield from _missing(subject, "report_to", _REPORTS[name], name)
    if subject.get("flash_attn") == "fa2" and not find_spec("flash_attn"):
        message = "flash_attn: fa2 asks for the package flash-attn, which is not installed; upstream goes on without"
        yield subject.finding("packages", "warning", "flash_attn", message, "Install it, or write flash_attn: sdpa.")
    elif subject.get("flash_attn") == "fa2" and subject.schema.transformers == "5.6.0":
        message = "FlashAttention ends with an AttributeError in transformers 5.6.0"  # known_bad.yaml
        yield subject.finding("packages", "error", "flash_attn", message, "Write flash_attn: sdpa.")


def _missing(subject: Subject, key: str, module: str, package: str) -> Iterator[Finding]:
    if not find_spec(module):
        severity: Severity = "info" if subject.elsewhere and package in _FOR_GPU else "error"
        message = f"{key} asks for the package {package}, which is not installed"
        yield subject.finding(
            "packages", severity, key, message, f"Install it (pip install {package}), or remove {key}."
        )
