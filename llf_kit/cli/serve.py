"""``llf-kit serve``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options
from llf_kit.cli._options import say


@click.command()
@_options.place
@_options.overrides
@_options.backend
@_checking.no_check
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; this machine alone by default."
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--name", default="llf-kit", show_default=True, help="Name of the model in the API.")
def command(
    place: Path, overrides: tuple[str, ...], backend: str | None, no_check: bool, host: str, port: int, name: str
) -> None:
    """Serve a tuned model as an OpenAI-compatible API.

    On this machine only, with a key, and without a log of questions. RUN is the output_dir of a training, one of its
    checkpoints, or the folder of a merged model: base, template, system prompt and thinking are those of the training.
    """
    from llf_kit.upstream import serve

    def ready(address: str, key: str, new: bool) -> None:
        say(f"ready: {address}  model {name!r}  (Ctrl-C ends it)")
        say(f"  key        {key}" if new else "  key        as before")
        say("  kept in    .llf-kit/api_key")
        if host not in ("127.0.0.1", "::1", "localhost"):
            say("  other machines reach it, and what they ask is not encrypted on the way")

    tuned = _checking.tuned(place, overrides, backend, no_check)
    say("loading the model …")
    serve(tuned, directory=Path.cwd(), host=host, port=port, name=name, on_ready=ready)
