"""The command line: one thin module a verb, found by looking; each imports nothing but click until it is called."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback

import click

from llf_kit import __version__
from llf_kit.errors import LlfKitError, did_you_mean


class _Verbs(click.Group):
    """A group whose commands are the modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a module of ours without a command is our bug
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        verbs = self.list_commands(ctx)
        if args and args[0] not in verbs:
            raise click.UsageError(f"{args[0]!r}: there is no such verb. {did_you_mean(args[0], verbs)}", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="llf-kit")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def group() -> None:
    """From a laboratory's raw questions and answers to a fine-tuned domain expert, with LLaMA-Factory."""


def main() -> None:
    """Run the command line; the one place where errors become text and an exit status."""
    debug = "--debug" in sys.argv
    try:
        status = group.main(prog_name="llf-kit", standalone_mode=False)
    except LlfKitError as error:
        if debug:
            traceback.print_exc()
        for problem in error.problems:
            click.secho(f"error: {problem}", fg="red", err=True)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
