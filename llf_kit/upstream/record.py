"""The run record: what was run, with which versions, on which data, and how it ended. It lies beside the output."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llf_kit import __version__
from llf_kit.errors import ConfigError
from llf_kit.project import DATASET_INFO, sha256, write_text
from llf_kit.upstream.configs import Config
from llf_kit.upstream.locate import versions

FILE = "llf-kit-run.json"


@dataclass
class Record:
    """One run; ``status`` is running, done, failed or stopped; ``seconds`` is wall time."""

    command: str
    output: str
    config: dict[str, Any]
    config_file: str
    config_sha256: str
    overrides: list[str]
    data: dict[str, dict[str, str]]
    versions: dict[str, str]
    device: str
    started: str
    status: str = "running"
    exit_code: int | None = None
    seconds: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    log: str = ""

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.output) / FILE

    def same_work(self, other: Record) -> bool:
        """Whether two records tell of the same command with the same config, data and versions on the same device."""
        names = ("command", "config", "config_sha256", "overrides", "data", "versions", "device")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def write(self) -> None:
        """Write it beside the output, atomically."""
        write_text(self.path, json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n")


def start(command: str, config: Config, output: Path, log: Path) -> Record:
    """The record of a run that is about to start."""
    return Record(
        command=command,
        output=str(output),
        config=config.values,
        config_file=str(config.path),
        config_sha256=sha256(config.path),
        overrides=list(config.overrides),
        data=_data(config),
        versions={"llf-kit": __version__, "python": platform.python_version(), **versions()},
        device=device(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        log=str(log),
    )


def load(output: Path) -> Record:
    """The record beside ``output``.

    Raises:
        ConfigError: there is none, or it is not one.
    """
    path = output / FILE
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no run record. Give the output_dir of a run of llf-kit.") from None
    except (ValueError, TypeError):
        raise ConfigError(f"{path}: is not a run record. Give the output_dir of a run of llf-kit.") from None


def _data(config: Config) -> dict[str, dict[str, str]]:
    """File and hash of each dataset that the run reads; one from a hub has neither."""
    directory = Path(str(config.values.get("dataset_dir", "data")))
    names = [name for key in ("dataset", "eval_dataset") for name in str(config.values.get(key) or "").split(",")]
    try:
        entries = json.loads((directory / DATASET_INFO).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found: dict[str, dict[str, str]] = {}
    for name in filter(None, (name.strip() for name in names)):
        file = directory / str(entries.get(name, {}).get("file_name", ""))
        found[name] = {"file": str(file), "sha256": sha256(file)} if file.is_file() else {}
    return found


def device() -> str:
    """The GPUs by name and memory, as nvidia-smi says, else the processor."""
    if smi := shutil.which("nvidia-smi"):
        query = [smi, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        said = subprocess.run(query, capture_output=True, text=True, check=False, timeout=30)
        if said.returncode == 0 and said.stdout.strip():
            return "; ".join(said.stdout.strip().splitlines())
    return f"cpu ({platform.processor() or platform.machine()}, {sys.platform})"
