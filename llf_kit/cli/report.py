"""``llf-kit report``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from llf_kit.cli import _options, _progress
from llf_kit.cli._options import say


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@_options.overrides
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="What to ask, the first is what the verdict "
              "is about; the test sets of the training data when not given.")  # fmt: skip
@click.option("--base", default="base", metavar="WHO", help="With whom to compare: the run's own base, another run, or "
              "a model.")  # fmt: skip
@click.option("--general", is_flag=True, help="Ask 112 shipped general questions too, to see what was forgotten.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the page; that of the questions when not "
              "given.")  # fmt: skip
@click.option("--html", "page", type=click.Path(path_type=Path), help="Where the page goes; RUN/report.html when not "
              "given.")  # fmt: skip
@click.option("--efficiency", is_flag=True, help="Serve both models and measure what answers cost: seconds, memory.")
@click.option("--stability", "times", type=click.IntRange(min=2), metavar="N", help="Ask some questions N times and in "
              "other words: are the answers the same?")  # fmt: skip
@_options.as_json
def command(
    run: Path,
    overrides: tuple[str, ...],
    datasets: tuple[str, ...],
    base: str,
    general: bool,
    lang: Any,
    page: Path | None,
    efficiency: bool,
    times: int | None,
    as_json: bool,
) -> None:
    """Show on one page whether a run is better than its base.

    RUN is the output_dir of a training. Both models answer the datasets; what they answered before is not asked again.
    The page has the verdict, intervals, loss curves and the answers side by side, and holds texts of your data.
    """
    from llf_kit.evaluation.asking import Extras
    from llf_kit.evaluation.gate import check
    from llf_kit.evaluation.predict import Watch
    from llf_kit.evaluation.report import gather
    from llf_kit.evaluation.report import general as questions
    from llf_kit.evaluation.report import page as pages
    from llf_kit.project import load_settings, write_text

    if base.startswith(("http://", "https://")):
        raise click.UsageError("--base: give a run or a model of this machine. Endpoints are for llf-kit compare.")
    here = Path.cwd()
    thresholds = load_settings(here).gate
    if thresholds:
        check(thresholds)
    if general:
        _register(here, questions.NAME)
    with _progress.shown() as progress:
        report = gather.gather(here, run, datasets, overrides=overrides, general=general, base=base, gate=thresholds,
                               language=lang,
                               extras=Extras(efficiency, times or 0),
                               watch=Watch(progress.status, progress.report))  # fmt: skip
    page = page or run / "report.html"
    write_text(page, pages.html(report), mode=0o600)
    if as_json:
        _options.print_json(report.to_dict())
        return
    for one in report.asked:
        if one.comparison:
            say(one.comparison.sentences[report.language])
    if report.fit:
        say(report.fit.sentences[report.language])
    say(f"  written   {page}")


def _register(here: Path, name: str) -> None:
    """The general questions as a dataset of this project, where they are none yet."""
    from llf_kit import dataset_info
    from llf_kit.convert import Plan, convert
    from llf_kit.project import shipped

    if name not in dataset_info.load(here):
        convert(Plan(name, (shipped(f"datasets/{name}.jsonl"),)), here)
