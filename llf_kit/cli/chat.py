"""``llf-kit chat``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _checking, _options
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.upstream.client import Client, Message


@click.command()
@_options.place
@_options.overrides
@_options.backend
@_checking.no_check
def command(place: Path, overrides: tuple[str, ...], backend: str | None, no_check: bool) -> None:
    """Talk to a tuned model on this terminal.

    RUN is the output_dir of a training, one of its checkpoints, or the folder of a merged model: base, template,
    system prompt and thinking are those of the training.
    """
    from llf_kit.upstream import chat

    tuned = _checking.tuned(place, overrides, backend, no_check)
    say("loading the model …")
    with chat(tuned, directory=Path.cwd()) as model:
        say("`clear` begins a new conversation, `exit` ends; Ctrl-C stops an answer")
        _talk(model)


def _talk(model: Client) -> None:
    """Until ``exit``, the end of input, or Ctrl-C at a question."""
    if sys.stdin.isatty():
        import readline  # noqa: F401 - lines that can be edited and called back
    so_far: list[Message] = []
    while (question := _question()) is not None:
        if question.strip() == "clear":
            so_far = []
        elif question.strip():
            asked = [*so_far, {"role": "user", "content": question}]
            answer = _answer(model, asked)
            so_far = so_far if answer is None else [*asked, {"role": "assistant", "content": answer}]


def _question() -> str | None:
    while True:
        try:
            said = input("\nUser: ")
        except (EOFError, KeyboardInterrupt):
            click.echo()
            return None
        except UnicodeDecodeError:
            say("that was not UTF-8: set the terminal's encoding to it")
            continue
        return None if said.strip() == "exit" else said


def _answer(model: Client, asked: list[Message]) -> str | None:
    """What the model says, shown as it comes; None where Ctrl-C has stopped it."""
    click.echo("Assistant: ", nl=False)
    said = ""
    try:
        for piece in model.stream(asked):
            click.echo(piece, nl=False)
            said += piece
    except KeyboardInterrupt:
        click.echo(" …")
        return None
    click.echo()
    return said
