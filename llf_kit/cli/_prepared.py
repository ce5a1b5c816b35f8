"""A YAML for what is prepared in a folder, where none is given: its dataset and the model of llf-kit.yaml."""

from __future__ import annotations

from pathlib import Path

_TEMPLATES = {"sft": "train/lora_sft", "rm": "train/dpo", "kto": "train/kto", "pt": "train/pretrain"}


def config(project: Path) -> tuple[Path, str]:
    """The YAML, freshly rendered into ``.llf-kit``, and the name of the dataset in it.

    Raises:
        UsageError: no dataset is prepared, or the model of llf-kit.yaml is not known.
        ConfigError: llf-kit.yaml or dataset_info.json is not what it should be.
    """
    from llf_kit import dataset_info
    from llf_kit.errors import UsageError, did_you_mean
    from llf_kit.project import DATASET_INFO, PROJECT_FILE, load_settings, private_directory
    from llf_kit.render import render_to
    from llf_kit.upstream.inspect import usual_stage

    settings, entries = load_settings(project), dataset_info.load(project)
    names = [name for name in entries if not (name.endswith("_test") and name.removesuffix("_test") in entries)]
    if not names:
        raise UsageError(f"{DATASET_INFO}: no dataset is prepared here. Convert one first, or give a YAML.")
    if settings.name and settings.name not in entries:
        hint = did_you_mean(settings.name, entries)
        raise UsageError(f"{PROJECT_FILE}: name: {settings.name} is not in {DATASET_INFO}. Convert it first. {hint}")
    name = settings.name or names[0]
    values = {"dataset": name} | ({"model": settings.model} if settings.model else {})
    path = private_directory(project) / f"{name}.yaml"
    render_to(path, _TEMPLATES[usual_stage(entries[name])], values)
    return path.relative_to(project), name
