"""Questions and answers out of lines of text, wherever the lines come from: marks, numbered questions, dialogues."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable, either

QUESTION, ANSWER, OTHER = "question", "answer", "other"
HEADING = "heading"  # asks nothing; what stands under it is a part of it where nothing else is known


class Line(NamedTuple):
    """A line and its number. ``kind`` is set where the container itself says what begins there."""

    number: int
    text: str
    kind: str | None = None


# Possessive (`*+`), so that a line of a million stars takes a million steps and not their square.
_BEFORE = r"[*#>•·\s-]*+(?:[(（]?\d++\s*+[.、)）．]\s*+)?+\**+"
_NUMBER = r"\s*+[\d一二三四五六七八九十]*+\s*+"
_ASKERS = "(?:患者|病人|用户|客户|家属|临床|护士|学员)?"
_TELLERS = "(?:医生|医师|专家|老师|检验科|检验师|技师|参考|标准|正确)?"
_ASKED = rf"(?:{_ASKERS}(?:提问|问题?)|题目|question|q)"
_ZH_TOLD = rf"{_TELLERS}(?:答案?|回答|答复|解答)"
_TOLD = rf"(?:{_ZH_TOLD}|answer|a)"


def _mark(words: str) -> str:
    words = either(words)
    return rf"(?:[【\[]\s*+{words}{_NUMBER}[】\]]\s*+[:：]?|{words}{_NUMBER}[:：])\**+\s*+"


_QUESTION = re.compile(_BEFORE + _mark(_ASKED), re.IGNORECASE)
_ANSWER = re.compile(_BEFORE + _mark(_TOLD), re.IGNORECASE)
# In the middle of a line: anything but a Chinese answer only behind the end of a sentence, `vitamin A:` is no mark.
_INSIDE = re.compile(rf"{_mark(_ZH_TOLD)}|(?<=[.。?？!！;；])\s*+{_mark(f'(?:{_TOLD}|{_ASKED})')}", re.IGNORECASE)
_NUMBERED = re.compile(r"\s*(?:[(（]\d{1,4}[)）]|\d{1,4}\s*[.、)）．](?!\d)|第?[一二三四五六七八九十]++[、.．题])\s*")
_RULE = re.compile(r"[-=*_~—─]{3,200}")
_ASKS = re.compile(r"[?？][\s\"”』」)）*]*$")
_OPTION = re.compile(r"\s*[(（]?[A-Ha-h][.、)）．]")
_SPEAKER = re.compile(r"\s*(?!\d+[:：])([^\s:：，。？！,?!]{1,12}|[A-Z][\w ]{0,20})\s*[:：]\s*\S")


def read(
    source: str, lines: Callable[[], Iterable[Line]], encoding: str | None = None, *, paragraphs: bool = False
) -> RawTable:
    """One table, with `question` and `answer`, with `dialogue` or with `text`; the row is the line where it begins.

    ``paragraphs`` says that every line is a paragraph: two of them are not a pair because they stand together.
    """

    def split() -> Iterator[Line]:
        for line in lines():
            yield from _split(line)

    def made(names: tuple[str, ...], records: Callable[[Iterator[Line]], Iterator[Record]]) -> RawTable:
        return table(source, names, lambda: records(split()), encoding)

    pair = (QUESTION, ANSWER)
    if any(kind_of(line) == QUESTION for line in split()):
        return made(pair, _marked)
    if any(kind_of(line) == ANSWER for line in split()):
        return made(pair, lambda found: _marked(_answered(found)))
    if _dialogues(split()):
        return made(("dialogue",), lambda found: _texts(found, "dialogue"))
    for numbered in (True, False) if paragraphs else (True,):
        if _asking_often(split(), numbered):
            return made(pair, functools.partial(_asked, numbered=numbered))
    if _paired(split(), paragraphs):
        return made(pair, _pairs)
    return made(("text",), lambda found: _texts(found, "text", each=paragraphs))


def kind_of(line: Line) -> str | None:
    """What begins with a line: what its container says, or its mark; None where it goes on."""
    if line.kind and line.kind != HEADING:
        return line.kind
    if _QUESTION.match(line.text):
        return QUESTION
    return ANSWER if _ANSWER.match(line.text) else None


def speaks(texts: Iterable[str]) -> bool:
    """Whether any line is marked as a question or an answer, or most begin with their speaker."""
    filled = [text for text in texts if text.strip()]
    marked = any(kind_of(Line(0, text)) for text in filled)
    return marked or sum(bool(_SPEAKER.match(text)) for text in filled) * 2 > len(filled)


def _split(line: Line) -> Iterator[Line]:
    """A line that holds a question and its answer is two, one that only separates is blank; else it is as it was."""
    if _RULE.fullmatch(line.text.strip()):
        line = line._replace(text="")
    mark = _QUESTION.match(line.text)
    begins = [found.start() for found in _INSIDE.finditer(line.text, mark.end())] if mark else []
    ends = [*begins, len(line.text)]
    yield Line(line.number, line.text[: ends[0]], line.kind)
    yield from (Line(line.number, line.text[begin:end]) for begin, end in pairwise(ends))


def _content(text: str, mark: re.Pattern[str]) -> str:
    """What stands behind the mark, if one begins the text."""
    found = mark.match(text)
    return text[found.end() :] if found else text


def _marked(lines: Iterator[Line]) -> Iterator[Record]:
    """A mark begins a part; every line up to the next mark belongs to it. Text before the first mark is a row too."""
    row = 0
    asked: list[str] = []
    said: list[str] | None = None

    def record() -> Record:
        question, answer = "\n".join(asked).strip(), "\n".join(said or ()).strip()
        return Record(row, {QUESTION: question or None, ANSWER: answer or None})

    for line in lines:
        kind = kind_of(line)
        if kind in (QUESTION, OTHER) or (kind == ANSWER and said is not None):
            if row:
                yield record()
            row, asked, said = 0, [], None
        if kind == QUESTION:
            row = line.number
            asked.append(_content(line.text, _QUESTION))
        elif kind == ANSWER:
            row = row or line.number
            said = [_content(line.text, _ANSWER)]
        elif row or line.text.strip():
            row = row or line.number
            (asked if said is None else said).append(line.text)
    if row:
        yield record()


def _answered(lines: Iterable[Line]) -> Iterator[Line]:
    """Only the answers are marked: the question of each is found among the lines above it."""
    above: list[Line] = []
    for line in lines:
        if kind_of(line) == ANSWER:
            yield from _asked_last(above)
            above = [line]
        else:
            above.append(line)
    yield from above


def _asked_last(lines: list[Line]) -> Iterator[Line]:
    """The last line that is numbered or asks begins the question; failing that, the last lines that stand together."""
    filled = [place for place, line in enumerate(lines) if line.text.strip() and kind_of(line) != ANSWER]
    begins = [place for place in filled if _NUMBERED.match(lines[place].text) or asks(lines[place].text)]
    begin = begins[-1] if begins else filled[-1] if filled else len(lines)
    together = begin
    while together and lines[together - 1].text.strip():
        together -= 1
    if filled and not begins and (together or kind_of(lines[0]) != ANSWER):  # else the answer above may reach down here
        begin = together
    yield from lines[:begin]
    yield from (asking(line) for line in lines[begin : begin + 1])
    yield from lines[begin + 1 :]


def asks(text: str) -> bool:
    """Whether it ends as a question does."""
    return bool(_ASKS.search(text))


def asking(line: Line) -> Line:
    """The line as a question, without its number."""
    return Line(line.number, _content(line.text, _NUMBERED), QUESTION)


def _begins(line: Line, numbered: bool) -> bool:
    return asks(line.text) and (not numbered or bool(_NUMBERED.match(line.text)))


def _asking_often(lines: Iterable[Line], numbered: bool) -> bool:
    """Whether questions stand without any mark: several with numbers, or without them in every fourth line."""
    filled = [_begins(line, numbered) for line in lines if line.text.strip()]
    return sum(filled) > 1 and (numbered or sum(filled) * 4 >= len(filled))


def _asked(lines: Iterable[Line], numbered: bool) -> Iterator[Record]:
    """What follows each question is its answer, unless it is a choice of options."""

    def marked() -> Iterator[Line]:
        answer_next = False
        for line in lines:
            if _begins(line, numbered):
                yield asking(line)
                answer_next = True
            elif answer_next and line.text.strip() and not _OPTION.match(line.text):
                yield line._replace(kind=ANSWER)
                answer_next = False
            else:
                yield line

    return _marked(marked())


def _blocks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines between blank lines."""
    block: list[Line] = []
    for line in lines:
        if line.text.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _dialogues(lines: Iterable[Line]) -> bool:
    """Whether most blocks are turns that begin with their speaker, of whom there are few in all, who speak again."""
    marked = blocks = turns = 0
    speakers: set[str] = set()
    for block in _blocks(lines):
        names = [found[1] for line in block if (found := _SPEAKER.match(line.text))]
        blocks += 1
        if _SPEAKER.match(block[0].text) and len(set(names)) > 1 and len(names) * 2 > len(block):
            marked += 1
            turns += len(names)
            speakers.update(names[:10])
    return marked * 2 > blocks and len(speakers) <= min(6, max(2, turns / 2))


def _paired(lines: Iterable[Line], paragraphs: bool) -> bool:
    """Whether blocks are a question line and an answer: most of them ask, or all have two lines."""
    asking = two = blocks = 0
    for block in _blocks(lines):
        blocks += 1
        two += len(block) == 2
        questions = [asks(line.text) for line in block]
        asking += len(block) > 1 and questions[0] and sum(questions) == 1 and not _OPTION.match(block[1].text)
    return asking * 2 > blocks or (two == blocks and not paragraphs)


def _pairs(lines: Iterator[Line]) -> Iterator[Record]:
    for block in _blocks(lines):
        question = _content(block[0].text.strip(), _NUMBERED)
        answer = "\n".join(line.text.strip() for line in block[1:])
        yield Record(block[0].number, {QUESTION: question, ANSWER: answer or None})


def _texts(lines: Iterator[Line], name: str, *, each: bool = False) -> Iterator[Record]:
    for block in _blocks(lines) if not each else _sections(lines):
        yield Record(block[0].number, {name: "\n".join(line.text.strip() for line in block)})


def _sections(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines under a heading with it, and with those right above it; without headings every line by itself."""
    section: list[Line] = []
    for line in lines:
        if not line.text.strip():
            continue
        headed = bool(section) and section[0].kind in (HEADING, OTHER)
        if section and not (headed and (line.kind not in (HEADING, OTHER) or section[-1].kind in (HEADING, OTHER))):
            yield section
            section = []
        section.append(line)
    if section:
        yield section
