"""What the entry of a dataset names against what its rows have: columns that are missing, left out, or of a wrong type.

data/parser.py of LLaMA-Factory 0.9.5: an entry without ``columns`` means instruction, input, output (Alpaca) or
conversations (ShareGPT), and neither system, history nor tools; in one with ``columns``, what is left out is None.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from llf_kit.checks import row_rules
from llf_kit.checks.subject import Severity
from llf_kit.checks.survey import Survey
from llf_kit.errors import did_you_mean

# What is wrong and what to do; and the role whose column is to be added to the entry, where that mends it.
Said = tuple[Severity, str, str] | tuple[Severity, str, str, str]

# What upstream reads of a row, by the shape of the entry; and under which name a column is known to hold it.
_ALPACA = ("prompt", "query", "response", "history", "system", "tools", "images", "videos", "audios", "kto_tag")
_TURNS = ("messages", "system", "tools", "images", "videos", "audios", "kto_tag")
_PAIR = ("chosen", "rejected")
_USUAL = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}
_TEXTS = ("prompt", "query", "response", "system", "tools")
# Tags that are no text of anybody, and may be shown.
_TAGS = {
    *("user", "assistant", "system", "tool", "function", "observation", "human", "gpt", "function_call", "bot"),
    *("model", "chatgpt", "question", "answer", "prompt", "response", "instruction", "developer", "tool_response"),
}


def findings(found: Survey, stage: str) -> Iterator[Said]:
    """What to say of the columns and the tags."""
    if not found.rows:
        yield "error", "it has no rows", "Convert it again."
        return
    missing = list(_missing(found))
    yield from missing
    yield from _unnamed(found, stage)
    if not missing:
        yield from _left_out(found, stage)
    yield from _types(found, stage)
    yield from _dates(found, stage)
    yield from _keys(found)
    yield from _strange_tags(found)


def _read(found: Survey, stage: str) -> tuple[str, ...]:
    """What upstream reads of a row in this stage."""
    roles = _ALPACA if found.one.formatting == "alpaca" else _TURNS
    if found.one.ranking:
        return tuple(role for role in (*roles, *_PAIR) if role not in ("response", "kto_tag"))
    return tuple(role for role in roles if role in ("prompt", "query", "history", "messages") or stage != "pt")


def breaks(found: Survey) -> bool:
    """Whether upstream ends because of a column or a key of a turn that no row has."""
    return any((list(_missing(found)), list(_nameless(found)), list(_keys(found)))) or not found.rows


def _missing(found: Survey) -> Iterator[Said]:
    """Columns that are named and that no row has: KeyError upstream, in every stage."""
    for role in _read(found, "sft"):
        name = found.one.columns.get(role)
        if not name or name in found.schema or (found.one.formatting == "openai" and role in ("system", "tools")):
            continue
        message = f"columns: {role}: no row has a column {name!r}"
        if "columns" not in found.dataset.entry:
            message = f"the entry has no columns, which means {role}: {name}, and no row has a column {name!r}"
        yield "error", message, f"{did_you_mean(name, found.schema)} Name it in columns, or convert the file again."


def _nameless(found: Survey) -> Iterator[Said]:
    """What upstream asks for without looking whether the entry names it."""
    roles = ("messages",) if found.one.formatting != "alpaca" else ()
    for role in (*roles, *(_PAIR if found.one.ranking else ())):
        if not found.one.columns.get(role):
            yield "error", f"columns names no {role}, and upstream ends there", _mend(found, role), role


def _unnamed(found: Survey, stage: str) -> Iterator[Said]:
    """What upstream goes on without: each row has None there."""
    yield from _nameless(found)
    if found.one.formatting != "alpaca":
        return
    columns = found.one.columns
    if not columns.get("prompt") and not columns.get("query"):
        yield "error", "columns names no prompt, so that every question is empty", _mend(found, "prompt"), "prompt"
    if not columns.get("response") and not found.one.ranking and stage not in ("pt", "ppo"):
        yield "error", "columns names no response, so that every row is dropped", _mend(found, "response"), "response"


def _left_out(found: Survey, stage: str) -> Iterator[Said]:
    """Columns that rows fill, and that upstream drops because the entry does not name them."""
    columns, named = found.one.columns, set(found.one.columns.values())
    for role in _read(found, stage):
        usual = _USUAL.get(role, role)
        if columns.get(role) or usual in named or role in ("prompt", "response", "messages"):
            continue
        if filled := found.filled[usual]:
            message = f"{filled} of {found.rows} rows fill {usual!r}, which upstream drops, for columns leaves it out"
            yield "error", message, _mend(found, role), role


def added(found: Survey, role: str, text: str) -> str:
    """``text`` of a dataset_info.json with the usual column of ``role`` in the entry, if the rows have it."""
    usual = _USUAL.get(role, role)
    if usual not in found.schema:
        return text
    entries = json.loads(text)
    entries[found.dataset.name].setdefault("columns", {})[role] = usual
    return json.dumps(entries, ensure_ascii=True, indent=2) + "\n"


def _mend(found: Survey, role: str) -> str:
    usual = _USUAL.get(role, role)
    name = usual if usual in found.schema else "…"
    return f'Add "{role}": "{name}" to columns.'


def _types(found: Survey, stage: str) -> Iterator[Said]:
    """Columns that are of one type throughout, and of a wrong one."""
    roles = _read(found, stage)
    wanted = {role: pl.String() for role in _TEXTS if role in roles}
    wanted |= {role: pl.String() for role in _PAIR if role in roles and found.one.formatting == "alpaca"}
    if "kto_tag" in roles:
        wanted["kto_tag"] = pl.Boolean()  # type: ignore[assignment]
    for role, kind in wanted.items():
        name = found.one.columns.get(role)
        has = found.schema.get(name or "")
        if name is None or has is None or name in found.mixed or isinstance(has, pl.Null | type(kind)):
            continue
        if role == "tools" and found.one.formatting == "openai":
            continue
        words = {"kto_tag": "true or false"}.get(role, "text")
        message = f"columns: {role}: {name!r} holds {_word(has)} where {words} is needed"
        yield "error", message, f"Write {'true and false' if role == 'kto_tag' else 'texts'} there."


def _dates(found: Survey, stage: str) -> Iterator[Said]:
    """Texts that upstream's loader takes for dates."""
    for role in _read(found, stage):
        if (name := found.one.columns.get(role)) in found.dates:
            message = f"columns: {role}: {name!r} holds nothing but dates, which upstream's loader makes no texts"
            yield "error", message, "Write them as in a sentence, or the year last."


def _word(kind: pl.DataType) -> str:
    if isinstance(kind, pl.List):
        return "lists"
    if isinstance(kind, pl.Struct):
        return "objects"
    if isinstance(kind, pl.Boolean):
        return "true and false"
    return "numbers" if kind.is_numeric() else "texts" if isinstance(kind, pl.String) else "times"


def _keys(found: Survey) -> Iterator[Said]:
    """The two keys of a turn, by which upstream asks: KeyError where no turn has them."""
    name = found.one.columns.get("messages")
    if found.one.formatting == "alpaca" or not name or name not in found.schema:
        return
    known = row_rules.keys(found.schema[name])
    if not known:
        return
    for tag in ("role_tag", "content_tag"):
        key = found.one.tags.get(tag)
        if key in known:
            continue
        if {"role", "content"} <= known:
            hint = (
                'These are OpenAI\'s messages: add "tags": {"role_tag": "role", "content_tag": "content", "user_tag": '
                '"user", "assistant_tag": "assistant", "observation_tag": "tool", "function_tag": "function_call", '
                '"system_tag": "system"}.'
            )
        else:
            hint = f"{did_you_mean(str(key), known)} Name it in tags."
        yield "error", f"tags: {tag}: no turn has a key {key!r}", hint


def _strange_tags(found: Survey) -> Iterator[Said]:
    """Speakers whose tag the entry does not know."""
    known = {str(tag) for tag in found.one.roles if tag}
    strange = {tag: number for tag, number in found.tags.items() if tag not in known}
    if not strange:
        return
    shown = sorted(repr(tag) for tag in strange if tag in _TAGS)
    named = f" ({', '.join(shown)})" if shown else ""
    unseen = sorted(tag for tag in ("user_tag", "assistant_tag") if not found.tags[str(found.one.tags.get(tag))])
    message = f"{sum(strange.values())} turns have speakers that tags does not know{named}"
    yield "error", message, f"Correct tags: {', '.join(unseen)}." if unseen else "Name them in tags, or convert again."
