"""Who says what in one cell: a list of messages, pairs, or one text in which every turn begins with its speaker."""

from __future__ import annotations

import json
import re
from typing import Any

from llf_kit.mapping.rows import Conversation, Turn, Unmappable, pair, value_of
from llf_kit.schema import ASSISTANT, FUNCTION, OBSERVATION, SIMPLIFIED, USER, either

_USER = (
    *("user", "human", "patient", "guest_family", "customer", "client", "asker", "questioner", "q", "question"),
    *("客户", "用户", "患者", "病人", "家属", "顾客", "女士", "先生", "临床", "护士", "提问者", "提问", "问题", "问"),
)
_ASSISTANT = (
    *("assistant", "gpt", "bot", "model", "chatbot", "ai", "agent", "guest_clinician", "expert", "a", "answer"),
    *("客服", "助手", "助理", "机器人", "专家", "回答者", "回答", "答案", "答"),
)
_DOCTOR = ("doctor", "physician", "clinician", "医生", "医师", "大夫", "主任")
_LABORATORY = ("lab", "laboratory", "technician", "检验科", "检验师", "检验", "技师", "实验室")
_SYSTEM = ("system", "developer", "系统")
_SPEAKERS = {
    **dict.fromkeys(_USER, USER),
    **dict.fromkeys((*_ASSISTANT, *_DOCTOR, *_LABORATORY), ASSISTANT),
    **dict.fromkeys(_SYSTEM, "system"),
    **dict.fromkeys(("function_call", "tool_call"), FUNCTION),
    **dict.fromkeys(("tool", "function", "observation", "tool_response"), OBSERVATION),
}
_NAMES = "|".join(
    either(re.escape(name))
    for name in sorted((*_USER, *_ASSISTANT, *_DOCTOR, *_LABORATORY, *_SYSTEM), key=len, reverse=True)
)
_TITLES = [name for name in sorted(_SPEAKERS, key=len, reverse=True) if not name.isascii() and len(name) > 1]
_CALLED = either("(?:[\u4e00-\u9fff]{1,2}(?=医生|医师|大夫|主任|女士|先生))?")  # by name
# `Doctor:`, `王医生：`, `**医生**：` and `### Human:` where a line or a sentence begins; `<user>:`, `<|user|>`,
# ChatML's marks and `【患者】` anywhere
_MARK = re.compile(
    rf"(?:(?:^|(?<=[\n。！？!?.;；]))\s*(?:#{{1,6}} ?|\*\*)?{_CALLED}({_NAMES})\d{{0,2}}(?:\*\*)?\s*[:：](?:\*\*)?"
    rf"|<(?:\|im_start\|>)?\|?({_NAMES})(?:\|?>|(?=\n))\s*[:：]?|【({_NAMES})】\s*[:：]?)\s*",
    re.IGNORECASE,
)
_END = re.compile(r"(?:\s*(?:<\|im_end\|>|<\|endoftext\|>|</s>))+\s*$")  # of a turn, where a template wrote it
# How a message calls its speaker and its text
_BY = ("role", "from", "speaker", "角色", "发言人")
_SAYS = ("content", "value", "sentence", "text", "utterance", "内容")
# The words of LLaMA-Factory's reasoning templates: data/template.py, `thought_words`
THOUGHT = ("<think>\n", "\n</think>\n\n")

Said = tuple[str, str | None]  # a speaker as the file names it, and the text


def conversation(cell: str | None) -> Conversation:
    """The turns of a cell, and the system prompt that they began with.

    One speaker twice in a row is joined with a line break, which loses nothing.

    Raises:
        Unmappable: neither a list of messages nor a marked text, or a turn without a known speaker or text.
    """
    return _roles(marked(cell or "") or _listed(cell))


def listed(value: list[Any]) -> Conversation:
    """As :func:`conversation`, of a list that has been read already."""
    return _roles(_items(value))


def prompt(cell: str | None) -> Conversation:
    """As :func:`conversation`, whose answer stands elsewhere: its last turn may be a mark with nothing behind."""
    found = conversation(cell)
    return found._replace(turns=found.turns[:-1]) if found.turns[-1:] == [(ASSISTANT, "")] else found


def _roles(said: list[Said]) -> Conversation:
    said = [(_called(name), content) for name, content in said]
    names = {name for name, _ in said}
    # In a laboratory's own dialogues the doctor asks; where no laboratory speaks, the doctor answers.
    asking = _DOCTOR if names & set(_LABORATORY) else ()
    roles = {name: USER if name in asking else _SPEAKERS.get(name) for name in names}
    strangers = [name for name in names if roles[name] is None]
    if len(names) == 2 and len(strangers) == 1 and _is_person(strangers[0]):  # the other one of two
        roles[strangers[0]] = USER if ASSISTANT in roles.values() else ASSISTANT if USER in roles.values() else None
    turns: list[Turn] = []
    for place, (name, content) in enumerate(said, start=1):
        role = roles[name]
        if role is None:
            raise Unmappable(f"turn {place} has a speaker that is not known")
        if turns and turns[-1][0] == role and turns[-1][1] and content and role != FUNCTION:
            turns[-1] = (role, f"{turns[-1][1]}\n{content}")
        else:
            turns.append((role, content))
    system = turns.pop(0)[1] if turns and turns[0][0] == "system" else None
    if any(role == "system" for role, _ in turns):
        raise Unmappable("a system prompt after the first turn")
    return Conversation(turns, system)


def _called(name: str) -> str:
    """A speaker by what it is: `张护士` and `护士小张` are a nurse; as it stands where it says nothing of that."""
    if name in _SPEAKERS:
        return name
    return next((word for word in _TITLES if name.endswith(word) or name.startswith(word)), name)


def _is_person(name: str) -> bool:
    """Whether it looks like somebody's name, and not like a role of some program: `tool_result`."""
    return not name.isascii() or " " in name


def _listed(cell: str | None) -> list[Said]:
    value = value_of(cell) if cell else []
    if value is None:
        raise Unmappable("neither a list nor a text in which every turn begins with a speaker that is known")
    if isinstance(value, dict):  # `{"messages": […]}`, as a request holds them
        value = value.get("messages")
    if not isinstance(value, list):
        raise Unmappable("the conversation is not a list")
    return _items(value)


def _items(value: list[Any]) -> list[Said]:
    if value and all(isinstance(item, str) for item in value):  # one marked text a turn
        if not (said := marked("\n".join(value))):
            raise Unmappable("the texts of the conversation do not say who speaks")
        return said
    said = []
    for place, item in enumerate(value, start=1):
        if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item):
            said += [(USER, item[0]), (ASSISTANT, item[1])]
        elif isinstance(item, dict) and not is_message(item) and _by_speaker(item):
            said += _by_speaker(item)
        else:
            said.append(_message(place, item))
    return said


def _by_speaker(item: dict[str, Any]) -> list[Said]:
    """``{"human": …, "assistant": …}``: an object a round, keyed by who speaks; empty where it is another object."""
    named = [(str(key).strip().casefold(), text) for key, text in item.items()]
    return named if all(name in _SPEAKERS and (text is None or isinstance(text, str)) for name, text in named) else []


def _message(place: int, message: Any) -> Said:
    """One message in the from/value, role/content or OpenAI form."""
    if not isinstance(message, dict):
        raise Unmappable(f"turn {place} is not an object")
    name, content = (next((message[key] for key in keys if key in message), None) for keys in (_BY, _SAYS))
    name = str(name).strip().casefold().translate(SIMPLIFIED)
    content = _content(place, content)
    if message.get("weight") == 0 and _SPEAKERS.get(name) == ASSISTANT:  # OpenAI's mark
        raise Unmappable(f"turn {place} is marked as not to be trained on, which no format can hold")
    thought = message.get("reasoning_content")
    before = f"{THOUGHT[0]}{thought}{THOUGHT[1]}" if isinstance(thought, str) and thought.strip() else ""
    calls = message.get("tool_calls") or ([message["function_call"]] if message.get("function_call") else None)
    if calls or _SPEAKERS.get(name) == FUNCTION:
        if calls and content:  # LLaMA-Factory's own converter drops the text without a word
            raise Unmappable(f"turn {place} has a text beside its tool call, which no template can hold")
        return "function_call", before + _calls(place, calls or value_of(content))
    return name, before + content if before and content else content


def is_message(item: Any) -> bool:
    """Whether it is an object that says who speaks."""
    return isinstance(item, dict) and any(key in item for key in _BY)


def _content(place: int, content: Any) -> str | None:
    if isinstance(content, list):  # OpenAI's list of parts
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) < len(parts):
            raise Unmappable(f"turn {place} holds more than text")
        return "\n".join(texts)
    if content is not None and not isinstance(content, str):
        raise Unmappable(f"turn {place} is not text")
    return content


def _calls(place: int, calls: Any) -> str:
    """Tool calls as LLaMA-Factory's templates read them: a list of ``{"name", "arguments"}``, arguments an object."""
    found = []
    for call in calls if isinstance(calls, list) else [calls]:
        call = call.get("function", call) if isinstance(call, dict) else {}
        arguments = call.get("arguments")
        if isinstance(arguments, str):  # OpenAI keeps them as JSON text, which would be quoted twice
            arguments = value_of(arguments or "{}")
        if not isinstance(call.get("name"), str) or not isinstance(arguments, dict):
            raise Unmappable(f"turn {place} is no tool call with a name and arguments")
        found.append({"name": call["name"], "arguments": arguments})
    return json.dumps(found, ensure_ascii=False)


def marked(text: str) -> list[Said]:
    """Speaker and text of every marked turn; empty where the text does not begin with a mark."""
    parts = _MARK.split(text.strip())
    if len(parts) < 5 or parts[0].strip():
        return []
    turns = zip(*(parts[start::4] for start in range(1, 5)), strict=True)
    return [
        ((one or two or three).casefold().translate(SIMPLIFIED), _END.sub("", content).strip())
        for one, two, three, content in turns
    ]


def history(cell: str | None) -> list[Turn]:
    """The earlier turns: pairs, or messages.

    Raises:
        Unmappable: neither.
    """
    value = value_of(cell) if cell else []
    if not isinstance(value, list):
        raise Unmappable("the history is not a list")
    if not all(isinstance(item, list) for item in value):
        return list(listed(value).turns)
    turns: list[Turn] = []
    for place, item in enumerate(value, start=1):
        if len(item) != 2 or not all(isinstance(part, str) for part in item):
            raise Unmappable(f"history {place} is not a pair of texts")
        turns += pair(*item)
    return turns
