"""``llf-kit quality``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.quality.corrections import Applied


@click.command()
@click.argument("name")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the page and the sheet; that of the data "
              "when not given.")  # fmt: skip
@click.option("--html", "page", type=click.Path(path_type=Path), help="Where the page goes; .llf-kit/quality/NAME.html "
              "when nothing else is asked for.")  # fmt: skip
@click.option(
    "--excel", type=click.Path(path_type=Path), help="Write the rows that need a person into a sheet to edit."
)
@click.option("--apply", "edited", type=click.Path(path_type=Path), help="Read an edited sheet back and correct the "
              "dataset by it.")  # fmt: skip
@click.option("--judge", metavar="URL", help="Have a model judge the rows, too: an OpenAI-compatible endpoint such as "
              "http://127.0.0.1:8000/v1. Its key is read from the environment: LLF_KIT_JUDGE_KEY.")  # fmt: skip
@click.option("--judge-model", metavar="MODEL", help="The name of that model there.")
@click.option("--judge-unmasked", metavar="NAME", help="Send this dataset to the judge although its identifiers were "
              "not masked at conversion.")  # fmt: skip
@_options.as_json
def command(
    name: str,
    lang: Any,
    page: Path | None,
    excel: Path | None,
    edited: Path | None,
    judge: str | None,
    judge_model: str | None,
    judge_unmasked: str | None,
    as_json: bool,
) -> None:
    """Show what a dataset is worth, and which rows need a person.

    Scores, lengths, labels, units, flags, contradictions, duplicates and leaks, on a page and as JSON; the rows that
    need a person in a sheet that can be edited and read back. It shows texts of your data, identifiers masked.
    """
    from llf_kit import quality
    from llf_kit.project import load_settings, private_directory, write_text
    from llf_kit.quality import corrections, pages, sheet
    from llf_kit.registered import converted

    here = Path.cwd()
    if edited:
        applied = corrections.apply(here, name, edited)
        if as_json:
            _options.print_json(applied.to_dict())
        else:
            _show(applied)
        return
    endpoint = quality.Endpoint.given(judge, judge_model) if judge else None
    if endpoint and judge_unmasked != name:
        converted.check_masked(here, name)
    report = quality.look(here, name, load_settings(here), lang, endpoint)
    if page is None and not excel and not as_json:
        page = private_directory(here) / "quality" / f"{name}.html"
    if page:
        write_text(page, pages.html(report), mode=0o600)
    if excel:
        listed = sheet.write(report, excel)
        if listed < len(report.persons):
            left = f"{listed} most urgent of {len(report.persons)} rows"
            say(f"  the sheet has the {left}; settle them, then make another")
    if as_json:
        _options.print_json(report.figures)
        return
    for line in report.lines():
        say(f"  {line}")
    for written in filter(None, (page, excel)):
        say(f"  written   {written}")
    if not excel and report.persons:
        say(f"next: llf-kit quality {name} --excel {name}.xlsx")


def _show(applied: Applied) -> None:
    say(f"kept {applied.kept}, edited {applied.edited}, dropped {applied.dropped}, undecided {applied.undecided}; "
        f"{applied.rows} rows now")  # fmt: skip
    if applied.masked:
        say("  masked    " + "; ".join(f"{number} × {kind}" for kind, number in applied.masked.items()))
    for place, change in applied.changes:
        say(f"  {place}  {change}")
    if applied.listed:
        say(f"  before and after each stand in {applied.listed}")
