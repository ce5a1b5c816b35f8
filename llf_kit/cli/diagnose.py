"""``llf-kit diagnose``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say


@click.command()
@click.argument("cases", metavar="CASES", type=click.Path(path_type=Path))
@_options.overrides
@click.option("--map", "map_", multiple=True, metavar="ROLE=COLUMN", callback=_options.pairs,
              help="Which column is what: question, answer, answers, expected, prompt, symptom, information, steps, "
              "cares, documents.")  # fmt: skip
@click.option("--ask", "who", metavar="WHO", help="Have WHO answer the questions: a run, base:RUN, a model, or "
              "http://host/v1#MODEL. KEY=VALUE are settings of its generation, such as temperature=0.2.")  # fmt: skip
@click.option("--runs", type=click.IntRange(1), default=1, show_default=True, help="How often --ask asks each "
              "question, to see whether the answers agree; sample as you serve it: do_sample=true "
              "temperature=0.7.")  # fmt: skip
@click.option("--format", "wanted_format", metavar="PATTERN|SCHEMA.json", help="The format that answers should have: a "
              "regular expression, or the file of a JSON schema.")  # fmt: skip
@click.option("--excel", type=click.Path(path_type=Path), help="Write a sheet to fill in what only a person can say; "
              "give it as CASES when it is filled in.")  # fmt: skip
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write a page, with the texts of the cases.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of what is written; that of the questions when "
              "not given.")  # fmt: skip
@_options.as_json
def command(
    cases: Path,
    overrides: tuple[str, ...],
    map_: dict[str, str],
    who: str | None,
    runs: int,
    wanted_format: str | None,
    excel: Path | None,
    page: Path | None,
    lang: Any,
    as_json: bool,
) -> None:
    """Find out what is wrong with answers, why, and what helps.

    CASES is a spreadsheet, csv or JSONL: a question a row, with the answer that was given, the wanted one, and the
    symptom (不相关, 不够专业, 缺少针对性, 逻辑错误, 语气/格式不合适, 不够稳定, or in English). What can be measured is
    measured, and suggests a symptom where none is given. The means come in the order of their cost; fine-tuning is not
    always among them.
    """
    from llf_kit.diagnosis import diagnose, language_of, returned, rules, sheet
    from llf_kit.diagnosis import page as pages
    from llf_kit.errors import UsageError
    from llf_kit.project import write_text

    here = Path.cwd()
    if excel and excel.exists():
        raise UsageError(f"--excel {excel}: is there already, and may be filled in. Move it, or choose another name.")
    known = rules.load()
    read = returned.read(here, cases, map_, known, lang)
    language = lang or language_of(read)
    if who:
        from llf_kit.cli._diagnosis import ask

        read = ask(read, who, overrides, runs)
    elif overrides or runs > 1:
        raise UsageError("diagnose: KEY=VALUE and --runs are for --ask. Say who is to be asked: --ask WHO.")
    if not (excel or as_json):
        from llf_kit.cli._diagnosis import fill_in

        read = fill_in(read, known, language)
    found = diagnose(read, known, str(cases), language, wanted_format, shlex.join([who, *overrides]) if who else "")
    if excel:
        sheet.write(found, excel)
    if page:
        write_text(page, pages.html(found), mode=0o600)
    if as_json:
        _options.print_json(found.to_dict())
        return
    from llf_kit.cli._diagnosis import show

    show(found)
    for written in filter(None, (excel, page)):
        say(f"  written   {written}")
    say(f"next: llf-kit diagnose {shlex.quote(str(excel))}  (filled in)" if excel else f"next: {found.next}")
