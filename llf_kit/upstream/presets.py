"""What a YAML chooses on LLaMA Board: every key in its widget, and the keys that have none in the extra arguments.

A training that is started on the page is the one that the YAML describes: the board has defaults of its own (it
accumulates over 8 steps where upstream does over none), so a key that the YAML leaves out is set to upstream's default.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal, NamedTuple

from llf_kit.upstream import assigned
from llf_kit.upstream.arguments import UNKNOWN, Schema
from llf_kit.upstream.configs import Config
from llf_kit.upstream.widgets import Widget, text

__all__ = ["STAGES", "Preset", "make"]

CUSTOM = "Custom"  # the board's name for a model that is not in its list

# extras/constants.py: TRAINING_STAGES
STAGES = {
    "sft": "Supervised Fine-Tuning",
    "rm": "Reward Modeling",
    "ppo": "PPO",
    "dpo": "DPO",
    "kto": "KTO",
    "pt": "Pre-Training",
}
# Keys whose widget is called otherwise, or whose widget has the same name; a tab each. Not here: widgets that the board
# shows and never reads (`project`), and those that it reads for models with pictures alone.
_TRAIN = {
    "per_device_train_batch_size": "batch_size",
    "neftune_noise_alpha": "neftune_alpha",
    "pissa_init": "use_pissa",
} | {
    name: name
    for name in (
        *("dataset_dir", "learning_rate", "num_train_epochs", "max_grad_norm", "max_samples", "cutoff_len"),
        *("gradient_accumulation_steps", "val_size", "lr_scheduler_type", "logging_steps", "save_steps"),
        *("warmup_steps", "packing", "neat_packing", "train_on_prompt", "mask_history", "resize_vocab"),
        *("use_llama_pro", "enable_thinking", "report_to"),
        *("freeze_trainable_layers", "freeze_trainable_modules", "freeze_extra_modules"),
        *("lora_rank", "lora_alpha", "lora_dropout", "loraplus_lr_ratio", "create_new_adapter"),
        *("use_rslora", "use_dora", "lora_target", "additional_target"),
        *("pref_beta", "pref_ftx", "pref_loss", "ppo_score_norm", "ppo_whiten_rewards"),
        *("use_galore", "galore_rank", "galore_update_interval", "galore_scale", "galore_target"),
        *("use_apollo", "apollo_rank", "apollo_update_interval", "apollo_scale", "apollo_target"),
        *("use_badam", "badam_mode", "badam_switch_mode", "badam_switch_interval", "badam_update_ratio"),
        *("use_swanlab", "swanlab_project", "swanlab_run_name", "swanlab_workspace", "swanlab_api_key"),
        "swanlab_mode",
    )
}
_EVAL = {"per_device_eval_batch_size": "batch_size"} | {
    name: name for name in ("dataset_dir", "cutoff_len", "max_samples", "max_new_tokens", "top_p", "temperature")
}
_INFER = {"default_system": "system"} | {
    name: name
    for name in (
        *("infer_backend", "infer_dtype", "max_new_tokens", "top_p", "temperature", "skip_special_tokens"),
        "enable_thinking",
    )
}
_EXPORT = {
    name: name
    for name in (
        *("export_size", "export_quantization_bit", "export_quantization_dataset", "export_device"),
        *("export_legacy_format", "export_dir", "export_hub_model_id"),
    )
}
_TOP = {"model_name_or_path": "model_path"} | {
    name: name for name in ("template", "finetuning_type", "quantization_bit", "quantization_method", "rope_scaling")
}
_BOOSTERS = {
    ("flash_attn", "fa2"): "flashattn2",
    ("use_unsloth", True): "unsloth",
    ("enable_liger_kernel", True): "liger_kernel",
}
_PRECISIONS = ("pure_bf16", "bf16", "fp16")
# How often something is written down changes nothing of what is learnt, and 500 steps are too seldom for a curve.
_BOARDS_OWN = ("logging_steps", "save_steps")
_EVERY_ROW = 100_000_000  # upstream takes all rows; the board has no word for that and asks for a number
# What the board says by itself, so that it need not stand in the extra arguments.
_SAID = {"do_train": True, "plot_loss": True, "trust_remote_code": True}
# Where a run writes: the board has folders of its own.
_BOARDS_PLACE = ("output_dir", "overwrite_output_dir")


Verb = Literal["train", "eval", "infer", "export"]


class _Place(NamedTuple):
    """A value for an element, and the keys of the YAML that are said by it."""

    element: str
    value: Any
    keys: Collection[str] = ()


@dataclass
class Preset:
    """The first value of each element by its id; ``left_out`` are keys for which the board has no place.

    ``label`` is the model's name on the board. Where its own list lacks it, ``listed`` is false.
    """

    name: str
    label: str
    listed: bool
    path: str
    template: str | None
    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def saved(self) -> dict[str, Any]:
        """As the board's own "load arguments" reads it: elements of the head and of the train tab."""
        name = {"top.model_name": self.label if self.listed else CUSTOM} if self.path else {}
        there = {key: value for key, value in self.values.items() if key.startswith(("top.", "train."))}
        return {key: value for key, value in {**there, **name}.items() if key != "top.model_path"}


def make(
    config: Config,
    schema: Schema,
    board: Mapping[str, Widget],
    *,
    name: str,
    datasets: Collection[str] = (),
    system: str | None = None,
) -> Preset:
    """What ``config`` chooses on ``board``; ``datasets`` are all that are prepared, ``system`` is the system prompt."""
    values = {key: value for key, value in config.values.items() if value is not None}
    path = str(values.get("model_name_or_path", ""))
    known = assigned.label(path) if path else None
    label = known or PurePath(path).name.replace(" ", "")
    made = Preset(name, label, known is not None, path, values.get("template"))
    said: set[str] = set(_BOARDS_PLACE)
    verb = _verb(values)
    places = [*_head(values, label), *_others(values, verb, datasets, system)]
    if verb == "train":
        places += _train(values, schema)
    for element, value, keys in places:
        widget = board.get(element)
        fitted = widget.fit(value) if widget and value is not None else None
        if fitted is not None:
            made.values[element] = fitted
            said |= set(keys)
    rest = {key: value for key, value in values.items() if key not in said and _SAID.get(key) != value}
    if path and made.template is None:
        rest["template"] = None  # the board's "default" is a template of its own; this leaves it to upstream
    _fill_boxes(made, verb, rest, schema, board)
    return made


def _verb(values: Mapping[str, Any]) -> Verb:
    """The tab that a YAML is for, by what it holds."""
    if "export_dir" in values:
        return "export"
    if values.get("do_train"):
        return "train"
    return "eval" if {"do_predict", "do_eval"} & values.keys() else "infer"


def _head(values: Mapping[str, Any], label: str) -> Iterator[_Place]:
    yield _Place("top.model_name", label or None)
    for key, name in _TOP.items():
        yield _Place(f"top.{name}", values.get(key), [key])
    if adapters := _names(values.get("adapter_name_or_path")):
        yield _Place("top.checkpoint_path", [_path(one) for one in adapters], ["adapter_name_or_path"])
    for (key, value), name in _BOOSTERS.items():
        if values.get(key) == value:
            yield _Place("top.booster", name, [key])


def _train(values: Mapping[str, Any], schema: Schema) -> Iterator[_Place]:
    """The train tab; what the YAML leaves out is as upstream has it by default."""
    stage = str(values.get("stage", "sft"))
    rank = values.get("lora_rank", _default(schema, "lora_rank"))
    doubled = 2 * rank if isinstance(rank, int) else None
    defaults = {"max_samples": _EVERY_ROW, "packing": stage == "pt", "lora_alpha": doubled}
    yield _Place("train.training_stage", STAGES.get(stage), ["stage"])
    yield _Place("train.dataset", values.get("dataset"), ["dataset"])
    for key, name in _TRAIN.items():
        if key in values or key not in _BOARDS_OWN:
            yield _Place(f"train.{name}", values.get(key, defaults.get(key, _default(schema, key))), [key])
    if rewards := _names(values.get("reward_model")):
        yield _Place("train.reward_model", [_path(one) for one in rewards], ["reward_model"])
    precision = next((one for one in _PRECISIONS if values.get(one) is True), "fp32")
    yield _Place("train.compute_type", precision, _PRECISIONS)


def _others(values: Mapping[str, Any], verb: Verb, datasets: Collection[str], system: str | None) -> Iterator[_Place]:
    """The other tabs: a YAML for a training says something for them too, and that stays an argument of the training."""
    for tab, table in (("eval", _EVAL), ("infer", _INFER), ("export", _EXPORT)):
        for key, name in table.items():
            yield _Place(f"{tab}.{name}", values.get(key), [key] if tab == verb else ())
    if "default_system" not in values:
        yield _Place("infer.system", system)
    trained = _names(values.get("dataset"))
    tests = _names(values.get("eval_dataset")) or [f"{one}_test" for one in trained if f"{one}_test" in datasets]
    keys = ("eval_dataset", "do_predict", "predict_with_generate", "stage") if verb == "eval" else ()
    yield _Place("eval.dataset", tests or trained or None, keys)


def _fill_boxes(made: Preset, verb: Verb, rest: dict[str, Any], schema: Schema, board: Mapping[str, Widget]) -> None:
    """The extra arguments of each tab; the evaluation has no box for them."""
    if verb == "eval":
        made.left_out = tuple(rest)
    elif verb == "train":
        rest = {key: _written(value, _default(schema, key)) for key, value in rest.items()}
    made.extra = rest if verb != "eval" else {}
    for tab in ("train", "infer", "export"):
        box = board.get(f"{tab}.extra_args")
        # A chat and an export have to leave the template to upstream, too.
        own = made.extra if tab == verb else {key: None for key in ("template",) if key in rest}
        if box and (own or tab == verb):
            first = json.loads(box.value or "{}") if tab != "train" else {}
            made.values[f"{tab}.extra_args"] = json.dumps({**first, **own}, ensure_ascii=False, default=str)


def _default(schema: Schema, key: str) -> Any:
    """Upstream's own; None where there is none, or where only running upstream would tell."""
    argument = schema.arguments.get(key)
    return None if argument is None or argument.default is UNKNOWN else argument.default


def _written(value: Any, default: Any) -> Any:
    """A value as it survives the board, which drops every ``false``: that matters where upstream's default is another.

    0 is as false as false to upstream, and is not dropped.
    """
    return 0 if value is False and default is not False else value


def _names(value: Any) -> list[str]:
    return [part.strip() for part in (text(value) or "").split(",") if part.strip()] if value else []


def _path(value: str) -> str:
    """A folder as the board takes it for one: without a slash it would look among its own runs."""
    return value if "/" in value else f"./{value}"
