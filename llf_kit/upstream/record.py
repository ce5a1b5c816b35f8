"""The run record: what was run, with which versions, on which data, and how it ended. It lies beside the output."""

from __future__ import annotations

import hashlib
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
from llf_kit.errors import ConfigError, DataError
from llf_kit.project import sha256, write_text
from llf_kit.upstream.configs import Config
from llf_kit.upstream.dataset_entries import Dataset, named
from llf_kit.upstream.loading import rows
from llf_kit.upstream.locate import versions
from llf_kit.upstream.models import fingerprint
from llf_kit.upstream.system_prompt import SystemPrompt, trained_with

FILE = "llf-kit-run.json"


@dataclass
class Record:
    """One run; ``status`` is running, done, failed, stopped or pruned; ``seconds`` is wall time.

    ``reason`` is why it failed or was pruned. ``memory`` and ``gpu_memory`` are the most that the largest of its
    processes had at once, in bytes; None where that was not seen. ``base`` is the fingerprint of the base model where
    it is on this machine, ``system`` the system prompt of the rows where the run trains.
    """

    command: str
    output: str
    config: dict[str, Any]
    config_file: str
    config_sha256: str
    overrides: list[str]
    data: dict[str, dict[str, Any]]
    versions: dict[str, str]
    device: str
    started: str
    status: str = "running"
    exit_code: int | None = None
    seconds: float | None = None
    reason: str | None = None
    memory: int | None = None
    gpu_memory: int | None = None
    result: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    base: str | None = None
    system: SystemPrompt | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.output) / FILE

    def same_work(self, other: Record) -> bool:
        """Whether two records tell of the same command with the same config, data and versions on the same device."""
        return not self.differences(other)

    def differences(self, other: Record) -> list[str]:
        """In what two records do not tell of the same work, by the names of the fields."""
        names = ("command", "config", "config_sha256", "overrides", "data", "versions", "device")
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    def write(self) -> None:
        """Write it beside the output, atomically."""
        write_text(self.path, json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n")


def start(command: str, config: Config, output: Path, log: Path) -> Record:
    """The record of a run that is about to start."""
    file, overrides = config.handed
    datasets = list(named(config.values, Path(str(config.values.get("dataset_dir", "data")))))
    trains = command == "train" and config.values.get("do_train") is True
    return Record(
        command=command,
        output=str(output),
        config=config.values,
        config_file=str(file),
        config_sha256=sha256(file),
        overrides=list(overrides),
        data={dataset.name: _data(dataset) for dataset in datasets},
        versions={"llf-kit": __version__, "python": platform.python_version(), **versions()},
        device=device(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        log=str(log),
        base=fingerprint(Path(str(config.values.get("model_name_or_path")))),
        system=trained_with(config.values, datasets) if trains else None,
    )


def load(output: Path) -> Record:
    """The record beside ``output``.

    Raises:
        ConfigError: there is none, or it is not one.
    """
    path = output / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        system = data.get("system")
        return Record(**{**data, "system": SystemPrompt(**system) if system else None})
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no run record. Give the output_dir of a run of llf-kit.") from None
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{path}: is not a run record. Give the output_dir of a run of llf-kit.") from None


def _data(dataset: Dataset) -> dict[str, Any]:
    """File, hash and rows of a dataset that the run reads; one from a hub has none of them.

    A folder's hash is that of the hashes of its files, in their order.
    """
    hashes = [sha256(file) for file in dataset.files]
    if not hashes:
        return {}
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    try:
        count = sum(1 for file in dataset.files for _ in rows(file))
    except DataError:  # upstream will say so
        return {"file": str(dataset.path), "sha256": whole}
    return {"file": str(dataset.path), "sha256": whole, "rows": count}


def device() -> str:
    """The GPUs by name and memory, as nvidia-smi says, else the processor."""
    if smi := shutil.which("nvidia-smi"):
        query = [smi, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        said = subprocess.run(query, capture_output=True, text=True, check=False, timeout=30)
        if said.returncode == 0 and said.stdout.strip():
            return "; ".join(said.stdout.strip().splitlines())
    return f"cpu ({platform.processor() or platform.machine()}, {sys.platform})"
