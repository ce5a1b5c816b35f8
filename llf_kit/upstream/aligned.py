"""Rows as LLaMA-Factory has them before it tokenises: data/parser.py and data/converter.py of LLaMA-Factory 0.9.5."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from llf_kit.schema import ASSISTANT, FUNCTION, OBSERVATION, USER
from llf_kit.upstream.dataset_entries import Dataset
from llf_kit.upstream.loading import rows

__all__ = ["Aligned", "Attributes", "Refused", "Turn", "aligner", "attributes", "refusal", "rows"]

SYSTEM = "system"
_ROLES = ((USER, OBSERVATION), (ASSISTANT, FUNCTION))  # who may speak at the even turns, and at the odd ones

# DatasetAttr's defaults, which hold while the entry has no `columns` (no `tags`) at all; of a partial one, what is left
# out is None.
_COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


class Turn(NamedTuple):
    """One message; ``role`` is of ``user``, ``assistant``, ``function``, ``observation``, ``system``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Aligned:
    """A row in upstream's form: its ``_prompt``, ``_response``, ``_system`` and ``_tools``.

    ``response`` has one turn, none where there is no answer, and two of a pair (better, worse) or a judged answer (the
    other one is empty). ``media`` says that the row comes with pictures, films or sounds.
    """

    prompt: list[Turn]
    response: list[Turn]
    system: str
    tools: str
    media: bool = False


class Refused(StrEnum):
    """Why upstream does not train on a row; ``fails`` of those that end its run."""

    ROLES = "its turns are not in order"
    COUNT = "its turns do not end with an answer"
    NO_ANSWER = "it has no answer"
    NO_PAIR = "it has no two answers"
    HISTORY = "its history is not made of pairs"
    MESSAGES = "its conversation is not a list of turns"
    UNKNOWN_ROLE = "a turn has an unknown role"
    NOT_TEXT = "a text of it is not text"
    TOOLS = "its tools are not JSON text"

    @property
    def fails(self) -> bool:
        """Whether the run ends with an exception; else the row is dropped, with a warning in the log."""
        return self in _FATAL


_FATAL = frozenset({Refused.HISTORY, Refused.MESSAGES, Refused.UNKNOWN_ROLE, Refused.NOT_TEXT, Refused.TOOLS})


@dataclass(frozen=True)
class Attributes:
    """An entry of dataset_info.json as upstream's ``DatasetAttr`` has it: the names of columns, and the tags."""

    formatting: str
    ranking: bool
    columns: dict[str, str | None]
    tags: dict[str, str | None]

    @property
    def roles(self) -> dict[str | None, str]:
        """From the tags to the roles; the last wins, as in upstream's dictionary."""
        names = ("user", USER), ("assistant", ASSISTANT), ("observation", OBSERVATION), ("function", FUNCTION)
        return {self.tags.get(f"{name}_tag"): role for name, role in (*names, ("system", SYSTEM))}


def attributes(dataset: Dataset) -> Attributes:
    """What upstream makes of the entry of ``dataset``."""
    entry = dataset.entry
    columns, tags = entry.get("columns", _COLUMNS), entry.get("tags", _TAGS)
    return Attributes(
        formatting=str(entry.get("formatting", "alpaca")),
        ranking=bool(entry.get("ranking", False)),
        columns=dict(columns) if isinstance(columns, dict) else {},
        tags=dict(tags) if isinstance(tags, dict) else {},
    )


def aligner(dataset: Dataset) -> Callable[[dict[str, Any]], Aligned | Refused]:
    """The converter of ``dataset``, from a raw row to upstream's form, or to the reason why it is not trained on.

    A column that the row lacks is None, as it is in the table that upstream makes of the whole file. (A column that no
    row has fails there.) Whether the stage can use what comes out, :func:`refusal` says.
    """
    one = attributes(dataset)
    convert = _alpaca if one.formatting == "alpaca" else _conversation
    media = [name for kind in ("images", "videos", "audios") if (name := one.columns.get(kind))]

    def run(row: dict[str, Any]) -> Aligned | Refused:
        made = convert(one, row)
        if isinstance(made, Refused):
            return made
        prompt, response, system, tools = made
        if tools and not isinstance(tools, str):
            return Refused.TOOLS
        if system and not isinstance(system, str):
            return Refused.NOT_TEXT
        for _, content in (*prompt, *response):
            if not isinstance(content, str):
                return Refused.NOT_TEXT
        return Aligned(prompt, response, system or "", tools or "", any(row.get(name) for name in media))

    return run


def refusal(aligned: Aligned, stage: str) -> Refused | None:
    """Why the processor of ``stage`` (of the YAML) drops the row; None where it trains on it."""
    if stage == "pt":
        return None
    if len(aligned.prompt) % 2 != 1:
        return Refused.COUNT
    if stage in ("rm", "dpo", "kto"):
        return Refused.NO_PAIR if len(aligned.response) < 2 else None
    if stage == "ppo" or len(aligned.response) == 1:
        return None
    return Refused.NO_ANSWER


_Parts = tuple[list[Turn], list[Turn], Any, Any]


def _alpaca(one: Attributes, row: dict[str, Any]) -> _Parts | Refused:
    """AlpacaDatasetConverter."""
    columns = one.columns
    prompt: list[Turn] = []
    if (history := _get(row, columns.get("history"))) and isinstance(history, list):
        for pair in history:
            if not isinstance(pair, list | tuple | str) or len(pair) != 2:
                return Refused.HISTORY
            prompt += (Turn(USER, pair[0]), Turn(ASSISTANT, pair[1]))
    query = [text for name in ("prompt", "query") if (text := _get(row, columns.get(name)))]
    if not all(isinstance(text, str) for text in query):
        return Refused.NOT_TEXT
    prompt.append(Turn(USER, "\n".join(query)))
    answer = _get(row, columns.get("response"))
    judged = _get(row, columns.get("kto_tag"))
    chosen, rejected = _get(row, columns.get("chosen")), _get(row, columns.get("rejected"))
    if isinstance(judged, bool):
        response = _judged(Turn(ASSISTANT, answer), judged)
    elif one.ranking and isinstance(chosen, str) and isinstance(rejected, str):
        response = [Turn(ASSISTANT, chosen), Turn(ASSISTANT, rejected)]
    else:
        response = [Turn(ASSISTANT, answer)] if isinstance(answer, str) else []
    return prompt, response, _get(row, columns.get("system")), _get(row, columns.get("tools"))


def _conversation(one: Attributes, row: dict[str, Any]) -> _Parts | Refused:
    """SharegptDatasetConverter and OpenAIDatasetConverter."""
    columns, openai = one.columns, one.formatting == "openai"
    messages = _get(row, columns.get("messages"))
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return Refused.MESSAGES
    role, content, system_tag = one.tags.get("role_tag"), one.tags.get("content_tag"), one.tags.get("system_tag")
    system = _get(row, columns.get("system"))
    if system_tag and messages and messages[0].get(role) == system_tag:
        system, messages = messages[0].get(content), messages[1:]
    turns = _openai_turns(one, messages) if openai else _sharegpt_turns(one, messages)
    if isinstance(turns, Refused):
        return turns
    if len(turns) % 2 != one.ranking:
        return Refused.COUNT
    judged = _get(row, columns.get("kto_tag"))
    chosen, rejected = _get(row, columns.get("chosen")), _get(row, columns.get("rejected"))
    prompt, response = turns[:-1], turns[-1:]
    if isinstance(judged, bool) and response:
        response = _judged(response[0], judged)
    elif one.ranking and isinstance(chosen, dict) and isinstance(rejected, dict):
        roles = one.roles
        if chosen.get(role) not in roles or rejected.get(role) not in roles:
            return Refused.UNKNOWN_ROLE
        prompt = turns
        response = [Turn(roles[answer.get(role)], _get(answer, content)) for answer in (chosen, rejected)]
    tools = _get(row, columns.get("tools"))
    return (prompt, response, *_openai_system(system, tools)) if openai else (prompt, response, system, tools)


def _sharegpt_turns(one: Attributes, messages: list[dict[Any, Any]]) -> list[Turn] | Refused:
    """The turns; by their tags, users and tools must speak at the even ones."""
    roles, role, content = one.roles, one.tags.get("role_tag"), one.tags.get("content_tag")
    accepted = [tuple(one.tags.get(f"{name}_tag") for name in side) for side in _ROLES]
    turns = []
    for index, message in enumerate(messages):
        if (tag := message.get(role)) not in accepted[index % 2]:
            return Refused.ROLES
        turns.append(Turn(roles[tag], _get(message, content)))
    return turns


def _openai_turns(one: Attributes, messages: list[dict[Any, Any]]) -> list[Turn] | Refused:
    """The turns; answers of tools that follow each other are one, and those at the very end are lost."""
    roles, role, content = one.roles, one.tags.get("role_tag"), one.tags.get("content_tag")
    observation, function = one.tags.get("observation_tag"), one.tags.get("function_tag")
    answers: list[Any] = []
    turns = []
    for message in messages:
        tag, text = _get(message, role), _get(message, content)
        if tag in (one.tags.get("assistant_tag"), function) and (calls := message.get("tool_calls")):
            try:
                tag, text = function, json.dumps([call["function"] for call in calls], ensure_ascii=False)
            except (KeyError, TypeError):
                return Refused.TOOLS
        if tag == observation:
            answers.append(text)
            continue
        if answers:
            if not all(isinstance(answer, str) for answer in answers):
                return Refused.NOT_TEXT
            turns.append(Turn(OBSERVATION, "\n</tool_response>\n<tool_response>\n".join(answers)))
            answers = []
        if tag not in roles:
            return Refused.UNKNOWN_ROLE
        turns.append(Turn(roles[tag], text))
    if any(turn.role not in _ROLES[index % 2] for index, turn in enumerate(turns)):
        return Refused.ROLES
    return turns


def _openai_system(system: Any, tools: Any) -> tuple[Any, Any]:
    """What upstream makes of the two: it adds "detailed thinking off" to rows without tools, whatever the model."""
    off = "detailed thinking off"
    if isinstance(tools, dict | list):
        tools = json.dumps(tools, ensure_ascii=False)
    if not system:
        return ("" if tools else off), tools
    if not isinstance(system, str):
        return system, tools
    if tools:
        return system + "\n", tools
    return (system if "detailed thinking on" in system or off in system else f"{system}\n{off}"), tools


def _judged(answer: Turn, good: bool) -> list[Turn]:
    """A judged answer stands first if it is good; one that is empty and good is taken for bad, by upstream too."""
    empty = Turn(ASSISTANT, "")
    return [Turn(answer.role, answer.content or ""), empty] if good else [empty, answer]


def _get(row: dict[Any, Any], name: str | None) -> Any:
    return row.get(name) if name else None
