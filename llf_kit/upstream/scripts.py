"""Scripts of this package that run in LLaMA-Factory's interpreter: a request in, a JSON line an answer out."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llf_kit.errors import RunError
from llf_kit.upstream import child, failures, locate, process


def answers(script: str, request: Mapping[str, Any], work: Path, where: str) -> Iterator[dict[str, Any]]:
    """What the script beside this file says to ``request``, which gets ``work`` as its ``cache``.

    It is offline where the model of ``request["values"]`` is a folder. What it writes lies in ``work``; ``where`` is
    told with an error.

    Raises:
        NotInstalledError: llamafactory-cli is missing.
        RunError: it ended badly.
    """
    python = locate.interpreter(locate.find())
    local = Path(str(request["values"].get("model_name_or_path"))).expanduser().is_dir()
    quiet = {"LLAMAFACTORY_VERBOSITY": "ERROR", "HF_DATASETS_CACHE": str(work), "TOKENIZERS_PARALLELISM": "false"}
    log = work / "log"
    (work / "request").write_text(json.dumps({**request, "cache": str(work)}), encoding="utf-8")
    with (work / "request").open("rb") as stdin, log.open("wb") as stderr:
        running = subprocess.Popen(
            process.script(python, Path(child.__file__), str(Path(__file__).with_name(script))),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **quiet, **({"HF_HUB_OFFLINE": "1"} if local else {})},
        )
        try:
            assert running.stdout is not None  # noqa: S101 - a pipe was asked for
            yield from map(json.loads, running.stdout)
            code = running.wait()
        finally:
            running.kill()
            running.wait()
            if running.stdout:
                running.stdout.close()
    if code:
        raise RunError(f"{where}: {failures.explain(log, code)}")
