"""Who can be asked, by one word: a run, the base of a run, a model, an endpoint, or answers that are there already.

==========================  ======================================================================================
word                        who that is
==========================  ======================================================================================
``saves/lora_sft``          a run: its output_dir, one of its checkpoints, a merged model; or a YAML
``base:saves/lora_sft``     the base model of that run, asked in the very same way; ``base`` beside a run
``smollm2``                 a known base model, or the folder of a model
``http://host/v1#model``    a model behind an OpenAI-compatible endpoint; its key stands in LLF_KIT_ENDPOINT_KEY
``answers.jsonl``           a file of predictions
==========================  ======================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llf_kit import base_models
from llf_kit.endpoints import Endpoint
from llf_kit.errors import ConfigError, UsageError
from llf_kit.upstream import tuned as tuning
from llf_kit.upstream.client import Client
from llf_kit.upstream.configs import overridden
from llf_kit.upstream.tuned import Tuned

ENDPOINT_KEY = "LLF_KIT_ENDPOINT_KEY"

BASE = "base"
_PATIENCE = 600.0  # seconds; a large model without a GPU takes minutes to read a question
_RUN_RECORD = "llf-kit-run.json"


@dataclass(frozen=True)
class Candidate:
    """One that can be asked, called ``name``: exactly one of ``tuned``, ``endpoint`` and ``file`` is there.

    ``settings`` are what an endpoint is told of ``key=value`` (``temperature``, ``max_new_tokens``).
    """

    name: str
    tuned: Tuned | None = None
    endpoint: Endpoint | None = None
    file: Path | None = None
    settings: tuple[tuple[str, Any], ...] = ()


def find(word: str, overrides: Sequence[str] = (), *, beside: str | None = None) -> Candidate:
    """Who ``word`` stands for; ``base`` alone is that of the candidate ``beside`` it.

    Raises:
        UsageError: it stands for nobody, or an override is not ``key=value``.
        ConfigError: its run or its YAML is not usable.
    """
    if word.startswith(("http://", "https://")):
        address, _, model = word.partition("#")
        if not model:
            raise UsageError(f"{address}: which model there? Write {address}#MODEL.")
        endpoint = Endpoint.given(address, model, option="candidate", variable=ENDPOINT_KEY)
        endpoint = replace(endpoint, timeout=_PATIENCE)
        return Candidate(word, endpoint=endpoint, settings=tuple(overridden({}, overrides).items()))
    if word == BASE and beside is not None:
        word = beside if beside.startswith(f"{BASE}:") else f"{BASE}:{beside}"
    if word.startswith(f"{BASE}:"):
        return Candidate(word, tuned=tuning.base(tuning.find(Path(word.removeprefix(f"{BASE}:")), overrides)))
    place = Path(word)
    if place.suffix in (".jsonl", ".json") and place.is_file():
        return Candidate(word, file=place)
    if place.is_file() and place.suffix not in (".yaml", ".yml"):
        raise UsageError(
            f"{word}: is no YAML, and no file of predictions, whose name ends in .jsonl. Give one of them."
        )
    if place.is_file() or (place.is_dir() and _has_record(place)):
        return Candidate(word, tuned=tuning.find(place, overrides))
    return Candidate(word, tuned=_model(word, overrides))


def of_client(client: Client) -> Endpoint:
    """A model that llf-kit serves, as an endpoint."""
    return Endpoint(client.address, client.model, client.key, timeout=_PATIENCE)


def _has_record(folder: Path) -> bool:
    places = (folder, folder.parent) if folder.name.startswith("checkpoint-") else (folder,)
    return any((one / _RUN_RECORD).is_file() for one in places)


def _model(word: str, overrides: Sequence[str]) -> Tuned:
    """A folder without a record, or a known base model, which may lie in the cache."""
    given = overridden({}, overrides)
    if Path(word).is_dir():
        known = base_models.find(str(Path(word).resolve()))
        if not (Path(word) / "config.json").is_file():
            raise ConfigError(f"{word}: holds neither a model nor a run of llf-kit. Give the output_dir of a run.")
        model = word
    else:
        try:
            known = base_models.get(word)
        except UsageError as error:
            raise UsageError(
                f"{word}: is no file or folder here, and no known model. {error.problems[0].split('known. ')[-1]} "
                "Write a run, base:RUN, a model, http://host/v1#MODEL or a file of predictions."
            ) from None
        model = base_models.place(known)
    template = given.get("template") or (known and known.template)
    if not template:
        raise UsageError(f"{word}: llf-kit does not know its template. Add template=NAME, as LLaMA-Factory lists it.")
    return tuning.plain(model, str(template), overrides, thinking=known.enable_thinking if known else None)
