"""Values outside sense: learning rates, ranks, epochs, lengths, shares.

The bounds are those beyond which published recipes do not go (LoRA, Hu et al. 2021: rank 1 to 64, rates 2e-5 to 2e-3;
LLaMA-Factory's own examples: 1e-5 full, 1e-4 LoRA), widened tenfold; a warning, not an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llf_kit.checks.subject import Subject
from llf_kit.schema import Finding


@dataclass(frozen=True)
class Range:
    """What is possible (``least`` to ``most``) and what is usual (``low`` to ``high``)."""

    key: str
    least: float
    most: float
    low: float
    high: float
    usual: str


_INFINITE = float("inf")

RANGES: tuple[Range, ...] = (
    Range("learning_rate", 0, _INFINITE, 1e-7, 1e-2, "1.0e-4 for LoRA, 1.0e-5 for full training"),
    Range("num_train_epochs", 0, _INFINITE, 0.01, 50, "3"),
    Range("lora_rank", 1, _INFINITE, 1, 512, "8 to 64"),
    Range("lora_alpha", 0, _INFINITE, 1, 2048, "twice the rank"),
    Range("lora_dropout", 0, 1, 0, 0.5, "0 to 0.1"),
    Range("cutoff_len", 1, _INFINITE, 64, 1_000_000, "2048"),
    Range("per_device_train_batch_size", 1, _INFINITE, 1, 512, "1 to 16"),
    Range("gradient_accumulation_steps", 1, _INFINITE, 1, 1024, "1 to 16"),
    Range("warmup_ratio", 0, 1, 0, 0.5, "0.03 to 0.1"),
    Range("weight_decay", 0, _INFINITE, 0, 1, "0 to 0.1"),
    Range("max_grad_norm", 0, _INFINITE, 0, 100, "1.0"),
    Range("logging_steps", 0, _INFINITE, 0, 10_000, "10"),
    Range("pref_beta", 0, _INFINITE, 0.001, 10, "0.1"),
    Range("temperature", 0, _INFINITE, 0, 2, "0.7, or do_sample: false"),
    Range("top_p", 0, 1, 0.01, 1, "0.7 to 1"),
    Range("neftune_noise_alpha", 0, _INFINITE, 0, 50, "5"),
)


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about numbers that cannot be, or that are probably not meant."""
    for one in RANGES:
        value = subject.config.values.get(one.key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not one.least <= value <= one.most:
            yield subject.finding("ranges", "error", one.key, f"{one.key}: {value} cannot be", f"Usual: {one.usual}.")
        elif not one.low <= value <= one.high:
            yield subject.finding(
                "ranges", "warning", one.key, f"{one.key}: {value} is far from usual", f"Usual: {one.usual}."
            )
    if subject.trains and subject.get("learning_rate") == 0:
        yield subject.finding("ranges", "error", "learning_rate", "learning_rate: 0 trains nothing", "Usual: 1.0e-4.")
    full = subject.get("finetuning_type", "lora") == "full"
    rate = subject.config.values.get("learning_rate")
    if subject.trains and full and isinstance(rate, float) and 1e-4 < rate <= 1e-2:
        message = f"learning_rate: {rate} is a rate for LoRA; full training forgets at it"
        yield subject.finding("ranges", "warning", "learning_rate", message, "Usual: 1.0e-5.")
