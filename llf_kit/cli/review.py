"""``llf-kit review``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llf_kit.cli import _asking, _options, _progress
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.evaluation.judge import Judged
    from llf_kit.evaluation.results import Metric
    from llf_kit.evaluation.review.agreement import Agreement
    from llf_kit.evaluation.review.preferences import Written
    from llf_kit.evaluation.review.scores import Duel, Result

_SHOWN = 10  # rows on which raters differ


@click.group()
def command() -> None:
    """Have people judge answers blindly, on Excel sheets."""


@command.command()
@click.argument("words", nargs=-1, required=True, metavar="RUN|FILE... [KEY=VALUE]...")
@click.option("--name", required=True, help="What the review is called.")
@click.option("--dataset", metavar="NAME", help="What to ask those who have not answered yet, and what was asked "
              "where files do not say, as those of LLaMA-Factory; else the test set of the first run.")  # fmt: skip
@click.option("--raters", default="1", show_default=True, metavar="NAME,NAME", help="Who judges: a sheet each.")
@click.option("--rows", type=click.IntRange(1), help="Draw so many questions, every sub-scenario by its share; all of "
              "them when not given.")  # fmt: skip
@click.option("--seed", type=int, default=42, show_default=True, help="The same seed draws the same questions.")
@click.option("--wanted", is_flag=True, help="Show the answer that the dataset has, too.")
@click.option(
    "--lang", type=click.Choice(["zh", "en"]), help="Language of the sheets; that of the data when not given."
)
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(),
              help="The folder for the sheets; this one when not given.")  # fmt: skip
@click.option("--unmasked", metavar="NAME", help="Send this dataset to an endpoint elsewhere although its identifiers "
              "were not masked at conversion.")  # fmt: skip
@_options.as_json
def export(
    words: tuple[str, ...],
    name: str,
    dataset: str | None,
    raters: str,
    rows: int | None,
    seed: int,
    wanted: bool,
    lang: Any,
    folder: Path,
    unmasked: str | None,
    as_json: bool,
) -> None:
    """Write a blinded sheet for each rater.

    Two or more, asked the same questions: a RUN is the output_dir of a training, `base` (its base model), a model or
    http://host/v1#MODEL, and is asked what it has not answered yet; a FILE holds predictions. A KEY=VALUE holds for all
    that are asked: max_new_tokens=64. Identifiers are masked. Which answer is whose stays in .llf-kit/review; without
    it no sheet can be read back.
    """
    from llf_kit.evaluation.predict import Watch
    from llf_kit.evaluation.review.exporting import export as write

    names = [rater.strip() for rater in raters.replace("，", ",").split(",") if rater.strip()]
    runs, overrides = _options.words(words)
    with _progress.shown() as progress:
        made = write(
            Path.cwd(),
            runs,
            name,
            names,
            dataset=dataset,
            rows=rows,
            seed=seed,
            wanted=wanted,
            language=lang,
            folder=folder,
            overrides=overrides,
            leaving=lambda candidate, asked: _asking.check_leaving(candidate, asked, unmasked),
            watch=Watch(progress.status, progress.report),
        )
    if as_json:
        _options.print_json(made.to_dict())
        return
    say(f"{made.questions} questions, {len(made.models)} models: {', '.join(made.models)}")
    for label, number in made.scenarios.items():
        say(f"  {number:>5}  {label}")
    for why, number in made.left_out.items():
        say(f"  left out  {number} × {why}")
    for rater, path in made.sheets.items():
        say(f"  written   {path}  for {rater}")
    say(f"next: llf-kit review import {name} {' '.join(made.sheets.values())}")


@command.command("import")
@click.argument("name")
@click.argument("sheets", nargs=-1, required=True, metavar="SHEET...", type=click.Path(path_type=Path))
@click.option("--dataset", metavar="NAME", help="Write preference pairs for DPO: what was corrected or preferred, and "
              "what was not.")  # fmt: skip
@click.option("--sft", metavar="NAME", help="Write the corrected answers as a dataset to fine-tune on.")
@_options.as_json
def import_(name: str, sheets: tuple[Path, ...], dataset: str | None, sft: str | None, as_json: bool) -> None:
    """Read the sheets back: scores, agreement, wins, new data.

    Every slip is told with its cell, and nothing is counted before all are mended. Rows that a rater left out are no
    slip.
    """
    from llf_kit.evaluation.review import blinding, preferences, reading, scores

    here = Path.cwd()
    key = blinding.load(here, name)
    returned = reading.read(key, list(sheets))
    found = scores.result(key, returned)
    reading.keep(key, returned, here)
    wanted = {preferences.PAIRS: dataset, preferences.CORRECTIONS: sft}
    named = {format_: one for format_, one in wanted.items() if one}
    written = preferences.write(key, returned, here, named) if named else []
    if as_json:
        _options.print_json({**found.to_dict(), "written": [one.to_dict() for one in written]})
        return
    _show(found)
    for one in written:
        _show_written(one)


@command.command()
@click.argument("name")
@click.option("--judge", "url", required=True, metavar="URL", help="An OpenAI-compatible endpoint such as "
              "http://127.0.0.1:8000/v1. Its key is read from the environment: LLF_KIT_JUDGE_KEY.")  # fmt: skip
@click.option("--judge-model", metavar="MODEL", help="The name of the model there.")
@click.option("--judge-unmasked", "allowed", multiple=True, metavar="NAME", help="Send answers to questions of this "
              "dataset although its identifiers were not masked at conversion.")  # fmt: skip
@_options.as_json
def judge(name: str, url: str, judge_model: str | None, allowed: tuple[str, ...], as_json: bool) -> None:
    """Have a model judge the answers of a review, too.

    Scores every answer from 1 to 5 and asks in both orders which of two is better. Where sheets were imported, it tells
    how far the judge agrees with the experts. It goes on where it was stopped.
    """
    from llf_kit.endpoints import Endpoint
    from llf_kit.evaluation.judge import judge as ask
    from llf_kit.evaluation.review import blinding, reading
    from llf_kit.registered import converted

    here = Path.cwd()
    endpoint = Endpoint.given(url, judge_model)
    key = blinding.load(here, name)
    for dataset in sorted({question.place.rpartition(":")[0] or name for question in key.questions} - set(allowed)):
        converted.check_masked(here, dataset)
    judged = ask(key, reading.kept(key, here), endpoint, here)
    if as_json:
        _options.print_json(judged.to_dict())
    else:
        _show_judged(judged)


def _show(found: Result) -> None:
    say(f"{found.rated} of {found.questions} questions rated")
    for rater, counts in found.raters.items():
        say(f"  {rater}: " + ", ".join(f"{number} {what}" for what, number in counts.items()))
    say("agreement")
    for scale, one in found.agreement.items():
        say(f"  {scale:<10} {one.units:>4} rated twice or more{_agreed(one)}")
    _show_models(found.means, found.duels)
    for label, part in found.scenarios.items():
        duels = "; ".join(f"{one.first} {one.wins}:{one.losses} {one.second}" for one in part["duels"])
        say(f"  {label} ({part['questions']}): {duels}")
    if found.apart:
        say(f"{len(found.apart)} questions on which raters differ")
    for apart in found.apart[:_SHOWN]:
        points = [f"{where} by {number}" for where, number in apart.points.items()]
        ids = ", ".join(f"{rater} {id_}" for rater, id_ in apart.ids.items())
        say(f"  {apart.place or '–'} ({ids}): " + ", ".join([*(["better"] if apart.opposed else []), *points]))


def _show_models(means: dict[str, dict[str, Metric]], duels: list[Duel]) -> None:
    say("mean scores (1–5)")
    for model, scales in means.items():
        say(f"  {model}: " + ", ".join(f"{scale} {_number(metric)}" for scale, metric in scales.items()))
    for duel in duels:
        p = "" if duel.p is None else f"; sign test p = {duel.p:.3g}"
        say(f"{duel.first} against {duel.second}: {duel.wins} won, {duel.ties} tied, {duel.losses} lost; "
            f"won {_number(duel.won)} %, lost {_number(duel.lost)} %{p}")  # fmt: skip


def _show_judged(judged: Judged) -> None:
    say(f"{judged.judge} judged {judged.answers} answers and {judged.pairs} pairs")
    _show_models(judged.means, judged.duels)
    if judged.inconsistent is not None:
        leans = "" if judged.first is None else f", in {judged.first:.0f} % of them for the first answer"
        say(f"position bias: another answer in the other order for {judged.inconsistent:.1f} % of the pairs{leans}")
    if judged.experts is None:
        say("its agreement with experts is not known: no sheet of this review was imported")
    for scale, one in (judged.experts or {}).items():
        rank = "" if one.spearman is None else f"  Spearman {one.spearman:.3f}"
        say(f"  with experts on {scale:<10} {one.agreement.units:>4} judged by both{_agreed(one.agreement)}{rank}")
    if judged.partial:
        say(f"partial: {judged.partial} Run it again to go on.")


def _agreed(one: Agreement) -> str:
    said = "" if one.percent is None else f"  same {one.percent:.1f} %"
    for what, value in (("kappa", one.kappa), ("alpha", one.alpha)):
        said += "" if value is None else f"  {what} {value:.3f}"
    return said


def _number(metric: Metric) -> str:
    if metric.value is None:
        return "–"
    around = "" if metric.low is None else f" ({metric.low:.2f}–{metric.high:.2f})"
    return f"{metric.value:.2f}{around}"


def _show_written(one: Written) -> None:
    say(f"  written   {one.file}: {one.rows} rows ({one.format})")
    for why, number in one.left_out.items():
        say(f"    no row   {number} × {why}")
    for kind, number in one.masked.items():
        say(f"    masked   {number} × {kind}")
    if one.asked:
        say(f"  its questions stand in {', '.join(one.asked)}: do not measure there what was trained on {one.name}")
    template = "train/dpo" if one.format == "preference" else "train/lora_sft"
    say(f"next: llf-kit render {template} --set dataset={one.name} -o {one.name}.yaml")
