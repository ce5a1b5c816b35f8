"""txt: questions and answers under `问：…答：…` or `Q: … A: …`, or blocks of a question line and an answer line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from llf_kit.readers.encoding import Opening, as_utf8, detect
from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable

_QUESTION = re.compile(
    r"\s*(?:[*#>-]+\s*)?(?:\d+\s*[.、)]\s*)?\**(?:问题?|提问|question|q)\s*\d*\s*[:：]\**\s*", re.IGNORECASE
)
_ANSWER = re.compile(r"\s*(?:[*#>-]+\s*)?\**(?:答案?|回答|解答|answer|a)\s*\d*\s*[:：]\**\s*", re.IGNORECASE)


def read(path: Path, opening: Opening) -> list[RawTable]:
    """One table, with `question` and `answer` or with `text`; the row is the line on which it begins."""
    encoding = detect(path, opening.encoding)
    file = as_utf8(path, encoding, opening.work)

    def lines() -> Iterator[tuple[int, str]]:
        with file.open(encoding="utf-8-sig") as text:
            yield from enumerate((line.rstrip("\n") for line in text), start=1)

    if any(_QUESTION.match(line) for _, line in lines()):
        return [table(path.name, ("question", "answer"), lambda: _marked(lines()), encoding)]
    # Without marks, blocks of two lines each are a question and its answer; anything else is a text like a README.
    if all(len(block) == 2 for _, block in _blocks(lines())):
        return [table(path.name, ("question", "answer"), lambda: _pairs(lines()), encoding)]
    return [table(path.name, ("text",), lambda: _texts(lines()), encoding)]


def _marked(lines: Iterator[tuple[int, str]]) -> Iterator[Record]:
    """A mark begins a part; every line up to the next mark belongs to it. Text before the first mark is a row too."""
    row = 0
    asked: list[str] = []
    said: list[str] | None = None

    def record() -> Record:
        question, answer = "\n".join(asked).strip(), "\n".join(said or ()).strip()
        return Record(row, {"question": question or None, "answer": answer or None})

    for number, line in lines:
        question, answer = _QUESTION.match(line), _ANSWER.match(line)
        if question or (answer and said is not None):
            if row:
                yield record()
            row, asked, said = number, [], None
        if question:
            asked.append(line[question.end() :])
        elif answer:
            row = row or number
            said = [line[answer.end() :]]
        elif row or line.strip():
            row = row or number
            (asked if said is None else said).append(line)
    if row:
        yield record()


def _blocks(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """The lines between blank lines, and where they begin."""
    block: list[str] = []
    begin = 0
    for number, line in lines:
        if line.strip():
            begin = begin if block else number
            block.append(line.strip())
        elif block:
            yield begin, block
            block = []
    if block:
        yield begin, block


def _pairs(lines: Iterator[tuple[int, str]]) -> Iterator[Record]:
    return (Record(row, {"question": block[0], "answer": block[1]}) for row, block in _blocks(lines))


def _texts(lines: Iterator[tuple[int, str]]) -> Iterator[Record]:
    return (Record(row, {"text": "\n".join(block)}) for row, block in _blocks(lines))
