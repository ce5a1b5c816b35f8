"""Which column plays which role, by its name, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from llf_kit.errors import UsageError, did_you_mean
from llf_kit.schema import SIMPLIFIED

# Names as `_plain` leaves them, the surer first. A column is taken once, in the order of this table, so that `input` is
# the question beside `output` and the context beside `instruction`.
ROLES: dict[str, tuple[str, ...]] = {
    "messages": (
        *("messages", "conversations", "conversation", "dialogue", "dialog"),
        *("对话", "对话内容", "对话记录", "会话", "会话内容", "聊天记录"),
    ),
    "history": ("history", "历史", "历史对话", "对话历史"),
    "system": ("system", "systemprompt", "系统提示", "系统提示词", "系统指令"),
    "chosen": (
        *("chosen", "chosenresponse", "responsechosen", "preferred", "accepted", "better", "betteranswer"),
        *("preferredoutput", "responsej"),
        *("更好的回答", "较好的回答", "较好回答", "优选回答", "优质回答", "好回答", "正例"),
    ),
    "rejected": (
        *("rejected", "rejectedresponse", "responserejected", "dispreferred", "worse", "worseanswer"),
        *("nonpreferredoutput", "responsek"),
        *("较差的回答", "较差回答", "更差的回答", "拒绝回答", "差回答", "反例"),
    ),
    "answers": (
        *("answers", "responses", "completions", "candidates", "outputs", "generations", "replies"),
        *("answerlist", "replylist", "responselist"),
        *("候选回答", "候选答案", "多个回答", "回答列表", "答案列表"),
    ),
    "question": (
        *("问题", "提问", "题目", "题干", "试题", "咨询", "咨询内容", "咨询问题", "问句", "问", "患者提问", "用户提问"),
        *("用户问题", "用户输入", "病人提问", "标准问题", "标准问", "问题描述", "问题内容", "题目内容", "指令"),
        *("question", "instruction", "instruct", "query", "prompt", "ask", "problem", "user", "q", "userinput", "ques"),
        "questions",
        *("human", "stem", "input", "message"),
        *("patient", "患者", "病人"),
        *("标题", "title"),  # where there is nothing else to ask
    ),
    "answer": (
        *("答案", "回答", "解答", "答复", "回复", "答", "参考答案", "标准答案", "正确答案", "专家回复", "专家回答"),
        *("专家解答", "标准回复", "标准回答", "医生回答", "医生回复", "回答内容", "答案内容", "回复内容", "问题答案"),
        *("试题答案", "正确选项", "参考选项", "标准选项", "处理措施", "处理方法", "解决方法", "解决方案", "处理意见"),
        *("longanswer", "answer", "output", "response", "reply", "completion", "assistant", "correctanswer", "a"),
        *("bestanswer", "referenceanswer", "groundtruth", "gpt", "bot", "ans", "target"),
        *("doctor", "医生", "医师"),
        *("answeridx", "answerkey", "cop"),  # of multiple choice, a letter or a number
        *("解析", "答案解析", "explanation"),  # where there is no other answer
    ),
    "title": ("标题", "title"),
    "pairs": ("qapairs", "qas", "qalist", "qa", "问答", "问答对"),
    "options": ("选项", "备选项", "备选答案", "options", "choices", "option"),
    "explanation": ("解析", "答案解析", "试题解析", "解释", "explanation", "rationale", "analysis", "解题思路", "exp"),
    "thought": (
        *("complexcot", "cot", "chainofthought", "reasoning", "reasoningcontent", "think", "thinking", "thought"),
        *("思维链", "思考过程", "推理过程", "思考", "推理"),
    ),
    "context": (
        *("背景", "补充", "补充说明", "病情描述", "描述", "病例", "病例摘要", "输入"),
        *("context", "contexts", "input", "background", "description", "case"),
    ),
    "tools": ("tools", "functions", "工具"),
    "desirable": ("ktotag", "desirable", "isdesirable"),
    "winner": ("winner", "preference", "betterresponse", "更优回答", "更优", "优胜"),
    "scores": ("scores", "ratings", "rating", "ranks", "ranking", "得分", "评分", "排名"),
    "label": (
        *("子场景", "场景", "类别", "分类", "类型", "科室", "主题", "标签", "专业"),
        *("label", "category", "scene", "topic", "department", "class", "type", "subject"),
    ),
    "text": (
        *("text", "content", "passage", "paragraph", "document", "article", "body", "abstract"),
        *("正文", "全文", "文本", "内容", "段落", "文章", "摘要"),
    ),
}
LETTERS = "ABCDEFGH"
PLACES = "0123456789" + LETTERS.lower()
OPTION_ROLES = tuple(f"option {letter}" for letter in LETTERS)
NUMBERED = tuple(f"{what} {place}" for what in ("answer", "score", "rank") for place in PLACES)
# Columns that hold a judgement when their values say so (see values.py); their names alone do not.
MAY_JUDGE = frozenset(
    (
        *("label", "feedback", "quality", "thumbs", "vote", "rating", "liked", "good", "isgood", "correct", "accepted"),
        *("标签", "好坏", "评价", "质量", "反馈", "是否合格", "是否采纳", "是否正确", "是否满意", "judgement"),
    )
)

_OPTION = re.compile(rf"(?:选项|option|opt|op|choice)?([{LETTERS.lower()}])(?:选项|option)?")
_NUMBERED = {
    "answer": re.compile(rf"(?:answer|response|output|completion|reply|model|回答|答案|回复)([{PLACES}])"),
    "score": re.compile(rf"(?:score|rating|得分|评分|分数)([{PLACES}])"),
    "rank": re.compile(rf"(?:rank|排名|排序|名次)([{PLACES}])"),
}
# Columns that hold who it was, unless their values say that they hold what was said (see values.py)
PERSONS = frozenset(("patient", "doctor", "患者", "病人", "医生", "医师"))
# Names that may as well hold a person or a thing, beside a surer one
_LOOSE = PERSONS | {"user", "human", "assistant", "bot", "gpt", "target", "stem", "q", "a", "explanation", "解析"}
# How a heading ends that is one of a kind: `常见问题`, `专家答复`, `doctor_answer`
_ENDINGS = {
    "question": ("问题", "提问", "题目", "题干", "怎么问", "问法", "question", "query"),
    "answer": ("答案", "回答", "解答", "答复", "回复", "怎么答", "答法", "answer", "response", "reply"),
}
# Words that may stand beside a role's name in a heading: `Question text`, `答案内容`
_FILLERS = frozenset(("text", "content", "the", "内容", "文本", "详情", "正文"))


def assign(columns: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Role → column name: what was given, then what is found.

    Raises:
        UsageError: a given role is unknown.
    """
    for role in given:
        if role not in ROLES and role not in OPTION_ROLES and role not in NUMBERED:
            raise UsageError(f"--map {role}=…: there is no such role. {did_you_mean(role, ROLES)}")
    chosen = dict(given)
    free = {plain(name): name for name in columns if name not in given.values()}
    letters = [(match[1].upper(), name) for name in free if (match := _OPTION.fullmatch(name))]
    if len(letters) > 1 and "options" not in chosen:  # a lone `a` is an answer
        for letter, name in letters:
            chosen.setdefault(f"option {letter}", free.pop(name))
    for what, pattern in _NUMBERED.items():
        places = [(match[1], name) for name in free if (match := pattern.fullmatch(name))]
        if len(places) > 1:
            for place, name in sorted(places):
                chosen.setdefault(f"{what} {place}", free.pop(name))
    return find(free.values(), chosen, ROLES)


def find(columns: Iterable[str], given: Mapping[str, str], roles: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Role → column name: what was given, then what is found by the names in ``roles`` (as :func:`plain` leaves them).

    A column is taken once, in the order of ``roles``. A question or answer that none of them names is the one column
    whose heading ends like one.
    """
    chosen = dict(given)
    free = {plain(name): name for name in columns if name not in given.values()}
    for role, names in roles.items():
        if role not in chosen and (found := _find(names, free)):
            chosen[role] = free.pop(found)
    for role, endings in _ENDINGS.items():
        ending = [name for name in free if name.endswith(endings)]
        if role not in chosen and len(ending) == 1:
            chosen[role] = free.pop(ending[0])
    return chosen


def _find(names: tuple[str, ...], free: Mapping[str, str]) -> str | None:
    for name in names:
        if name in free:
            return name
    for key in free:
        if any(key.endswith(filler) and key.removesuffix(filler) in names for filler in _FILLERS):
            return key
    known = {*names, *_FILLERS}  # a heading in two languages, or of two words
    for key, column in free.items():
        words = re.findall(r"[a-z]+|[^\W\d_a-z]+|\d+", column.casefold().translate(SIMPLIFIED))
        if len(words) > 1 and set(words) <= known and set(words) - _FILLERS:
            return key
    return None


def others(role: str, columns: Iterable[str], chosen: Mapping[str, str]) -> tuple[str, ...]:
    """Free columns that could be ``role`` as well: a file of two schemas fills now one of them, now another."""
    free = {plain(name): name for name in columns if name not in chosen.values()}
    return tuple(free[name] for name in ROLES[role] if name in free and name not in _LOOSE)


def fitting(role: str, columns: Iterable[str]) -> str | None:
    """The column that most looks like ``role``, for a hint; None when none does."""
    named = {plain(name): name for name in columns}
    for known in ROLES[role]:
        if len(known) > 1 or not known.isascii():
            for name in named:
                if known in name:
                    return named[name]
    near = [match for known in ROLES[role] for match in get_close_matches(known, named, n=1, cutoff=0.75)]
    return named[near[0]] if near else None


def plain(name: str) -> str:
    """A heading without what varies between spellings: a number before it, case, spaces, brackets, old characters."""
    return re.sub(r"^\d+\s*[.、．]|[\s_\-:：*（）()]+", "", name).casefold().translate(SIMPLIFIED)
