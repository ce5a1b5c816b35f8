"""``llf-kit evaluate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llf_kit.cli import _options
from llf_kit.cli._options import say

if TYPE_CHECKING:
    from llf_kit.evaluation.gate import Judgement
    from llf_kit.evaluation.given import Given
    from llf_kit.project import Settings

_KINDS = ["choice", "json", "number", "label", "text"]


@click.command()
@click.argument("run", required=False)
@_options.overrides
@click.option("--predictions", "file", type=click.Path(path_type=Path), help="A file of predictions: "
              "LLaMA-Factory's generated_predictions.jsonl, as it is.")  # fmt: skip
@click.option("--probes", type=click.Path(path_type=Path), help="A file of questions with exact values; they are found "
              "by their words in the prompts.")  # fmt: skip
@click.option("--dataset", metavar="NAME", help="The dataset that was asked: each prediction is brought to its row.")
@click.option("--kind", type=click.Choice(_KINDS), help="What is asked in every row; else each row's wanted answer "
              "says it.")  # fmt: skip
@click.option("--label", "labels", multiple=True, metavar="TEXT", help="One of the labels that an answer is out of.")
@click.option("--answer-format", metavar="PATTERN|FILE.json", help="What every answer has to look like: a regular "
              "expression, or a JSON schema.")  # fmt: skip
@click.option("--trained-on", "training", multiple=True, metavar="NAME", help="A dataset that the model was trained "
              "on: refuse a --dataset that overlaps with it.")  # fmt: skip
@click.option("--allow-overlap", "allowed", multiple=True, metavar="NAME", help="Measure on this dataset although "
              "training has seen rows of it.")  # fmt: skip
@click.option("--efficiency", is_flag=True, help="Measure what answers cost, too: time, speed, memory, size on "
              "disk; of a tuned model beside its base.")  # fmt: skip
@click.option("--stability", "times", type=click.IntRange(min=2), metavar="N", help="Ask some questions N times, and "
              "in other words, and measure how far the answers agree.")  # fmt: skip
@click.option("--unmasked", metavar="NAME", help="Send this dataset to an endpoint of another machine although its "
              "identifiers were not masked at conversion.")  # fmt: skip
@click.option("--gate", is_flag=True, help="Exit status 1 where a threshold of llf-kit.yaml (gate:) is not reached.")
@click.option("--threshold", "thresholds", multiple=True, callback=_options.pairs, metavar="METRIC=VALUE",
              help="A threshold of the gate, besides those of llf-kit.yaml.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), help="Write the evaluation with every row, as JSON; it "
              "holds texts of your data.")  # fmt: skip
@_options.as_json
def command(
    run: str | None,
    overrides: tuple[str, ...],
    file: Path | None,
    probes: Path | None,
    dataset: str | None,
    kind: Any,
    labels: tuple[str, ...],
    answer_format: str | None,
    training: tuple[str, ...],
    allowed: tuple[str, ...],
    efficiency: bool,
    times: int | None,
    unmasked: str | None,
    gate: bool,
    thresholds: dict[str, str],
    output: Path | None,
    as_json: bool,
) -> int:
    """Measure what a model answered, and how sure that is.

    RUN is asked its test set first, and what it answered before is not asked again: the folder of a run or a model,
    base:RUN, a YAML, http://host/v1#MODEL (its key in LLF_KIT_ENDPOINT_KEY), or a folder with predictions.

    Values and units, choices, labels, numbers, JSON and texts are measured where the wanted answers allow it; what was
    not scored is said and is not zero.
    """
    from llf_kit.cli import _asking
    from llf_kit.evaluation import entrants, measuring, overlap, predictions, scoring
    from llf_kit.evaluation import given as answered
    from llf_kit.evaluation import probes as probing
    from llf_kit.evaluation.asking import Extras
    from llf_kit.evaluation.gate import check
    from llf_kit.project import load_settings

    here = Path.cwd()
    settings = load_settings(here)
    wanted = _thresholds(settings, thresholds)
    if gate:
        check(wanted)
    if (file is None) == (run is None):
        raise click.UsageError(
            "Name a folder with predictions, a run or a model, or a file of predictions: --predictions FILE."
        )
    asked = probing.load(probes) if probes else []
    measured = None
    if run is not None and not predictions.answered(Path(run)):
        measured = _asking.ask(
            run, overrides, dataset, trained_on=training, allowed=allowed, unmasked=unmasked,
            extras=Extras(efficiency, times or 0),
            surprise=measuring.with_likelihood(replace(settings, gate=wanted)),
        )  # fmt: skip
        given = measured.given
    elif efficiency or times:
        raise click.UsageError("--efficiency and --stability need somebody to ask, and predictions are no one.")
    else:
        given = answered.from_file(here, file or Path(str(run)), dataset, training)
        if dataset and given.training and (seen := overlap.refuse(here, dataset, given.training, allowed)):
            given.notes.append(f"{dataset}: {seen} of its rows stand in the training data, as --allow-overlap permits.")
    if probes:
        given = answered.with_probes(given, asked, probes)
    evaluation = scoring.evaluate(
        given.rows,
        name=given.name,
        dataset=given.dataset,
        probing=asked,
        wanted=scoring.Wanted(kind, labels, answer_format or settings.answer_format),
        lacking=given.lacking,
    )
    if measured:
        evaluation = measured.completed(evaluation)
    verdicts: list[Judgement] = []
    if gate:
        evaluation, verdicts = scoring.judged(evaluation, wanted)
    if output:
        entrants.save(output, evaluation)
    if as_json:
        _options.print_json(evaluation.to_dict())
    else:
        from llf_kit.cli import _evaluation

        _evaluation.show(evaluation)
        _asking.show(evaluation.details)
    _tell(given, output, as_json)
    for verdict in verdicts:
        click.secho(f"  gate  {'passed' if verdict.passed else 'FAILED'}  {verdict.text}", err=True,
                    fg=None if verdict.passed else "red")  # fmt: skip
    if gate and evaluation.partial:
        click.secho(f"  gate  FAILED  {evaluation.partial}", err=True, fg="red")
    return int(evaluation.gate == "failed")


def _thresholds(settings: Settings, given: dict[str, str]) -> dict[str, float]:
    try:
        return {**settings.gate, **{name: float(value) for name, value in given.items()}}
    except ValueError:
        raise click.UsageError("--threshold: a value is no number. Write METRIC=NUMBER.") from None


def _tell(given: Given, output: Path | None, as_json: bool) -> None:
    for note in given.notes:
        say(f"  note  {note}")
    if output and not as_json:
        say(f"  written   {output}")
