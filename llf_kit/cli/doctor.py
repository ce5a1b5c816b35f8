"""``llf-kit doctor``."""

from __future__ import annotations

import click

from llf_kit.cli import _options

_COLOURS = {"error": "red", "warning": "yellow", "info": None}


@click.command()
@_options.as_json
def command(as_json: bool) -> int:
    """Versions, devices, disks, network, and known-bad pairs.

    Exit status 1 where something will fail.
    """
    from llf_kit.doctor import examine

    found = examine()
    if as_json:
        _options.print_json([one.to_dict() for one in found])
    else:
        for one in found:
            text = f"{one.where}: {one.message}. {one.hint}".rstrip()
            click.secho(f"{one.severity:<8} {text}", fg=_COLOURS[one.severity])
    return int(any(one.severity == "error" for one in found))
