"""What runs in LLaMA-Factory's interpreter for :mod:`.environment`: names of packages in, one JSON object out.

It is run as a file, and imports nothing but the standard library: what it looks for may be broken.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from importlib import metadata, util
from pathlib import Path
from typing import Any


def look(packages: list[str]) -> dict[str, Any]:
    """The version and folder of this Python, the versions of ``packages``, and what llamafactory requires.

    ``torch`` is the text of torch's ``version.py``, empty where it is not there.
    """
    found = {}
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    built = ""
    for name in ("torch", "torchaudio"):  # the metadata leave out what they were built for: +cu130, +cpu
        spec = util.find_spec(name)
        told = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
        text = told.read_text() if told and told.is_file() else ""
        if version := re.search(r"^__version__\b[^=\n]*=\s*['\"]([^'\"]+)", text, re.MULTILINE):
            found[name] = version[1]
        if name == "torch":
            built = text
    return {
        "python": sys.version.split()[0],
        "prefix": sys.prefix,
        "packages": found,
        "requires": (metadata.requires("llamafactory") or []) if "llamafactory" in found else [],
        "torch": built,
    }


if __name__ == "__main__":
    json.dump(look(sys.argv[2:]), sys.stdout)  # behind -c and this file
