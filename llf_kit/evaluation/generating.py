"""A model's answers by LLaMA-Factory's own prediction: the shipped template, with what the training says of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from llf_kit import upstream
from llf_kit.errors import ConfigError, ModelError, RunError
from llf_kit.evaluation.predictions import FILE
from llf_kit.project import DATASET_INFO, json_object, text_lines, write_text
from llf_kit.registered import Registered
from llf_kit.render import render
from llf_kit.upstream import configs, locate, models, record, written
from llf_kit.upstream.configs import Config
from llf_kit.upstream.runs import Progress
from llf_kit.upstream.tokenizer import Tokenizer
from llf_kit.upstream.tuned import CONVERSATION, MODEL, Tuned

LONGEST = 512  # tokens of an answer, where nothing else is said

_GENERATION = (
    *("do_sample", "temperature", "top_p", "top_k", "num_beams", "max_length", "max_new_tokens"),
    *("repetition_penalty", "length_penalty", "skip_special_tokens"),
)
_OF_THE_MODEL = ("model_name_or_path", "adapter_name_or_path", "finetuning_type", "infer_dtype", "use_cpu")
# What decides nothing that is answered, or is in the identity by its content; a token of a hub is nobody's business.
_ELSEWHERE = (
    *("model_name_or_path", "adapter_name_or_path", "adapter_folder", "cache_dir", "hf_hub_token", "ms_hub_token"),
    *("om_hub_token", "dataset_dir", "media_dir", "eval_dataset", "output_dir", "per_device_eval_batch_size"),
    *("report_to", "infer_backend"),
)
_CONTEXT = 4096  # tokens that are read of a question, where the model does not say
_NAME = "asked"
_HALF = "\ufffd"  # what is left of a character that was cut off


@dataclass(frozen=True)
class Answer:
    """The whole prompt with its special tokens, the answer, whether it ended by itself, and its number of tokens."""

    prompt: str
    predict: str
    finished: bool | None
    tokens: int | None


def settings(tuned: Tuned) -> dict[str, Any]:
    """The YAML of a prediction without its places: model, conversation, generation and precision.

    Raises:
        UsageError: the template is not known.
    """
    values = tuned.config.values
    trained = tuned.training.config if tuned.training else {}
    model = str(values.get("model_name_or_path"))
    given = {"model": model, "precision": _precision(trained)}
    if values.get("template"):
        given["template"] = str(values["template"])
    overridden = [override.partition("=")[0] for override in tuned.config.overrides]
    kept = {*_OF_THE_MODEL, *CONVERSATION, *MODEL, *_GENERATION, *overridden}
    rendered = yaml.safe_load(render("predict/generate", given))
    context = models.context(json_object(Path(model) / "config.json"))
    own = {key: value for key, value in values.items() if key in kept}
    if trained.get("use_cpu"):
        own["use_cpu"] = True
    return {**rendered, "cutoff_len": context or _CONTEXT, "max_new_tokens": LONGEST, **own}


def of_api(settings: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """What an endpoint is told, by the names of its API, of settings by LLaMA-Factory's."""
    given = dict(settings)
    longest = given.pop("max_new_tokens", LONGEST)
    sampled = given.pop("do_sample", "temperature" in given)
    given.pop("template", None)  # the endpoint has its own
    return {"max_tokens": longest, **given, **({} if sampled else {"temperature": 0})}


def _precision(trained: dict[str, Any]) -> str:
    """That of the training; else what the machine is made for."""
    if trained:
        return "bf16" if trained.get("bf16") or trained.get("pure_bf16") else "fp16" if trained.get("fp16") else "fp32"
    return "fp32" if record.device().startswith("cpu") else "bf16"


def identity(tuned: Tuned) -> dict[str, Any]:
    """All that decides an answer but the question, wherever it lies: contents, settings and versions.

    Raises:
        ConfigError: the model is not there.
        UsageError: the template is not known.
    """
    model = tuned.config.required("model_name_or_path")
    return {
        "model": _content(model),
        "adapters": [_content(adapter) for adapter in tuned.adapters],
        "settings": {key: value for key, value in settings(tuned).items() if key not in _ELSEWHERE},
        "versions": locate.versions(),
    }


def _content(place: str) -> str:
    try:
        return models.content(Path(place)) if Path(place).is_dir() else place
    except OSError as error:
        raise ConfigError(f"{place}: cannot be read ({error.strerror}). Make its files readable.") from None


def generate(
    tuned: Tuned,
    dataset: Registered,
    rows: Sequence[dict[str, Any]],
    folder: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Answer]:
    """What the model answers to ``rows`` of ``dataset``, in their order; the run's files lie in ``folder`` meanwhile.

    Raises:
        ConfigError, NotInstalledError, UsageError: the model cannot be asked.
        RunError: it failed; its log stays in ``folder``.
    """
    work = Path(mkdtemp(prefix="run-", dir=folder))
    output = work / "output"
    try:
        config = prepared(tuned, dataset, rows, work / "rows", output)
        upstream.run("train", configs.written(config, work / "predict.yaml"), on_progress=on_progress)
    finally:
        shutil.rmtree(work / "rows", ignore_errors=True)
    answers = _answers(output / FILE, tuned, int(config.values["max_new_tokens"]))
    if len(answers) != len(rows):
        raise RunError(f"{config.path}: LLaMA-Factory answered {len(answers)} of {len(rows)} rows. Log: {output}")
    shutil.rmtree(work)
    return answers


def prepared(
    tuned: Tuned, dataset: Registered, rows: Sequence[dict[str, Any]], work: Path, output: Path, **method: Any
) -> Config:
    """The rows in a dataset of their own in ``work``, and the YAML that asks them, with other keys of ``method``."""
    columns = {key: dataset.entry[key] for key in ("formatting", "ranking", "columns", "tags") if key in dataset.entry}
    entry: dict[str, Any] = {_NAME: {"file_name": f"{_NAME}.jsonl", **columns}}
    lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    write_text(work / f"{_NAME}.jsonl", lines, mode=0o600)
    write_text(work / DATASET_INFO, json.dumps(entry) + "\n")
    places = {
        "dataset_dir": str(work),
        "media_dir": str(dataset.directory),
        "eval_dataset": _NAME,
        "output_dir": str(output),
    }
    return replace(tuned.config, overrides=(), values={**settings(tuned), **places, **method})


def _answers(file: Path, tuned: Tuned, longest: int) -> list[Answer]:
    try:
        said = [json.loads(line) for line in text_lines(file)]
    except (OSError, ValueError):
        raise RunError(f"{file}: LLaMA-Factory wrote no answers. Log: {file.parent}") from None
    lengths = counted(tuned, [one["predict"] for one in said])
    return [
        Answer(
            prompt=one["prompt"].strip(),
            predict=one["predict"].strip(),
            finished=None if tokens is None else not (one["predict"].endswith(_HALF) or tokens >= longest),
            tokens=tokens,
        )
        for one, tokens in zip(said, lengths, strict=True)
    ]


def counted(tuned: Tuned, texts: Sequence[str]) -> Sequence[int | None]:
    """The tokens of each answer, by the tokenizer of the model; unknown where the model is on a hub."""
    model = Path(str(tuned.config.values.get("model_name_or_path")))
    try:
        return Tokenizer(model, written.configured(tuned.config.values, model)).lengths(texts)
    except ModelError:
        return [None] * len(texts)
