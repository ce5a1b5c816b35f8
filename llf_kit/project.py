"""The project directory: ``llf-kit.yaml``, the paths inside it, and writing files so that none is ever half there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_type_hints

import yaml
from annotated_types import Ge, Gt, Le, Lt

from llf_kit.errors import ConfigError, UsageError, did_you_mean

T = TypeVar("T")

PROJECT_FILE = "llf-kit.yaml"
DATASET_INFO = "dataset_info.json"
PROBES = "datasets/probes.jsonl"  # questions with exact values, which training must never see

# LLaMA-Factory's YAML lists datasets as `dataset: a,b`, so a comma, a space or a quote ends a name; and it opens
# dataset_info.json without an encoding, so a name outside ASCII fails under an ASCII locale.
_DATASET_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Training:
    """How this project trains: the template, and the parameters of it that are not its defaults."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    template: str = "train/lora_sft"
    set: dict[str, str | bool | int | float] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        """``set`` as text, as parameters stand on the command line."""
        return {name: str(value) for name, value in self.set.items()}


@dataclass(frozen=True)
class Sweep:
    """What ``llf-kit sweep`` tries: each of ``models`` with each of ``templates`` and each value of ``settings``.

    A model that llf-kit does not know stands with its chat template: ``{folder: template}``. With ``seeds``, each is
    trained once a seed. ``tolerance`` is how much worse than the best the chosen one may be, in points of ``metric``;
    ``dataset`` is what is asked. ``pruner: median`` ends runs that have no chance any more. ``gpu`` is the one that
    memory, time and cost are planned for; without it, the cheapest that fits.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str = "sweep"
    models: list[str | dict[str, str]] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    settings: dict[str, list[str | bool | int | float]] = field(default_factory=dict)
    seeds: list[Annotated[int, Ge(0)]] = field(default_factory=list)
    metric: str = "value_accuracy"
    tolerance: Annotated[float, Ge(0)] = 2.0
    dataset: str | None = None
    sampler: Literal["grid", "optuna"] = "grid"
    trials: Annotated[int, Gt(0)] = 20
    pruner: Literal["median"] | None = None
    gpu: str | None = None


@dataclass(frozen=True)
class Settings:
    """What ``llf-kit.yaml`` may say; every field can be given as an option instead."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str | None = None
    sources: list[str] = field(default_factory=list)
    format: str | None = None
    file_type: str = "jsonl"
    shard_rows: Annotated[int, Gt(0)] | None = None
    map: dict[str, str] = field(default_factory=dict)
    system: str | None = None
    encoding: str | None = None
    test: Annotated[float, Ge(0), Lt(1)] = 0.0
    val: Annotated[float, Ge(0), Lt(1)] = 0.0
    folds: Annotated[int, Ge(0)] = 0
    seed: int = 42
    near_duplicates: float | None = None
    exclude: list[str] = field(default_factory=list)
    identifiers: Literal["mask", "pseudonym", "reject", "off"] = "mask"
    notation: Literal["keep", "superscript", "caret"] = "keep"
    script: Literal["simplified", "traditional"] | None = None
    model: str | None = None
    min_score: Annotated[float, Ge(0), Le(100)] | None = None
    standard: str | None = None
    labels: dict[str, list[str]] = field(default_factory=dict)
    learn_labels: bool = False
    shares: dict[str, float] = field(default_factory=dict)
    gate: dict[str, float] = field(default_factory=dict)
    answer_format: str | None = None
    # What these say is checked by those who use it: names of templates, parameters and metrics are known there.
    train: Training = field(default_factory=Training)
    metrics: list[str] = field(default_factory=list)
    # The longest answer, in tokens, of the models that `run` and `sweep` measure
    max_new_tokens: Annotated[int, Gt(0)] = 512
    sweep: Sweep | None = None


def load_settings(directory: Path) -> Settings:
    """Read ``llf-kit.yaml`` in ``directory``; defaults where there is none.

    Raises:
        ConfigError: not YAML, an unknown key, a value of the wrong type; every problem at once.
    """
    path = directory / PROJECT_FILE
    if not path.is_file():
        return Settings()
    return read_yaml_as(path, Settings, where=path.name)


# libyaml's parser is safe too, and ten times as fast; PyYAML's wheels bring it, its source build may not.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc, valid-type]
    """Safe, and reads numbers as OmegaConf does, by which LLaMA-Factory reads its YAML: ``1e-4`` is one."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def parse_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError: it is none.
    """
    return yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader)


def yaml_keys(path: Path) -> list[tuple[str, int]]:
    """The keys of a YAML file's mapping in their order, a repeated one each time, with their lines from 1.

    Raises:
        ConfigError: as :func:`read_yaml`.
    """
    read_yaml(path)
    return [(key.value, key.start_mark.line + 1) for key, _ in yaml_nodes(path.read_text(encoding="utf-8"))]


def yaml_nodes(text: str) -> list[tuple[yaml.Node, yaml.Node]]:
    """The keys of a YAML text's mapping and their values, with the places where each begins and ends.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    node = yaml.compose(text, _Loader)
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        ConfigError: the file is missing, is not UTF-8 YAML, or holds something else than a mapping.
    """
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file. Give the path of a YAML file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}). Give a readable UTF-8 file.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(f"{where}: {problem}. Correct the YAML.") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: holds a {type(data).__name__}, not `key: value` lines. Correct the YAML.")
    return data


def read_yaml_as(path: Path, kind: type[T], what: str = "value", where: str | None = None) -> T:
    """What a YAML file holds, as the dataclass ``kind``.

    A message calls the file ``where`` (its path when not given), and what has to be corrected ``what``.

    Raises:
        ConfigError: as :func:`read_yaml`; an unknown key, a value of the wrong type: every problem at once.
    """
    from pydantic import TypeAdapter, ValidationError  # half as long to import as polars, and needed here alone

    try:
        return TypeAdapter(kind).validate_python(read_yaml(path))
    except ValidationError as error:
        problems = []
        for item in error.errors():
            place = [str(part) for part in item["loc"]]
            said = f"{item['msg'].lower()}. Correct the {what}."
            if item["type"] == "unexpected_keyword_argument":
                said = f"unknown key. {did_you_mean(place[-1], _keys_beside(kind, place))}"
            problems.append(f"{where or path}: {'.'.join(place)}: {said}")
        raise ConfigError(*problems) from None


def _keys_beside(kind: Any, place: list[str]) -> list[str]:
    """The keys that may stand where ``place`` ends, inside the dataclass ``kind``."""
    for part in place[:-1]:
        kind = get_type_hints(kind)[part] if is_dataclass(kind) else get_args(kind)[-1]
        if type(None) in get_args(kind):
            kind = get_args(kind)[0]
    return [field.name for field in fields(kind)]


def json_object(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds; an empty one where there is none, or no file that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def text_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file that are not blank; only a line feed ends one, as JSON Lines has it.

    ``str.splitlines`` would also end one at U+0085 or U+2028, which stand unescaped inside JSON.

    Raises:
        OSError, UnicodeDecodeError: it cannot be read.
    """
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def is_dataset_name(name: str) -> bool:
    """Whether LLaMA-Factory can use ``name`` everywhere: ASCII letters, digits, ``_`` and ``-``."""
    return _DATASET_NAME.fullmatch(name) is not None


def check_dataset_name(name: str) -> str:
    """``name`` itself if LLaMA-Factory can use it.

    Raises:
        UsageError: it holds anything but ASCII letters, digits, ``_`` and ``-``.
    """
    if not is_dataset_name(name):
        mended = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")
        hint = f" For example {mended!r}." if mended else ""
        raise UsageError(
            f"--name {name!r}: LLaMA-Factory reads names out of a comma list in YAML. "
            f"Use ASCII letters, digits, _ and - only.{hint}"
        )
    return name


@contextmanager
def atomic_path(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """A temporary file beside ``path`` that becomes ``path`` when the block ends well, and vanishes when it does not.

    Whoever is killed in between leaves the old file or none; never half of the new one. A block that removes the
    temporary file itself has thought better of it: ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if temporary.exists():
            temporary.chmod(mode)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path, mode) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def private_directory(project: Path) -> Path:
    """``.llf-kit`` in the project: rejected rows, keys and logs, for the owner's eyes and never for a commit."""
    directory = project / ".llf-kit"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = directory / ".gitignore"
    if not ignore.exists():
        write_text(ignore, "*\n")
    return directory


def cache_directory() -> Path:
    """Where base models are kept for this user: ``LLF_KIT_CACHE``, else ``XDG_CACHE_HOME/llf-kit``."""
    if chosen := os.environ.get("LLF_KIT_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "llf-kit"


def shipped(name: str) -> Path:
    """The folder or file ``name`` that travels with the package: ``templates`` or something in ``datasets``.

    In a wheel they lie inside the package; in a checkout (and an editable install) at the top of the repository.
    """
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.exists() else package.parent / name
