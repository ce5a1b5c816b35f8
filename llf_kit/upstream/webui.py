"""LLaMA Board with everything chosen: started as a child, watched until it answers, ended with all that it started."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from llf_kit.errors import ConfigError, RunError, UsageError
from llf_kit.project import load_settings, private_directory, read_yaml
from llf_kit.schema import Language
from llf_kit.upstream import (
    arguments,
    artefacts,
    board,
    dataset_entries,
    failures,
    locate,
    ports,
    presets,
    process,
    widgets,
)
from llf_kit.upstream.configs import Config
from llf_kit.upstream.presets import Preset
from llf_kit.upstream.system_prompt import trained_with

__all__ = ["Door", "check_door", "choose", "leave", "open_board", "overrides"]

_SCRIPT = Path(board.__file__)
_LOG = "webui.log"
_ROWS = 1000  # that are looked at for their system prompt; all of them may be millions
_QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True)
class Door:
    """Where the board listens, and who may come in: ``login`` is a name and a password."""

    host: str = "127.0.0.1"
    port: int = 7860
    login: tuple[str, str] | None = None


def check_door(host: str, port: int, login: bool) -> None:
    """Nothing, where the board can be opened on ``host``, with or without a ``login``.

    Raises:
        UsageError: the port is taken, or anyone who reaches this machine could come in.
    """
    if not login and not ports.is_loopback(host):
        raise UsageError(
            f"--host {host}: whoever reaches this machine could train on it and read its data. "
            "Add --auth NAME, or leave --host out and come by ssh -L."
        )
    ports.check_free(host, port)


def overrides(values: Mapping[str, object], gpu: bool) -> tuple[str, ...]:
    """Where the board departs from a YAML: full precision without a GPU, and an output folder by the time."""
    lower = () if gpu or values.get("use_cpu") is True else ("bf16", "fp16", "pure_bf16")
    changed = [f"{key}=false" for key in lower if values.get(key) is True]
    if "output_dir" in values:
        changed.append(f"output_dir=saves/train_{datetime.now():%Y-%m-%d-%H-%M-%S}")
    return tuple(changed)


def choose(config: Config, name: str, project: Path) -> Preset:
    """What ``config`` chooses on the board that is installed; ``name`` is for the board's own saved arguments.

    Raises:
        ConfigError: llf-kit.yaml is not what it should be.
    """
    return presets.make(
        config,
        arguments.schema(),
        widgets.board(),
        name=name,
        datasets=_datasets(_dataset_dir(config)),
        system=_system(config, project),
    )


def leave(config: Config, preset: Preset, project: Path, lang: Language | None) -> tuple[str, ...]:
    """Write the :mod:`~llf_kit.upstream.artefacts`; the names of datasets come back that ``data`` gives to other files.

    Raises:
        ConfigError: one of them cannot be written.
    """
    return artefacts.write(project, preset, _dataset_dir(config), lang=_language(project, lang), hub=_hub())


def open_board(
    preset: Preset,
    door: Door,
    *,
    project: Path,
    on_ready: Callable[[str], None] = lambda _address: None,
    on_other_shape: Callable[[], None] = lambda: None,
) -> None:
    """Open the board in ``project``, the current directory, until Ctrl-C, which ends a training on it too.

    ``on_ready(address)`` is called once it answers. A board of another shape than llf-kit knows is opened as it is,
    after ``on_other_shape()``: the user then loads what :mod:`~llf_kit.upstream.artefacts` wrote.

    Raises:
        UsageError: the port is taken, or ``door`` would be open to strangers.
        NotInstalledError: llamafactory-cli is missing.
        RunError: it failed.
    """
    check_door(door.host, door.port, door.login is not None)
    cli = locate.find()
    log = private_directory(project) / _LOG
    # The board starts its trainings by the name of the command.
    environment = {**_QUIET, "PATH": os.pathsep.join((str(cli.parent), os.environ.get("PATH", "")))}
    request = {
        "host": ports.bracketed(door.host),
        "port": door.port,
        "auth": door.login,
        "label": preset.label,
        "path": preset.path,
        "template": preset.template,
        "values": preset.values,
    }
    with tempfile.TemporaryFile() as stdin:  # a password is safe here: the file has no name
        stdin.write(json.dumps(request).encode())
        stdin.seek(0)
        command = process.script(locate.interpreter(cli), _SCRIPT)
        code, stopped = _run(command, environment, door, log, on_ready, stdin)
    if code == board.OTHER_SHAPE and not stopped:
        if door.login:
            raise RunError(
                "the board: is laid out in another way than llf-kit knows, so that it cannot be given a login. "
                f"Open it without --host and --auth. Log: {log}"
            )
        on_other_shape()
        named = {
            "GRADIO_SERVER_NAME": ports.bracketed(door.host),
            "GRADIO_SERVER_PORT": str(door.port),
            "BROWSER": "true",
        }
        code, stopped = _run([str(cli), "webui"], {**environment, **named}, door, log, on_ready)
    if code and not stopped:
        raise RunError(f"the board: {failures.explain(log, code)} Log: {log}")


def _run(
    command: list[str],
    environment: Mapping[str, str],
    door: Door,
    log: Path,
    on_ready: Callable[[str], None],
    stdin: IO[bytes] | None = None,
) -> tuple[int, bool]:
    address = ports.url(door.host, door.port)
    ready: list[bool] = []

    def watch() -> None:
        if not ready and ports.answers(address):
            ready.append(True)
            on_ready(address)

    with process.private_log(log) as stream:
        return process.run(command, env=environment, stdin=stdin, log=stream, watch=watch)


def _language(project: Path, chosen: Language | None) -> Language:
    """``chosen``, else the language of the last time, else that of the locale."""
    if chosen:
        return chosen
    memory = project / artefacts.USER
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    last = None
    with suppress(ConfigError):
        last = read_yaml(memory).get("lang")
    return "zh" if last == "zh" or (last is None and locale.startswith("zh")) else "en"


def _dataset_dir(config: Config) -> Path:
    return Path(str(config.values.get("dataset_dir") or artefacts.DATA))


def _datasets(folder: Path) -> set[str]:
    """The names in dataset_info.json; none where it cannot be read, which is for the check to say."""
    try:
        return set(dataset_entries.entries(folder))
    except ConfigError:
        return set()


def _system(config: Config, project: Path) -> str | None:
    """What the chat has to say first, for the model to be as it was trained: the system prompt of the first rows."""
    first = {**config.values, "max_samples": _ROWS}
    found = trained_with(first, list(dataset_entries.named(first, _dataset_dir(config))))
    return found.text if found else load_settings(project).system


def _hub() -> str | None:
    """Where upstream gets models from, if its variables say so; the board would undo them."""
    hubs = {"USE_MODELSCOPE_HUB": "modelscope", "USE_OPENMIND_HUB": "openmind"}
    return next((name for key, name in hubs.items() if os.environ.get(key, "0").lower() in ("1", "true", "y")), None)
