"""A tuned model as it was trained: its base, adapter, template, system prompt and thinking, from the record of its run.

With another template or no system prompt the same weights answer worse; so these are not asked for a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError
from llf_kit.project import json_object
from llf_kit.upstream import configs, models, record
from llf_kit.upstream.configs import Config
from llf_kit.upstream.dataset_entries import names
from llf_kit.upstream.record import Record

__all__ = ["Tuned", "base", "find", "plain", "verify"]

# How a conversation is written down. What the YAML does not say of it is taken from the record.
CONVERSATION = ("template", "default_system", "enable_thinking", "preserve_thinking", "tool_format")
_SYSTEM = ("default_system",)
# What else of the training makes the model and its tokenizer what they are, by the names of 0.9.5.
MODEL = (
    *("adapter_folder", "cache_dir", "model_revision", "hf_hub_token", "ms_hub_token", "om_hub_token"),
    *("trust_remote_code", "use_fast_tokenizer", "split_special_tokens", "resize_vocab", "add_tokens"),
    *("add_special_tokens", "new_special_tokens_config", "rope_scaling", "flash_attn", "shift_attn"),
    *("quantization_bit", "quantization_method", "quantization_type", "double_quantization"),
    *("image_max_pixels", "image_min_pixels", "image_do_pan_and_scan", "crop_to_patches", "use_audio_in_video"),
    *("video_max_pixels", "video_min_pixels", "video_fps", "video_maxlen", "audio_sampling_rate"),
)
_ADAPTED = ("adapter_name_or_path", "adapter_folder", "finetuning_type")
# The likeliest token every time, as the model is measured.
_ANSWERS = {"infer_backend": "huggingface", "do_sample": False, "max_new_tokens": 512}


@dataclass(frozen=True)
class Tuned:
    """``config`` is what upstream is given, ``training`` the record of the run, ``notes`` what to know about both."""

    config: Config
    training: Record | None = None
    notes: tuple[str, ...] = ()

    @property
    def adapters(self) -> list[str]:
        """The folders of the adapters, in the order in which they are put on the base."""
        return names(self.config.values.get("adapter_name_or_path"))


def find(place: Path, overrides: Sequence[str] = (), *, leaves: bool = False) -> Tuned:
    """The model that ``place`` stands for: a YAML for answering or merging, or the folder of a run.

    That is the ``output_dir`` of a training, one of its checkpoints, or the folder of a merged model. One that
    ``leaves`` is to be merged, which is done without the quantisation of its training; else it is to answer.

    Raises:
        ConfigError: the YAML is not usable; or the folder has no record, or none of a model.
        UsageError: an override is not ``key=value``.
    """
    if place.is_dir():
        run = _record(place)
        values = _of_training(place, run) if run.command == "train" else _of_export(place, run)
        if leaves:
            values = {key: value for key, value in values.items() if "quantization" not in key}
        given = configs.overridden(values if leaves else {**values, **_ANSWERS}, overrides)
        literal = _SYSTEM if given.get("default_system") == values.get("default_system") else ()
        notes = (*_told(run), *_differences(place, given, _conversation(values)))
        return Tuned(Config(place, tuple(overrides), given, literal=literal), run, notes)
    if not place.exists():
        raise ConfigError(f"{place}: there is no such file or folder. Give a YAML, or the output_dir of a run.")
    return _completed(configs.load(place, overrides))


def base(tuned: Tuned) -> Tuned:
    """The model that ``tuned`` was made of, to be asked in the very same way.

    Raises:
        ConfigError: nothing says which one that is.
    """
    path, values = tuned.config.path, tuned.config.values
    if not tuned.adapters and tuned.training is None:
        raise ConfigError(f"{path}: has no base: it is no run, and names no adapter. Give the output_dir of a run.")
    model = values.get("model_name_or_path") if tuned.adapters else _started(tuned)
    kept = {key: value for key, value in values.items() if key not in _ADAPTED}
    return Tuned(replace(tuned.config, values={**kept, "model_name_or_path": model}, file=None), tuned.training)


def plain(model: str, template: str, overrides: Sequence[str] = (), *, thinking: bool | None = None) -> Tuned:
    """A model as it came: a folder, or a name on a hub.

    Raises:
        UsageError: an override is not ``key=value``.
    """
    values = {"model_name_or_path": model, "template": template, **_ANSWERS}
    if thinking is not None:
        values["enable_thinking"] = thinking
    return Tuned(Config(Path(model), tuple(overrides), configs.overridden(values, overrides)))


def _started(tuned: Tuned) -> Any:
    """The model at which the training of a whole model, or of what was merged, began."""
    return tuned.training.config.get("model_name_or_path") if tuned.training else None


def _record(folder: Path) -> Record:
    """The record beside the model; that of a checkpoint lies one folder up."""
    is_checkpoint = folder.name.startswith("checkpoint-") and not (folder / record.FILE).is_file()
    return record.load(folder.parent if is_checkpoint else folder)


def _of_training(folder: Path, run: Record) -> dict[str, Any]:
    """The model that a training has left in ``folder``."""
    trained = run.config
    if trained.get("do_train") is not True:
        raise ConfigError(f"{folder}: is no training. Give the output_dir of one.")
    if trained.get("stage") == "rm":
        raise ConfigError(f"{folder}: is a reward model, which gives scores and no answers. Give another run.")
    values = {key: trained[key] for key in (*CONVERSATION, *MODEL) if trained.get(key) is not None}
    if run.system and run.system.text:
        values["default_system"] = run.system.text
    if (folder / models.ADAPTER).is_file():
        before = names(trained.get("adapter_name_or_path"))
        if trained.get("create_new_adapter") is not True:
            before = before[:-1]  # the last one was trained on, and is this one now
        kind = trained.get("finetuning_type", "lora")
        values |= {"adapter_name_or_path": ",".join([*before, str(folder)]), "finetuning_type": kind}
        values["model_name_or_path"] = trained.get("model_name_or_path")
    elif (folder / "config.json").is_file():
        values["model_name_or_path"] = str(folder)
    else:
        ended = "" if run.status == "done" else f": the training is {run.status}"
        raise ConfigError(f"{folder}: holds no model{ended}. Finish it with --resume, or give one of its checkpoints.")
    return values


def _of_export(folder: Path, run: Record) -> dict[str, Any]:
    """The merged model in ``folder``."""
    if run.status != "done":
        raise ConfigError(f"{folder}: its export is {run.status}. Export it again.")
    kept = (*CONVERSATION, *MODEL)
    values = {key: run.config[key] for key in kept if run.config.get(key) is not None and "quantization" not in key}
    return {**values, "model_name_or_path": str(folder)}


def _told(run: Record) -> Iterator[str]:
    """What a user should know about the system prompt."""
    system = run.system
    if system is not None and not system.is_shared:
        what = "the commonest is taken" if system.text else "the one of the template is taken"
        yield (
            f"{run.path}: the rows of the training have several system prompts; {what} "
            f"({system.rows:,} of {system.of:,} rows)"
        )


def _completed(config: Config) -> Tuned:
    """What the YAML leaves out about the conversation, as it was in the training of its adapter or model."""
    folders = [*names(config.values.get("adapter_name_or_path")), config.values.get("model_name_or_path")]
    folder = Path(str(folders[-2] if len(folders) > 1 else folders[0]))
    try:
        run = _record(folder)
        values = _of_training(folder, run) if run.command == "train" else _of_export(folder, run)
    except ConfigError:  # a base model, or somebody else's adapter
        return Tuned(config)
    had = _conversation(values)
    taken = {key: value for key, value in had.items() if key not in config.values}
    notes = [*_told(run), *_differences(config.path, config.values, had)]
    if taken:
        notes.append(f"{config.path}: as in {run.path}: {', '.join(taken)}")
    literal = _SYSTEM if "default_system" in taken else ()
    return Tuned(replace(config, values={**config.values, **taken}, literal=literal), run, tuple(notes))


def _conversation(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in CONVERSATION if key in values}


def _differences(path: Path, given: Mapping[str, Any], had: Mapping[str, Any]) -> Iterator[str]:
    for key, value in had.items():
        if key in given and given[key] != value:
            yield f"{path}: {key} is another than in training; the one that is given is taken"


def verify(tuned: Tuned, *, identity: bool = True) -> None:
    """That the model is there and is the one that the adapters were trained on; with ``identity`` the very same one.

    Raises:
        ConfigError: it is not; every problem at once.
    """
    config = tuned.config
    model = config.required("model_name_or_path")
    place = models.place(model)
    if place == "missing":
        hint = "Start from the folder of the project, or give model_name_or_path=…"
        raise ConfigError(f"{config.path}: the model {model} is not there. {hint}")
    if place == "folder" and not (Path(model) / "config.json").is_file():
        raise ConfigError(f"{config.path}: {model} holds no model. Give model_name_or_path=…")
    problems = [problem for adapter in tuned.adapters for problem in _unfit(config, Path(adapter), model)]
    before = tuned.training.base if tuned.training and tuned.adapters else None
    if identity and not problems and before and (now := models.fingerprint(Path(model))) and now != before:
        trained_on = tuned.training.config.get("model_name_or_path") if tuned.training else model
        problems.append(
            f"{config.path}: {model} has other weights than the model that {tuned.adapters[-1]} was trained on "
            f"({trained_on}), though its shape. Give that one as model_name_or_path=…, or --no-check to take it anyway."
        )
    if problems:
        raise ConfigError(*problems)


def _unfit(config: Config, adapter: Path, model: str) -> Iterator[str]:
    if models.place(str(adapter)) == "hub":
        return
    if not (adapter / models.ADAPTER).is_file():
        yield f"{config.path}: {adapter} holds no adapter. Give the output_dir of a LoRA training."
        return
    base = json_object(adapter / models.ADAPTER).get("base_model_name_or_path")
    if why := models.misfit(adapter, Path(model)):
        yield f"{config.path}: {adapter} was trained on another model: {why}. Give model_name_or_path={base or '…'}"
