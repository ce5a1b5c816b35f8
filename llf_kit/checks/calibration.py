"""The texts that a quantised export is calibrated on.

model_utils/quantization.py of LLaMA-Factory 0.9.5 takes ``text`` of rows that it draws, and leaves out those that are
not longer than ``export_quantization_maxlen`` tokens: with none that are, it ends once the model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llf_kit.checks.counting import number
from llf_kit.checks.entries import ENDINGS
from llf_kit.checks.subject import Subject
from llf_kit.errors import DataError, ModelError
from llf_kit.schema import Finding
from llf_kit.upstream import loading
from llf_kit.upstream.tokenizer import Tokenizer

KEY = "export_quantization_dataset"


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about the file of texts; of a name on a hub there is nothing to be known."""
    value = subject.config.values.get(KEY)
    if subject.verb != "export" or not isinstance(value, str) or not subject.has("export_quantization_bit"):
        return
    path = Path(value)
    if not path.is_file():
        if path.suffix.removeprefix(".") in ENDINGS:
            hint = "Correct it, or write one: llf-kit convert … --format pretrain."
            yield subject.finding("calibration", "error", KEY, f"{value}: there is no such file", hint)
        return
    least = int(number(subject, "export_quantization_maxlen", 1024))
    try:
        yield from _texts(subject, path, least)
    except (DataError, ModelError) as error:
        message, _, hint = error.problems[0].partition(". ")
        yield subject.finding("calibration", "error", KEY, message, hint)


def _texts(subject: Subject, path: Path, least: int) -> Iterator[Finding]:
    tokenizer = None
    if subject.model is not None and (subject.model / "tokenizer.json").is_file():
        tokenizer = Tokenizer(subject.model, None)
    for row in loading.rows(path):
        text = row.get("text")
        if not isinstance(text, str):
            message = f"{path} has a row without a 'text', on which upstream calibrates"
            yield subject.finding(
                "calibration", "error", KEY, message, "Write it: llf-kit convert … --format pretrain."
            )
            return
        # a token has a byte at least
        if len(text.encode()) > least and (tokenizer is None or tokenizer.lengths([text])[0] > least):
            return
    message = f"no text of {path} is longer than export_quantization_maxlen: {least} tokens; upstream ends there"
    yield subject.finding(
        "calibration", "error", KEY, message, "Set export_quantization_maxlen lower, 128 for example."
    )
