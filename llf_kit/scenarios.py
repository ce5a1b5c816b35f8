"""A new project for a scenario: its settings with their reasons, example data, probes and the next steps.

A scenario is a folder of ``templates/scenarios/``: ``scenario.yaml`` says what fits it and why, and of each language a
folder holds the files that go into the project as they are. Adding such a folder adds a scenario.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llf_kit import base_models
from llf_kit.errors import ConfigError, UsageError, did_you_mean
from llf_kit.project import PROJECT_FILE, check_dataset_name, read_yaml, shipped
from llf_kit.templating import render_text

LANGUAGES = ("zh", "en")
RAW = "raw"
_README = "README.md"


@dataclass(frozen=True)
class Scenario:
    """What a scenario says in one language; ``settings`` are the values that its templates write down."""

    name: str
    title: str
    language: str
    settings: Mapping[str, Any]

    @property
    def files(self) -> Path:
        """The folder whose files go into the project as they are."""
        return _root() / self.name / self.language

    @property
    def dataset(self) -> str:
        """The name of its dataset."""
        return str(self.settings["dataset"])

    @property
    def model(self) -> str:
        """The base model that it starts from."""
        return str(self.settings["model"])

    def but(self, *, dataset: str | None = None, model: str | None = None, template: str | None = None) -> Scenario:
        """The same with another dataset name, or another base model.

        ``template`` is LLaMA-Factory's chat template, which a model has to bring that llf-kit does not know.

        Raises:
            UsageError: a name that LLaMA-Factory cannot use, or an unknown model without its template.
        """
        if model and not template and base_models.find(model) is None:
            hint = "" if "/" in model else f" {did_you_mean(model, base_models.known())}"
            raise UsageError(
                f"--model {model}: llf-kit does not know its template. Add --template NAME, the one that LLaMA-Factory "
                f"lists for this model, or take a known one (`llf-kit model list`).{hint}"
            )
        changed: dict[str, Any] = {"dataset": check_dataset_name(dataset)} if dataset else {}
        if model:
            here = Path(model)  # seen from where the command runs; the project may lie elsewhere
            changed |= {"model": str(here.resolve()) if here.is_dir() else model, "model_why": None}
        if template:
            changed["chat_template"] = template
        return replace(self, settings={**self.settings, **changed})


def names() -> list[str]:
    """The scenarios, found by looking."""
    return sorted(path.parent.name for path in _root().glob("*/scenario.yaml"))


def load(name: str, language: str) -> Scenario:
    """The scenario called ``name``, in ``zh`` or ``en``.

    Raises:
        UsageError: there is none, or not in that language.
    """
    if name not in names():
        raise UsageError(f"--scenario {name}: there is no such scenario. {did_you_mean(name, names())}")
    if language not in LANGUAGES:
        raise UsageError(f"--lang {language}: there is no such language. Take zh or en.")
    said = _in(language, read_yaml(_root() / name / "scenario.yaml"))
    return Scenario(name, said["title"], language, {"chat_template": None, **said, "scenario": name})


def start(scenario: Scenario, directory: Path) -> list[Path]:
    """Write the project into ``directory``, which is made where it is missing; the files that were written.

    All of them or none: they are written beside their places first, and what was moved is taken back where one of
    them cannot be. Where ``raw/`` holds files already, the example is left out: it would be trained on with them.

    Raises:
        UsageError: there is a project already, a file is in the way, or a path leads out of the directory.
        ConfigError: it cannot be written.
    """
    sources = {path.relative_to(scenario.files): path for path in sorted(scenario.files.rglob("*")) if path.is_file()}
    raw = directory / RAW
    if raw.is_dir() and not raw.is_symlink() and any(raw.iterdir()):
        sources = {name: path for name, path in sources.items() if name.parts[0] != RAW}
    texts = {
        Path(name): render_text(f"scenarios/{name}.{scenario.language}.j2", dict(scenario.settings))
        for name in (_README, PROJECT_FILE)
    }
    wanted = [*sources, *texts]  # the project file comes last: a folder without it is no project
    _refuse(directory, wanted)
    made: list[Path] = []
    try:
        _folder(directory, made)
        with tempfile.TemporaryDirectory(prefix=".llf-kit-init-", dir=directory) as temporary:
            for number, name in enumerate(wanted):
                ready = Path(temporary) / str(number)
                if name in texts:
                    ready.write_text(texts[name], encoding="utf-8")
                else:
                    shutil.copyfile(sources[name], ready)
            for number, name in enumerate(wanted):
                target = directory / name
                _folder(target.parent, made)
                (Path(temporary) / str(number)).replace(target)
                made.append(target)
    except BaseException as error:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise ConfigError(
                f"{error.filename or directory}: cannot be written ({error.strerror}). Choose a folder that you may "
                "write to; nothing was left there."
            ) from None
        raise
    return [directory / name for name in wanted]


def _folder(path: Path, made: list[Path]) -> None:
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        made.append(one)


def check_new(directory: Path) -> None:
    """That a project can be started in ``directory``.

    Raises:
        UsageError: there is one already, or a file is in the way.
    """
    for one in (directory, *directory.parents):
        if one.is_file():
            raise UsageError(f"{one}: is a file. Name a folder for the project.")
    if (directory / PROJECT_FILE).exists():
        raise UsageError(
            f"{directory / PROJECT_FILE}: there is a project already. Go on with it, or name another folder: "
            "llf-kit init DIR."
        )


def _refuse(directory: Path, wanted: list[Path]) -> None:
    check_new(directory)
    problems = []
    home = directory.resolve()
    for name in wanted:
        target = directory / name
        above = [directory / one for one in name.parents if one.name and (directory / one).exists()]
        if target.exists() or target.is_symlink():
            problems.append(f"{target}: is there already. Move it away, or name another folder: llf-kit init DIR.")
        elif blocked := [one for one in above if not one.is_dir()]:
            problems.append(f"{blocked[0]}: is a file, and a folder has to be there. Move it away.")
        elif any(not one.resolve().is_relative_to(home) for one in above):
            problems.append(f"{target.parent}: leads out of the project. Remove the link.")
    if problems:
        raise UsageError(*dict.fromkeys(problems))


def _in(language: str, value: Any) -> Any:
    """``value`` with every choice of languages (a mapping of just ``zh`` and ``en``) decided."""
    if isinstance(value, dict):
        if set(value) == set(LANGUAGES):
            return value[language]
        return {name: _in(language, inner) for name, inner in value.items()}
    return [_in(language, inner) for inner in value] if isinstance(value, list) else value


def _root() -> Path:
    return shipped("templates") / "scenarios"
