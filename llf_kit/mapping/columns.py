"""Which column plays which role, by its name, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from llf_kit.errors import UsageError, did_you_mean

# Names as `_plain` leaves them, the surer first. A column is taken once, in the order of this table, so that `input` is
# the question beside `output` and the context beside `instruction`.
ROLES: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "conversations", "conversation", "dialogue", "dialog", "对话", "对话内容", "会话"),
    "history": ("history", "历史", "历史对话"),
    "system": ("system", "systemprompt", "系统提示", "系统提示词"),
    "question": (
        *("问题", "提问", "题目", "题干", "咨询", "咨询内容", "问", "患者提问", "用户提问"),
        *("question", "instruction", "instruct", "query", "prompt", "ask", "problem", "user", "q", "input"),
        *("标题", "title"),  # where there is nothing else to ask
    ),
    "answer": (
        *("答案", "回答", "解答", "答复", "回复", "答", "参考答案", "标准答案", "正确答案", "专家回复"),
        *("answer", "output", "response", "reply", "completion", "assistant", "correctanswer", "a"),
    ),
    "title": ("标题", "title"),
    "pairs": ("qapairs", "qas", "qalist", "问答", "问答对"),
    "options": ("选项", "备选项", "备选答案", "options", "choices", "option"),
    "explanation": ("解析", "答案解析", "试题解析", "解释", "explanation", "rationale", "analysis", "解题思路"),
    "context": ("背景", "补充", "补充说明", "病情描述", "描述", "context", "input", "background", "description"),
    "label": (
        *("子场景", "场景", "类别", "分类", "类型", "科室", "主题", "标签", "专业"),
        *("label", "category", "scene", "topic", "department", "class", "type", "subject"),
    ),
}
LETTERS = "ABCDEFGH"
OPTION_ROLES = tuple(f"option {letter}" for letter in LETTERS)
# The traditional characters of the names above
_SIMPLIFIED = str.maketrans(
    "問題詢諮覆選項類別標對話會歷專業幹補充說備場參正確統", "问题询咨复选项类别标对话会历专业干补充说备场参正确统"
)
_OPTION = re.compile(rf"(?:选项|option|opt|choice)?([{LETTERS.lower()}])")


def assign(columns: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Role → column name: what was given, then what is found.

    Raises:
        UsageError: a given role is unknown.
    """
    for role in given:
        if role not in ROLES and role not in OPTION_ROLES:
            raise UsageError(f"--map {role}=…: there is no such role. {did_you_mean(role, ROLES)}")
    chosen = dict(given)
    free = {_plain(name): name for name in columns if name not in given.values()}
    letters = [(match[1].upper(), name) for name in free if (match := _OPTION.fullmatch(name))]
    if len(letters) > 1 and "options" not in chosen:  # a lone `a` is an answer
        for letter, plain in letters:
            chosen.setdefault(f"option {letter}", free.pop(plain))
    for role, names in ROLES.items():
        if role not in chosen and (found := [name for name in names if name in free]):
            chosen[role] = free.pop(found[0])
    return chosen


def others(role: str, columns: Iterable[str], chosen: Mapping[str, str]) -> tuple[str, ...]:
    """Free columns that could be ``role`` as well: a file of two schemas fills now one of them, now another."""
    free = {_plain(name): name for name in columns if name not in chosen.values()}
    return tuple(free[name] for name in ROLES[role] if name in free)


def fitting(role: str, columns: Iterable[str]) -> str | None:
    """The column that most looks like ``role``, for a hint; None when none does."""
    plain = {_plain(name): name for name in columns}
    for known in ROLES[role]:
        if len(known) > 1 or not known.isascii():
            for name in plain:
                if known in name:
                    return plain[name]
    near = [match for known in ROLES[role] for match in get_close_matches(known, plain, n=1, cutoff=0.75)]
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-:：*（）()]+", "", name).casefold().translate(_SIMPLIFIED)
