"""``export``: merge through upstream, make what leaves fit what trained, and write what each server needs beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llf_kit.errors import ConfigError, LlfKitError
from llf_kit.project import json_object, write_text
from llf_kit.upstream import card, configs, gguf, leaving, record, runs, servers, weights, written
from llf_kit.upstream.configs import Config
from llf_kit.upstream.dataset_entries import names
from llf_kit.upstream.leaving import Leaving
from llf_kit.upstream.record import Record
from llf_kit.upstream.tuned import Tuned

__all__ = ["Left", "export", "exported", "planned"]

CONFIG = "llf-kit-export.yaml"
SERVING = "SERVING.txt"
_DEFAULTS = {"export_size": 5, "export_device": "cpu", "export_legacy_format": False}
_LEAST_CONTEXT = 4096  # tokens that a server keeps room for, where the model was made for as many


@dataclass(frozen=True)
class Left:
    """The record of the export, what was mended, and the GGUF file where one was asked for."""

    record: Record
    mended: tuple[str, ...]
    gguf: Path | None = None


def planned(tuned: Tuned) -> Tuned:
    """``tuned`` as it is merged: in the precision of its base, into a folder called like the run where none is named.

    Upstream itself takes the precision that suits this machine best, which is another on one with a GPU.

    Raises:
        ConfigError: an adapter would be merged into a quantised base; or the model would be sent away as it is.
    """
    config = tuned.config
    values = dict(config.values)
    model = Path(str(values.get("model_name_or_path") or ""))
    if values.get("export_hub_model_id"):
        raise ConfigError(
            f"{config.path}: export_hub_model_id sends the model away before it is compared with what trained. "
            "Leave it out, and upload export_dir afterwards."
        )
    if tuned.adapters and (values.get("quantization_bit") or "quantization_config" in _config(model)):
        raise ConfigError(
            f"{config.path}: an adapter cannot be merged into a quantised model. Give the model that it was quantised "
            "from as model_name_or_path=…, without quantization_bit; quantise what is merged."
        )
    if config.path.is_dir():
        name = config.path.resolve().name
        name = f"{config.path.resolve().parent.name}-{name}" if name.startswith("checkpoint-") else name
        values = {"export_dir": f"models/{name}", **_DEFAULTS, **values}
    kind = weights.precision(model)
    if kind and not values.get("infer_dtype") and not values.get("export_quantization_bit"):
        values["infer_dtype"] = kind
    return replace(tuned, config=replace(config, values=values))


def export(tuned: Tuned, kind: str | None = None, on_status: Callable[[str], None] = lambda _: None) -> Left:
    """Merge the adapters of ``tuned``, as it is :func:`planned`; with ``kind`` of :data:`gguf.TYPES`, also as GGUF.

    Raises:
        ConfigError: the folder holds a model that is no export of llf-kit.
        NotInstalledError: llamafactory-cli, or the converter to GGUF, is missing.
        RunError, ModelError: upstream failed, or what it wrote cannot answer as it was trained to.
    """
    converter = gguf.find() if kind else None
    folder = Path(tuned.config.required("export_dir"))
    if any(folder.glob("*.safetensors")) and not _is_ours(folder):
        raise ConfigError(f"{folder}: holds a model that is no export. Move it away, or give another export_dir=…")
    for stale in folder.glob(gguf.FILES):  # of another merge
        stale.unlink()
    on_status(f"merging into {folder} …")
    # From this file the export can be repeated, by bare llamafactory-cli too.
    done = runs.run("export", configs.written(tuned.config, folder / CONFIG))
    found = _leaving(folder, tuned.config)
    try:
        mended = _finish(found, tuned, done)
    except LlfKitError:
        done.status = "failed"
        done.write()
        raise
    if converter is None or kind is None:
        return Left(done, mended)
    on_status(f"converting to GGUF ({kind}) …")
    made = gguf.convert(converter, folder, kind)
    _write_modelfile(found, tuned, f"./{made.name}")
    return Left(done, mended, made)


def exported(tuned: Tuned) -> Record | None:
    """The record of the very same export, if it ended well; see :func:`runs.finished`."""
    folder = Path(tuned.config.required("export_dir"))
    file = folder / CONFIG
    return runs.finished("export", replace(tuned.config, file=file), folder) if file.is_file() else None


def _finish(found: Leaving, tuned: Tuned, done: Record) -> tuple[str, ...]:
    """Compare, mend, and write what belongs to the model."""
    folder = found.merged
    mended = leaving.mended(found)
    if note := _write_modelfile(found, tuned, "."):
        mended.append(note)
    name = folder.resolve().name
    write_text(folder / SERVING, servers.commands(name, _context(found, tuned), weights.precision(folder)))
    system = found.template.default_system if found.template else ""
    training = tuned.training if tuned.training and tuned.training.command == "train" else None
    write_text(folder / "README.md", card.card(name, done, training, system, mended))
    done.result = {**done.result, "mended": mended}
    done.write()
    return tuple(mended)


def _leaving(folder: Path, config: Config) -> Leaving:
    model = Path(config.required("model_name_or_path"))
    base = model if (model / "tokenizer.json").is_file() else None
    template = written.configured(config.values, base or folder)
    extra = [token for key in ("add_tokens", "add_special_tokens") for token in names(config.values.get(key))]
    return Leaving(folder, base, template, tuple(extra))


def _write_modelfile(found: Leaving, tuned: Tuned, source: str) -> str | None:
    """Write the Modelfile, or say why there is none."""
    path = found.merged / "Modelfile"
    text = None
    if found.template is not None:
        text = servers.modelfile(found.template, found.special, found.stops, _context(found, tuned), source)
    if text is None:
        path.unlink(missing_ok=True)
        return "there is no Modelfile: Ollama's format cannot hold this template or system prompt"
    write_text(path, text)
    return None


def _context(found: Leaving, tuned: Tuned) -> int:
    """As many tokens as were trained on and at least 4096, and never more than the model was made for."""
    cutoff = tuned.training.config.get("cutoff_len") if tuned.training else None
    return min(found.context, max(cutoff if isinstance(cutoff, int) else 0, _LEAST_CONTEXT))


def _is_ours(folder: Path) -> bool:
    with suppress(ConfigError):
        return record.load(folder).command == "export"
    return False


def _config(model: Path) -> dict[str, Any]:
    return json_object(model / "config.json")
