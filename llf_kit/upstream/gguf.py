"""A merged model as one GGUF file, by the converter of llama.cpp: for Ollama, llama.cpp and what stands on it."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

from llf_kit.errors import NotInstalledError, RunError
from llf_kit.project import json_object
from llf_kit.upstream import failures, locate, process

__all__ = ["TYPES", "convert", "find", "metadata", "tokenizer_kind"]

TYPES = ("auto", "f32", "f16", "bf16", "q8_0")  # what the converter writes without llama.cpp's own programs
# The kinds of values in the file, by their numbers.
_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _LIST = 8, 9
FILES = "llf-kit-*.gguf"  # beside the model, by the type
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
        RunError: the converter failed, or took the tokenizer for one of another kind; its log lies beside the model.
    """
    made, log = model / FILES.replace("*", kind), model / "llf-kit-gguf.log"
    temporary = made.with_suffix(".gguf.tmp")
    command: list[str | Path] = [converter, model, "--outfile", temporary, "--outtype", kind]
    if converter.suffix == ".py":  # it wants torch and transformers, which are there
        command.insert(0, locate.interpreter(locate.find()))
    with process.private_log(log) as stream:
        code, stopped = process.run(command, log=stream)
    if code or stopped or not temporary.is_file():
        temporary.unlink(missing_ok=True)
        why = "it was stopped" if stopped else failures.last(log) or f"exit status {code}"
        raise RunError(f"{model}: was not converted to GGUF: {why}. Log: {log}")
    wanted, got = tokenizer_kind(model), metadata(temporary).get("tokenizer.ggml.model")
    if wanted is not None and got != wanted:
        temporary.unlink()
        raise RunError(
            f"{model}: was not converted to GGUF: the converter takes its tokenizer for {got!r}, and it is {wanted!r}. "
            f"Serve the folder itself. Log: {log}"
        )
    temporary.replace(made)
    return made


def tokenizer_kind(model: Path) -> str | None:
    """What llama.cpp calls the tokenizer of ``model``: ``gpt2`` where tokens are made of bytes; None for others."""
    parts = json.dumps(json_object(model / "tokenizer.json").get("pre_tokenizer"))
    return "gpt2" if '"ByteLevel"' in parts else None


def metadata(path: Path) -> dict[str, Any]:
    """The keys and values of a GGUF file, without its lists; the format is in ggml's docs/gguf.md (version 3).

    Raises:
        RunError: it is no such file.
    """
    with path.open("rb") as file:

        def number(form: str) -> Any:
            return struct.unpack(f"<{form}", file.read(struct.calcsize(form)))[0]

        def value(kind: int) -> Any:
            if kind == _STRING:
                return file.read(number("Q")).decode("utf-8", errors="replace")
            if kind == _LIST:
                inner, count = number("I"), number("Q")
                for _ in range(count):
                    value(inner)
                return None
            return number(_FORMS[kind])

        try:
            if file.read(4) != b"GGUF" or number("I") < 2:
                raise ValueError
            _tensors, count = number("Q"), number("Q")
            found = {value(_STRING): value(number("I")) for _ in range(count)}
        except (ValueError, KeyError, struct.error):
            raise RunError(f"{path}: is no GGUF file. Convert again.") from None
    return {key: one for key, one in found.items() if one is not None}
