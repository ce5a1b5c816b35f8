"""What :mod:`.scripts` runs in LLaMA-Factory's interpreter: a request on stdin, a JSON line an answer on stdout.

The answers are those of another script's ``answer_all``. Both are run as files, and import nothing of llf-kit, which
may not be installed there.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from typing import Any


def main(script: str) -> None:
    """Answer one request; upstream prints onto stdout, which therefore becomes stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    answer_all = runpy.run_path(script)["answer_all"]

    def put(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        for answer in answer_all(json.load(sys.stdin)):
            put(answer)
    except Exception as error:
        inner = error.__cause__ or error
        put({"error": type(inner).__name__, "text": str(inner), "outer": str(error)})


if __name__ == "__main__":
    main(sys.argv[2])  # behind -c and this file
