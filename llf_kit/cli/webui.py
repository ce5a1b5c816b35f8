"""``llf-kit webui``."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llf_kit.cli import _checking, _options, _prepared
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.schema import Language
    from llf_kit.upstream.presets import Preset
    from llf_kit.upstream.webui import Door


@click.command()
@click.argument("config", type=click.Path(path_type=Path), required=False)
@_options.overrides
@_checking.no_check
@click.option("--host", "--share-host", default="127.0.0.1", show_default=True,
              help="Address to listen on; this machine alone by default, any other needs --auth.")  # fmt: skip
@click.option("--port", default=7860, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--auth", metavar="NAME[:PASSWORD]", help="Ask for a login; a password is asked for, or made.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the page; by default that of the last time.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def command(
    config: Path | None,
    overrides: tuple[str, ...],
    no_check: bool,
    host: str,
    port: int,
    auth: str | None,
    lang: Language | None,
    no_browser: bool,
) -> None:
    """Open LLaMA Board with everything chosen.

    Model, template, method, dataset and all settings of the YAML; without one, the prepared dataset and the model of
    llf-kit.yaml. On this machine only.
    """
    from llf_kit import checks
    from llf_kit.checks.subject import has_gpu
    from llf_kit.upstream import configs, webui

    project = Path.cwd()
    named, colon, password = (auth or "").partition(":")
    if auth is not None and (not named or (colon and not password)):
        raise click.BadParameter(f"{auth!r} is not NAME or NAME:PASSWORD.", param_hint="--auth")
    webui.check_door(host, port, login=bool(named))
    path, name = (config, config.stem) if config else _prepared.config(project)
    changed = webui.overrides(configs.load(path, overrides).values, has_gpu())
    chosen = configs.load(path, (*overrides, *changed))
    _checking.first(chosen, checks.purpose(chosen), no_check)
    preset = webui.choose(chosen, name, project)
    for kept in webui.leave(chosen, preset, project, lang):
        say(f"data/dataset_info.json: names other data {kept}, and keeps it")
    door = webui.Door(host, port, (named, _password(named, password)) if named else None)
    _tell(preset, changed)

    def ready(address: str) -> None:
        say(f"ready: {address}  (Ctrl-C ends it, and a training on it)")
        for line in _from_elsewhere(door, config):
            say(line)
        if not no_browser and _has_screen():
            click.launch(address)

    def other_shape() -> None:
        say("this board is laid out in another way than llf-kit knows, so it opens as it is. On the page:")
        say(f"  1  Config path (配置路径): choose {preset.name}.yaml")
        say("  2  press Load arguments (载入训练参数)")

    say("opening the board …")
    webui.open_board(preset, door, project=project, on_ready=ready, on_other_shape=other_shape)


def _password(name: str, given: str) -> str:
    """The password as given, as asked for on a terminal, else made and shown once."""
    if given:
        say("warning: --auth: a password on the command line stands in the shell's history and the list of processes.")
        say(f"         Give --auth {name} alone; the password is then asked for, or made.")
        return given
    asked = ""
    if _options.at_terminal():
        asked = click.prompt(f"Password for {name} (empty: one is made)", default="", show_default=False,
                             hide_input=True, err=True)  # fmt: skip
    if asked:
        return asked
    made = secrets.token_urlsafe(12)
    say(f"  login      {name}")
    say(f"  password   {made}  (shown this once)")
    return made


def _tell(preset: Preset, changed: tuple[str, ...]) -> None:
    """What is chosen, and where it stands if not in a widget of its own."""
    dataset = preset.values.get("train.dataset") or preset.values.get("eval.dataset") or ["none"]
    say(f"  model      {preset.path} (template {preset.template or 'from the model'})")
    if not Path(preset.path).is_dir():
        say("             is no folder here: it is fetched from its hub as soon as it is used")
    say(f"  dataset    {', '.join(dataset)}")
    if precisions := [one.removesuffix("=false") for one in changed if one.endswith("=false")]:
        say(f"  precision  fp32: this machine shows no GPU for {', '.join(precisions)}")
    if preset.extra:
        say(f"  extra      {', '.join(preset.extra)}: without a widget, so in the extra arguments")
    if preset.left_out:
        say(f"  left out   {', '.join(preset.left_out)}: the board has no place for them")
    say(f"  saved as   llamaboard_config/{preset.name}.yaml")


def _from_elsewhere(door: Door, config: Path | None) -> Iterator[str]:
    """How to come here from another computer, ready to paste."""
    from llf_kit.upstream import ports

    if not ports.is_loopback(door.host):
        yield "  from elsewhere   the page and its password travel unencrypted: in a network you trust, or behind https"
        return
    # Where we came by ssh, it knows by which address and port.
    client = os.environ.get("SSH_CONNECTION", "").split()
    host, port = (client[2], client[3]) if len(client) == 4 else (socket.gethostname(), "22")
    by_port = "" if port == "22" else f"-p {port} "
    yield "  from elsewhere, by ssh; then open the same address there:"
    yield f"    ssh {by_port}-L {door.port}:{ports.bracketed(door.host)}:{door.port} {_user()}@{host}"
    yield "  on a rented machine that maps one port only, such as 6006:"
    yield f"    llf-kit webui {f'{config} ' if config else ''}--host 0.0.0.0 --port 6006 --auth {_user()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return "USER"


def _has_screen() -> bool:
    """Whether a browser would open before the user's eyes, and not in a text terminal or on another machine."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in screens)
