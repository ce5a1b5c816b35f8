"""Chat logs as messengers copy and export them: every message says when it was written and by whom."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from llf_kit.readers.records import Record, table
from llf_kit.schema import RawTable

_SILENCE = 120  # minutes after which another conversation begins
_ABOVE = 3  # lines of a title above the first message
_DENSE = 8  # lines that a message has at most, on average

_DATE = r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}月\d{1,2}日|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
_TIME = r"(?:[上下中]午|早上|晚上|凌晨)?\s?\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?:\s?[AaPp][Mm])?"
_WHEN = rf"[\[【(（]?(?P<date>{_DATE})?[,，]?\s{{0,2}}(?P<time>{_TIME})[\]】)）]?"
# `张护士`, `张护士(12345)` and `张护士<mail@…>` of QQ
_WHO = r"(?P<who>[^\s\d:：,，。?？!！(（<\[][^:：,，。?？!！(（<\[]{0,30}?)(?:[(（<][^()（）<>]{1,60}[)）>])?"
_HEADS = tuple(
    re.compile(form)
    for form in (
        rf"\s*{_WHEN}\s{{0,3}}[-–]?\s{{0,3}}{_WHO}\s?[:：](?P<text>.*)",  # `[2026-01-03 09:12] 张护士: …`
        rf"\s*{_WHEN}\s{{1,3}}{_WHO}\s*(?P<text>)",  # the message stands below
        rf"\s*{_WHO}\s?[:：]?\s{{1,3}}{_WHEN}\s*(?P<text>)",
    )
)


class _Message(NamedTuple):
    row: int
    day: int
    minute: int
    who: str
    text: str


def is_log(lines: Iterable[str]) -> bool:
    """Whether messages of two or more people, who speak again, fill the text from its beginning."""
    filled = heads = above = 0
    speakers: set[str] = set()
    for line in lines:
        if line.strip():
            filled += 1
            if head := _head(line):
                heads += 1
                speakers.add(head["who"].strip())
            elif not heads:
                above += 1
    few = 2 <= len(speakers) <= max(2, heads // 2)
    return few and above <= _ABOVE and heads * _DENSE >= filled


def read(source: str, lines: Callable[[], Iterable[str]], encoding: str | None = None) -> RawTable:
    """One table with `dialogue`: a list of messages a conversation, which ends where two hours pass without a word.

    The row is the line on which it begins. What stands above the first message is a row without a conversation.
    """

    def records() -> Iterator[Record]:
        talk: list[_Message] = []
        for message in _messages(lines()):
            if talk and (not talk[-1].who or not 0 <= _minutes(talk[-1], message) < _SILENCE):
                yield _record(talk)
                talk = []
            talk.append(message)
        if talk:
            yield _record(talk)

    return table(source, ("dialogue",), records, encoding)


def _record(talk: list[_Message]) -> Record:
    if not talk[0].who:
        return Record(talk[0].row, {"dialogue": talk[0].text})
    said = [{"role": one.who, "content": one.text} for one in talk]
    return Record(talk[0].row, {"dialogue": json.dumps(said, ensure_ascii=False)})


def _messages(lines: Iterable[str]) -> Iterator[_Message]:
    """A message goes on to the next head; one without a speaker is what stands above the first."""
    message: _Message | None = None
    parts: list[str] = []
    day = 0
    for row, line in enumerate(lines, start=1):
        if head := _head(line):
            if message:
                yield message._replace(text="\n".join(parts).strip())
            day = _day(head["date"], day)
            message, parts = _Message(row, day, _minute(head["time"]), head["who"].strip(), ""), [head["text"]]
        elif message:
            parts.append(line)
        elif line.strip():
            message, parts = _Message(row, 0, 0, "", ""), [line]
    if message:
        yield message._replace(text="\n".join(parts).strip())


def _head(line: str) -> re.Match[str] | None:
    return next((found for form in _HEADS if (found := form.fullmatch(line))), None)


def _minutes(one: _Message, next_: _Message) -> int:
    return (next_.day - one.day) * 24 * 60 + next_.minute - one.minute


def _day(date: str | None, before: int) -> int:
    """The number of a day; without a date, or where it is none, the day before it in the log."""
    numbers = [int(number) for number in re.findall(r"\d+", date or "")]
    if len(numbers) == 2:
        numbers = [2000, *numbers]  # a leap year, where none is given
    if not numbers:
        return before
    one, two, three = numbers
    for order in ((one, two, three), (three, two, one), (three, one, two)):
        try:
            return datetime.date(*order).toordinal()
        except ValueError:
            continue
    return before


def _minute(time: str) -> int:
    hour, minute = (int(number) for number in re.findall(r"\d+", time)[:2])
    late = re.search(r"下午|晚上|[Pp][Mm]", time)
    return (hour + 12 if late and hour < 12 else hour) * 60 + minute
