"""A model behind an OpenAI-compatible API of this machine, by ``llamafactory-cli api``: for ``serve`` and ``chat``."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from llf_kit.errors import NotInstalledError, RunError
from llf_kit.project import json_object, private_directory, write_text
from llf_kit.upstream import configs, environment, failures, locate, models, ports, process
from llf_kit.upstream.client import Client
from llf_kit.upstream.configs import Config
from llf_kit.upstream.tuned import Tuned

__all__ = ["NAME", "chat", "serve", "served"]

LOOPBACK = "127.0.0.1"
NAME = "llf-kit"  # of the model, in the API
_KEY_FILE = "api_key"
_SMOKE = "Hello. 你好。"  # nobody's data
_POLL = 0.25  # seconds between two looks at a server that is loading its model
_RANKS = (32, 64, 128, 256, 320, 512)  # that vLLM reserves room for


def serve(
    tuned: Tuned,
    *,
    directory: Path,
    host: str = LOOPBACK,
    port: int = 8000,
    name: str = NAME,
    on_ready: Callable[[str, str, bool], None] = lambda _address, _key, _new: None,
) -> None:
    """Serve the model until Ctrl-C, with a key, and with upstream's log of questions turned off.

    ``on_ready(address, key, new)`` is called once it has answered a question; the key stays in ``.llf-kit/api_key`` of
    ``directory``, which only its owner can read, and ``new`` says that it was made just now.

    Raises:
        UsageError: the port is taken.
        ConfigError: the model is not there, or is not the adapter's.
        NotInstalledError: llamafactory-cli, or the backend, is missing.
        RunError: it failed.
    """
    ports.check_free(host, port)
    private = private_directory(directory)
    log = private / "serve.log"
    key, new = _key(private / _KEY_FILE)
    with _running(tuned, log, host, port, Client(f"{ports.url(host, port)}/v1", key, name)) as child:
        on_ready(f"http://{host}:{port}/v1", key, new)
        with suppress(KeyboardInterrupt):
            child.wait()
            raise _failed(tuned, log, child)


@contextmanager
def served(tuned: Tuned, *, log: Path, name: str = NAME) -> Iterator[Client]:
    """The model behind a free port of this machine, with a key that nobody else has, while the block runs.

    Raises:
        ConfigError: the model is not there, or is not the adapter's.
        NotInstalledError: llamafactory-cli, or the backend, is missing.
        RunError: it failed.
    """
    port = _free_port()
    client = Client(f"{ports.url(LOOPBACK, port)}/v1", secrets.token_urlsafe(32), name)
    with _running(tuned, log, LOOPBACK, port, client) as child:
        client.pid = child.pid
        yield client


@contextmanager
def chat(tuned: Tuned, *, directory: Path) -> Iterator[Client]:
    """The model to talk to, while the block runs; what upstream says goes to ``.llf-kit/chat.log`` of ``directory``.

    Upstream's own ``chat`` is not used: it aborts where it is left while an answer is still being worked on, ends with
    a traceback at the end of input and at Ctrl-C, and prints pages of configuration between question and answer.

    Raises:
        ConfigError, NotInstalledError, RunError: as :func:`served`.
    """
    with served(tuned, log=private_directory(directory) / "chat.log") as client:
        yield client


@contextmanager
def _running(tuned: Tuned, log: Path, host: str, port: int, client: Client) -> Iterator[subprocess.Popen[bytes]]:
    """The server beside the block, which begins once it has answered a question."""
    cli = locate.find()
    _check_backend(tuned, cli)
    settings = {
        "API_HOST": host,
        "API_PORT": str(port),
        "API_KEY": client.key,
        "API_MODEL_NAME": client.model,
        "API_VERBOSE": "0",  # upstream logs every question by default, and questions are about patients
        "ALLOW_LOCAL_FILES": "0",  # nor may a question name a file of this machine
    }
    try:
        with TemporaryDirectory(prefix="llf-kit-") as work, process.private_log(log) as stream:
            file, _ = configs.written(_fitted(tuned), Path(work) / "api.yaml").handed
            with process.background([cli, "api", file], log=stream, env=settings) as child:
                while not client.is_up():
                    if child.poll() is not None:
                        raise _failed(tuned, log, child)
                    time.sleep(_POLL)
                _ask_once(client)
                yield child
    except _MuteError:  # told once the server has ended, when all of its log is there
        why = failures.last(log) or "the log says why"
        raise RunError(
            f"{tuned.config.path}: the model is loaded and does not answer: {why}. Give the template that it was "
            f"trained with. Log: {log}"
        ) from None


class _MuteError(Exception):
    """The server is up, and fails at a question."""


def _ask_once(client: Client) -> None:
    """A server that is up may still fail at every question: where the template is another model's, for example."""
    try:
        client.ask([{"role": "user", "content": _SMOKE}], max_tokens=8)
    except RunError:
        raise _MuteError from None


def _failed(tuned: Tuned, log: Path, child: subprocess.Popen[bytes]) -> RunError:
    return RunError(f"{tuned.config.path}: {failures.explain(log, child.returncode)} Log: {log}")


def _fitted(tuned: Tuned) -> Config:
    """What the other engines need to be told: by default they draw lots, and vLLM takes ranks up to 32 only."""
    values = dict(tuned.config.values)
    if values.get("infer_backend") in ("vllm", "sglang") and values.get("do_sample") is False:
        values["temperature"] = 0.0
    ranks = [json_object(Path(adapter) / models.ADAPTER).get("r") for adapter in tuned.adapters]
    if values.get("infer_backend") == "vllm" and (highest := max((r for r in ranks if isinstance(r, int)), default=0)):
        values.setdefault("vllm_max_lora_rank", next((rank for rank in _RANKS if rank >= highest), highest))
    return replace(tuned.config, values=values)


def _check_backend(tuned: Tuned, cli: Path) -> None:
    backend = str(tuned.config.values.get("infer_backend") or "huggingface")
    if backend != "huggingface" and backend not in environment.probe(locate.interpreter(cli), (backend,)).packages:
        raise NotInstalledError(
            f"{tuned.config.path}: {backend} is not installed beside llamafactory-cli. Install it there (it needs a "
            f"GPU): pip install {backend}. Or take infer_backend=huggingface."
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _key(path: Path) -> tuple[str, bool]:
    if path.is_file() and (kept := path.read_text(encoding="utf-8").strip()):
        return kept, False
    made = secrets.token_urlsafe(32)
    write_text(path, made + "\n", mode=0o600)
    return made, True
