"""The model card: what a merged model was made of, what was measured, and what it is not for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llf_kit.templating import render_text
from llf_kit.upstream.record import Record

__all__ = ["card"]

_TEMPLATE = "export/card.md.j2"
_SETTINGS = (
    *("stage", "finetuning_type", "lora_rank", "lora_alpha", "lora_target", "quantization_bit"),
    *("template", "enable_thinking", "cutoff_len", "learning_rate", "num_train_epochs", "max_steps"),
    *("per_device_train_batch_size", "gradient_accumulation_steps", "lr_scheduler_type", "warmup_ratio", "seed"),
    *("bf16", "fp16", "pure_bf16"),
)


def card(name: str, merged: Record, training: Record | None, system: str, mended: list[str]) -> str:
    """The text of README.md; ``merged`` is the record of the export, ``training`` that of the run if there is one."""
    config = training.config if training else {}
    base = str((training or merged).config.get("model_name_or_path", ""))
    settings = {key: config[key] for key in _SETTINGS if config.get(key) is not None}
    return render_text(
        _TEMPLATE,
        {
            "name": name,
            "base": base if not Path(base).is_absolute() else Path(base).name,
            "base_sha256": (training or merged).base,
            "system": system,
            "data": [{"name": one, **_plain(facts)} for one, facts in (training.data if training else {}).items()],
            "settings": settings,
            "measured": _numbers(training.result if training else {}),
            "device": training.device if training else "",
            "started": training.started if training else "",
            "versions": (training or merged).versions,
            "mended": mended,
        },
    )


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {"file": Path(str(facts.get("file", ""))).name, "sha256": facts.get("sha256"), "rows": facts.get("rows")}


def _numbers(result: dict[str, Any]) -> dict[str, str]:
    """What upstream measured, without how long it took."""
    return {
        key: f"{value:.4g}"
        for key, value in result.items()
        if isinstance(value, int | float) and not key.endswith(("_runtime", "_per_second", "total_flos"))
    }
