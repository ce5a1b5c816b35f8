"""Thoughts: a template that reasons gives answers an empty one, or takes theirs away."""

from __future__ import annotations

from collections.abc import Iterator

from llf_kit.checks.counting import configured, training_rows
from llf_kit.checks.subject import Subject
from llf_kit.errors import DataError
from llf_kit.schema import ASSISTANT, Finding

NAME = "thinking"


def run(subject: Subject) -> Iterator[Finding]:
    """Findings about a template that reasons and the answers of the rows."""
    template = configured(subject)
    if template is None or not template.reasons or not subject.trains or subject.stage in ("pt", "ppo"):
        return
    answers = thoughts = 0
    try:
        for row in training_rows(subject):
            for role, content in (*row.prompt, *row.response) if row else ():
                if role == ASSISTANT:
                    answers += 1
                    thoughts += template.has_thought(content)
    except DataError:  # another check says so
        return
    opened = template.thought_words[0].strip()
    if answers and not thoughts and template.enable_thinking:
        message = f"template: {template.name} puts an empty thought before each answer, which is trained on"
        hint = f"Add enable_thinking: false, or put thoughts ({opened} …) into the answers."
        yield subject.finding(NAME, "warning", "template", message, hint)
    elif thoughts and template.enable_thinking is False:
        message = f"enable_thinking: false takes the thoughts out of {thoughts:,} of {answers:,} answers"
        yield subject.finding(NAME, "warning", "enable_thinking", message, "Remove it, or set it to true.")
