"""``llf-kit export``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options
from llf_kit.cli._options import say


@click.command()
@_options.place
@_options.overrides
@_checking.no_check
@click.option(
    "--gguf", is_flag=False, flag_value="auto", metavar="[TYPE]",
    type=click.Choice(["auto", "f32", "f16", "bf16", "q8_0"]),
    help="Also as one GGUF file, by llama.cpp's converter: auto, f32, f16, bf16 or q8_0.",
)  # fmt: skip
def command(place: Path, overrides: tuple[str, ...], no_check: bool, gguf: str | None) -> None:
    """Merge an adapter into its base, ready for other servers.

    RUN is the output_dir of a training; CONFIG.yaml may also quantise. What leaves is compared with what trained, and
    mended: end tokens, chat template, precision. Beside it: a Modelfile, commands for vLLM and SGLang, a model card.
    """
    from llf_kit.upstream import exporting

    tuned = _checking.tuned(place, overrides, None, no_check, leaves=True)
    left = exporting.export(tuned, gguf, on_status=say)
    say(f"done in {left.record.seconds:.0f} s: {left.record.output}")
    for line in left.mended:
        say(f"  {line}")
    if left.gguf:
        say(f"  gguf       {left.gguf}")
    say(f"  serve      llf-kit serve {left.record.output}, or as {exporting.SERVING} in it says")
