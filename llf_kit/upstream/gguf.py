"""A merged model as one GGUF file, by the converter of llama.cpp: for Ollama, llama.cpp and what stands on it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from llf_kit.errors import NotInstalledError, RunError
from llf_kit.upstream import failures, process

__all__ = ["TYPES", "convert", "find"]

TYPES = ("auto", "f32", "f16", "bf16", "q8_0")  # what the converter writes without llama.cpp's own programs
VARIABLE = "LLF_KIT_GGUF_CONVERTER"
_NAMES = ("convert_hf_to_gguf.py", "convert-hf-to-gguf", "convert_hf_to_gguf")


def find() -> Path:
    """The converter: what ``LLF_KIT_GGUF_CONVERTER`` names, else one beside this Python, else one on PATH.

    Raises:
        NotInstalledError: there is none.
    """
    if given := os.environ.get(VARIABLE):
        if Path(given).is_file():
            return Path(given)
        raise NotInstalledError(f"{VARIABLE}={given}: is no file. Give the path of llama.cpp's {_NAMES[0]}.")
    beside = str(Path(sys.executable).parent)
    for name in _NAMES:
        if found := shutil.which(name, path=beside) or shutil.which(name):
            return Path(found)
    raise NotInstalledError(
        f"--gguf: llama.cpp's {_NAMES[0]} is not on PATH. Get llama.cpp, install its requirements, and set {VARIABLE} "
        f"to the file; the model itself is exported without --gguf."
    )


def convert(converter: Path, model: Path, kind: str) -> Path:
    """The GGUF file of the folder ``model``, inside it; ``kind`` is of :data:`TYPES`.

    Raises:
        RunError: the converter failed; its log lies beside the model.
    """
    made, log = model / f"model-{kind}.gguf", model / "llf-kit-gguf.log"
    temporary = made.with_suffix(".gguf.tmp")
    command: list[str | Path] = [converter, model, "--outfile", temporary, "--outtype", kind]
    if converter.suffix == ".py":
        command.insert(0, sys.executable)
    with process.private_log(log) as stream:
        code, stopped = process.run(command, log=stream)
    if code or stopped or not temporary.is_file():
        temporary.unlink(missing_ok=True)
        why = "it was stopped" if stopped else failures.last(log) or f"exit status {code}"
        raise RunError(f"{model}: was not converted to GGUF: {why}. Log: {log}")
    temporary.replace(made)
    return made
