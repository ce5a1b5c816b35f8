"""What a failed run said at the end, and what to do about the failures that are known.

Upstream's own words are long tracebacks; people get the exception's line and a way out. Only lines of exceptions are
taken from the log, never a training example that upstream prints into it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_EXCEPTION = re.compile(r"^(?:\[rank\d+\]: )?[\w.]*(?:Error|Exception|NotFound)\b.*")
_TAIL = 200_000  # bytes; a traceback with all of transformers in it is about 10,000


class _Known(NamedTuple):
    pattern: re.Pattern[str]
    advice: str


_KNOWN = tuple(
    _Known(re.compile(pattern), advice)
    for pattern, advice in (
        (
            r"Some (?:specified arguments|keys) are not used by the HfArgumentParser",
            "A key in the YAML or an override is unknown to the installed LLaMA-Factory: correct its spelling.",
        ),
        (
            r"Undefined dataset",
            "dataset_info.json has no entry of that name: convert it (`llf-kit convert`) or correct `dataset`.",
        ),
        (
            r"Cannot open .*dataset_info\.json",
            "Start from the folder that holds dataset_info.json, or set dataset_dir.",
        ),
        (
            r"Cannot find valid samples",
            "The columns in dataset_info.json do not fit the file: convert again with `llf-kit convert`.",
        ),
        (
            r"Template .* does not exist",
            "Give the `template` that LLaMA-Factory lists for this model; `llf-kit model list` shows the usual ones.",
        ),
        (
            r"out of memory|OutOfMemoryError",
            "Lower per_device_train_batch_size or cutoff_len, or take the qlora_sft template.",
        ),
        (
            r"Your setup doesn't support bf16|does not support bf16|bf16.*not supported",
            "Render with --set precision=fp32 (CPU) or precision=fp16 (a GPU before Ampere).",
        ),
        (
            r"Repo id must|HFValidationError",
            "It is neither a folder here nor the name of a model on a hub: correct its path.",
        ),
        (
            r"couldn't connect to|Connection(?:Error|Refused)|MaxRetryError|LocalEntryNotFound|is not a local folder"
            r"|Cannot send a request|Network is unreachable|Name or service not known",
            "The model is not on this machine and the hub cannot be reached: bring it here with `llf-kit model fetch` "
            "while online (USE_MODELSCOPE_HUB=1 takes ModelScope), or give the path of its folder.",
        ),
        (
            r"No space left on device",
            "Make room, or give another output_dir; then start again with --resume.",
        ),
        (
            r"Please provide `model_name_or_path`",
            "The path of the YAML has a space in it, where torchrun cuts it: rename it.",
        ),
        (
            r"not applicable in the current training stage",
            "Pairs (ranking) are for stage rm and dpo alone, and these for pairs alone: correct stage, or the dataset.",
        ),
        (
            r"Output directory already exists",
            "Give another output_dir.",
        ),
        (
            r"No module named|requires the .* (?:library|package)|(?:is not|not been) installed|pip install",
            "Install the package that is named, in the environment of llamafactory-cli.",
        ),
        (
            r"adapter_config\.json|Can't find .*adapter",
            "The adapter's folder is not one: give the output_dir of a finished LoRA run.",
        ),
    )
)


def last(log: Path) -> str | None:
    """The line of the last exception in ``log``."""
    said = _exceptions(log)
    return said[-1][:500].rstrip(".") if said else None


def _exceptions(log: Path) -> list[str]:
    return [line for line in map(str.strip, _tail(log).splitlines()) if _EXCEPTION.match(line)]


def explain(log: Path, exit_code: int) -> str:
    """The last meaningful line of ``log`` and what to do, as one text."""
    said = _exceptions(log)
    last = said[-1][:500] if said else f"it ended with exit status {exit_code}"
    hint = next((found for line in reversed(said) if (found := advice(line))), None)
    if hint is None and exit_code == -9:
        last = "the system ended it (SIGKILL), most likely because memory ran out"
        hint = "Lower per_device_train_batch_size or cutoff_len, or take a smaller model."
    return f"{last.rstrip('.')}. {hint or 'The log has the rest.'}"


def advice(text: str) -> str | None:
    """What to do about an exception's words, if they are known."""
    return next((known.advice for known in _KNOWN if known.pattern.search(text)), None)


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        return file.read().decode("utf-8", errors="replace").replace("\r", "\n")
