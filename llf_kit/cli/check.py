"""``llf-kit check``."""

from __future__ import annotations

from pathlib import Path

import click

from llf_kit.cli import _checking, _options
from llf_kit.cli._options import say


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="As an override on the command line.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--no-tokens", is_flag=True, help="Leave out what needs the tokenizer: counts, lengths, cut answers.")
@click.option("--fix", is_flag=True, help="Write the mends that take no judgement, and show them.")
@_options.as_json
def command(
    files: tuple[Path, ...], overrides: tuple[str, ...], strict: bool, no_tokens: bool, fix: bool, as_json: bool
) -> int:
    """Say all that is wrong before a GPU is paid for.

    YAML, dataset_info.json, rows, tokenizer and model together; without FILES, every YAML here that LLaMA-Factory
    would read. Exit status 1 if there is an error.
    """
    from llf_kit import checks

    chosen = files or checks.find(Path.cwd())
    if not chosen:
        raise click.UsageError("There is no YAML of LLaMA-Factory here. Name one.")
    found = checks.check_all(chosen, overrides, tokens=not no_tokens)
    if fix:
        for change, write in checks.mends(found):
            say(change)
            write()
        found = checks.check_all(chosen, overrides, tokens=not no_tokens)
    if as_json:
        _options.print_json([finding.to_dict() for finding in found])
    else:
        _checking.show(found, [str(file) for file in chosen])
    failing = ("error", "warning") if strict else ("error",)
    return int(any(finding.severity in failing for finding in found))
