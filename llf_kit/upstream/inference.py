"""``chat`` on this terminal and ``serve`` as an OpenAI-compatible API on this machine."""

from __future__ import annotations

import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from llf_kit.errors import RunError, UsageError
from llf_kit.project import private_directory, write_text
from llf_kit.upstream import configs, failures, locate, process

_KEY_FILE = "api_key"


def chat(config_path: Path, overrides: Sequence[str] = ()) -> None:
    """Talk to the model on the terminal, until ``exit``.

    Raises:
        ConfigError: the YAML is not usable.
        NotInstalledError: llamafactory-cli is missing.
        RunError: it failed.
    """
    cli = locate.find()
    config = configs.load(config_path, overrides)
    code, stopped = process.run([cli, "chat", config.path, *config.overrides])
    if code and not stopped:
        raise RunError(f"{config.path}: the chat ended with exit status {code}. What it said stands above.")


def serve(
    config_path: Path,
    overrides: Sequence[str] = (),
    *,
    directory: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    name: str = "llf-kit",
    on_ready: Callable[[str, str, bool], None] = lambda _address, _key, _new: None,
) -> None:
    """Serve the model until Ctrl-C, with a key, and with upstream's log of questions turned off.

    ``on_ready(address, key, new)`` is called once it answers; the key stays in ``.llf-kit/api_key`` of ``directory``,
    which only its owner can read, and ``new`` says that it was made just now.

    Raises:
        UsageError: the port is taken.
        ConfigError: the YAML is not usable.
        NotInstalledError: llamafactory-cli is missing.
        RunError: it failed.
    """
    cli = locate.find()
    config = configs.load(config_path, overrides)
    _check_port(host, port)
    private = private_directory(directory)
    key, new = _key(private / _KEY_FILE)
    log = private / "serve.log"
    address = f"http://{host}:{port}/v1"
    ready: list[bool] = []

    def watch() -> None:
        if not ready and _answers(f"http://{_reachable(host)}:{port}/v1/models", key):
            ready.append(True)
            on_ready(address, key, new)

    environment = {
        "API_HOST": host,
        "API_PORT": str(port),
        "API_KEY": key,
        "API_MODEL_NAME": name,
        "API_VERBOSE": "0",  # upstream logs every question by default, and questions are about patients
    }
    with process.private_log(log) as stream:
        code, stopped = process.run(
            [cli, "api", config.path, *config.overrides], env=environment, log=stream, watch=watch
        )
    if code and not stopped:
        raise RunError(f"{config.path}: {failures.explain(log, code)} Log: {log}")


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(f"--port {port}: cannot be used on {host} ({error.strerror}). Give another.") from None


def _key(path: Path) -> tuple[str, bool]:
    if path.is_file() and (kept := path.read_text(encoding="utf-8").strip()):
        return kept, False
    made = secrets.token_urlsafe(32)
    write_text(path, made + "\n", mode=0o600)
    return made, True


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _answers(url: str, key: str) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - http, ours
    try:
        with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
