"""``train`` and ``export``: llamafactory-cli as a child, its log in a file, its progress from its own trainer log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from llf_kit.errors import ConfigError, PrunedError, RunError, StoppedError, UsageError
from llf_kit.project import json_object
from llf_kit.upstream import failures, locate, memory, process, record
from llf_kit.upstream.configs import Config
from llf_kit.upstream.record import Record

__all__ = ["Progress", "Record", "before", "checkpoint", "finished", "run"]

LOG = "llf-kit-run.log"
_TRAINER_LOG = "trainer_log.jsonl"
_LOOK = 2.0  # seconds between two looks at the memory; the system remembers the most
_OUTPUT_KEY = {"train": "output_dir", "export": "export_dir"}


@dataclass(frozen=True)
class Progress:
    """One line of upstream's trainer log; ``elapsed`` and ``remaining`` are ``h:mm:ss`` as upstream writes them."""

    step: int
    steps: int
    loss: float | None
    eval_loss: float | None
    learning_rate: float | None
    elapsed: str
    remaining: str


def run(
    verb: Literal["train", "export"],
    config: Config,
    *,
    resume: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Record:
    """Hand ``config`` to llamafactory-cli and wait for its end.

    The record (``llf-kit-run.json``) and the full log (``llf-kit-run.log``, readable by the owner only, because
    upstream prints a training example into it) lie in the output folder.

    Raises:
        ConfigError: no output folder is named, it cannot be written, or it holds a run and ``resume`` is false.
        UsageError: there is nothing to resume.
        NotInstalledError: llamafactory-cli is missing.
        RunError: it failed; with the reason and what to do.
        StoppedError: a signal of ours stopped it.
        PrunedError: ``on_progress`` raised it.
    """
    cli = locate.find()
    output = Path(config.required(_OUTPUT_KEY[verb]))
    extra = [f"resume_from_checkpoint={checkpoint(config)}"] if resume else []
    if verb == "train" and config.values.get("do_train") and not resume:
        _refuse_unasked(output)
    log = output / LOG
    try:
        output.mkdir(parents=True, exist_ok=True)
        entry = record.start(verb, config, output, log)
        entry.write()
        stream = process.private_log(log)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error.strerror}). Give another folder.") from None
    begun = time.monotonic()
    tail = _Tail(output / _TRAINER_LOG, on_progress)

    looked = begun

    def watch() -> None:
        nonlocal looked
        logged = tail.look()
        if logged or time.monotonic() - looked > _LOOK:
            looked = time.monotonic()
            processes = list(process.writers(log))  # also those that torchrun has given sessions of their own
            entry.memory = _largest(entry.memory, *map(memory.peak, processes))
            if logged:
                entry.gpu_memory = _largest(entry.gpu_memory, memory.gpu(*processes))

    code: int | None = None
    stopped, pruned = False, None
    try:
        with stream:
            file, overrides = config.handed
            code, stopped = process.run([cli, verb, file, *overrides, *extra], log=stream, watch=watch)
        tail.look()
    except PrunedError as error:
        pruned = error
        process.end_writers(log)
    entry.exit_code, entry.seconds = code, round(time.monotonic() - begun, 1)
    entry.status = "pruned" if pruned else "stopped" if stopped else "failed" if code else "done"
    if pruned:
        entry.reason = str(pruned)
    elif code and not stopped:
        entry.reason = f"{config.path}: {failures.explain(log, code)} Log: {log}"
    entry.result = _result(output)
    entry.write()
    if pruned:
        raise pruned
    if stopped:
        again = " Continue with --resume." if verb == "train" and _latest(output) else ""
        raise StoppedError(f"{config.path}: stopped.{again} Log: {log}")
    if code:
        raise RunError(str(entry.reason))
    return entry


def before(verb: Literal["train", "export"], config: Config, output: Path) -> Record | None:
    """The record in ``output`` if it tells of the very same work, however it ended: same config, data and versions."""
    if not (output / record.FILE).is_file():
        return None
    found = record.load(output)
    return found if found.same_work(record.start(verb, config, output, output / LOG)) else None


def finished(verb: Literal["train", "export"], config: Config, output: Path) -> Record | None:
    """The record in ``output`` if the very same work ended well there: same config, data and versions; else None."""
    found = before(verb, config, output)
    return found if found and found.status == "done" else None


def _largest(*sizes: int | None) -> int | None:
    return max((size for size in sizes if size is not None), default=None)


def checkpoint(config: Config) -> Path:
    """The last checkpoint in the output folder of a training, from which it can be resumed.

    Raises:
        ConfigError: no output folder is named.
        UsageError: there is none.
    """
    output = Path(config.required(_OUTPUT_KEY["train"]))
    latest = _latest(output)
    if latest is None:
        raise UsageError(f"{output}: has no checkpoint to resume from. Leave --resume out.")
    return latest


def _latest(output: Path) -> Path | None:
    """The checkpoint with the highest step."""
    found = [path for path in output.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return max(found, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)


def _refuse_unasked(output: Path) -> None:
    """Upstream resumes without a word where it finds a checkpoint."""
    if latest := _latest(output):
        raise ConfigError(
            f"{output}: already holds a run ({latest.name}), which LLaMA-Factory would continue without a word. "
            f"Continue it with --resume, or give another output_dir=…"
        )


class _Tail:
    """Reads what is appended to upstream's trainer log, and hands every new line on; whether there was one."""

    def __init__(self, path: Path, on_progress: Callable[[Progress], None]) -> None:
        self._path = path
        self._on_progress = on_progress
        self._position = path.stat().st_size if path.exists() else 0

    def look(self) -> bool:
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return False
        if size < self._position:  # upstream began a new one
            self._position = 0
        if size == self._position:
            return False
        with self._path.open("rb") as file:
            file.seek(self._position)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._position += len(whole) + len(newline)
        lines = whole.splitlines()
        for line in lines:
            data: dict[str, Any] = json.loads(line)
            self._on_progress(
                Progress(
                    step=data.get("current_steps", 0),
                    steps=data.get("total_steps", 0),
                    loss=data.get("loss"),
                    eval_loss=data.get("eval_loss"),
                    learning_rate=data.get("lr"),
                    elapsed=data.get("elapsed_time", ""),
                    remaining=data.get("remaining_time", ""),
                )
            )
        return bool(lines)


def _result(output: Path) -> dict[str, Any]:
    """What upstream measured: all_results.json, where it wrote one."""
    return json_object(output / "all_results.json")
