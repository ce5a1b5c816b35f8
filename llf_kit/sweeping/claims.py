"""Several processes share one sweep: who does what, so that nothing is done twice.

A claim is a lock of the system on a file in the sweep's folder. It ends with its process, however that ends, so what a
killed process had claimed is free at once.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from llf_kit.errors import ConfigError
from llf_kit.project import PROJECT_FILE

_FOLDER = ".claims"
_TURN, _SPACE = "turn", "space"


class Claims:
    """The claims of the sweep in ``folder``; ``status`` is told what has to be waited for."""

    def __init__(self, folder: Path, status: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder / _FOLDER
        self._status = status
        self._folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def held(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """``name`` is this process's while the block runs; False, at once, where it is another's and not waited for."""
        with (self._folder / f"{name}.lock").open("a") as file:
            mine = _locked(file)
            if wait and not mine:
                self._status(f"{name}: another process of this sweep is at it; waiting")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield wait or mine

    def free(self, name: str) -> bool:
        """Whether nobody holds ``name``."""
        with self.held(name, wait=False) as free:
            return free

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One process at a time, for a moment."""
        with (self._folder / f"{_TURN}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def shared(self, space: str) -> Iterator[None]:
        """While the block runs, whoever comes with the same ``space`` (a hash of all that is tried) may work here too.

        Raises:
            ConfigError: somebody works here at something else.
        """
        with (self._folder / f"{_SPACE}.lock").open("a+") as file:
            with self.turn():
                if _locked(file):
                    file.truncate(0)
                    file.write(space)
                    file.flush()
                file.seek(0)
                if file.read() != space:
                    raise ConfigError(
                        f"{self._folder.parent}: a sweep of other settings is running here. Wait for it, or give this "
                        f"one another `name` in {PROJECT_FILE}: sweep."
                    )
                fcntl.flock(file, fcntl.LOCK_SH)
            yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
