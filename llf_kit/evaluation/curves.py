"""Would more data help (a learning curve), and how much hangs on the split (cross-validation)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from llf_kit.errors import ConfigError, UsageError
from llf_kit.evaluation import subsets
from llf_kit.evaluation.comparison import Spread
from llf_kit.evaluation.runs import LOSS, Planned, Ran, Table, folder_of, plan, spreads
from llf_kit.evaluation.wording import LANGUAGES, number, said
from llf_kit.upstream.configs import Config
from llf_kit.upstream.dataset_entries import entries, named, names
from llf_kit.upstream.loading import rows

# From the second largest size to the largest: a gain of less than this share is flat. Between two seeds of the same
# small fine-tuning the validation loss differs by about as much.
RISING = 0.02
_FOLD = re.compile(r"_fold[0-9]+$")


def plan_curve(base: Config, sizes: Sequence[float], seeds: Sequence[int] = ()) -> list[Planned]:
    """A run a size (and seed): the share ``sizes`` of the rows, the small ones within the big.

    Raises:
        UsageError: a size is no share.
        ConfigError: the YAML trains nothing, holds nothing out, or its rows are not here.
    """
    if len(set(sizes)) < 2 or not all(0 < size <= 1 for size in sizes):
        raise UsageError(
            "--sizes: give two or more shares of the rows, each above 0 and at most 1, such as 0.25,0.5,1."
        )
    folder = folder_of(base, "curve")
    seed = base.values.get("seed", 42)
    made, validated = subsets.write(base, folder / "data", sorted(set(sizes)), int(seed))
    shared = {"dataset_dir": str(folder / "data"), "eval_dataset": validated, "val_size": None, "do_eval": True,
              "max_samples": None}  # fmt: skip
    return [
        plan(base, folder, f"size_{size:g}" + (f"_seed_{one}" if seeds else ""), f"{size:g}", count,
             {**shared, "dataset": dataset, "seed": one})
        for size, (dataset, count) in made.items()
        for one in (seeds or [seed])
    ]  # fmt: skip


def plan_folds(base: Config) -> list[Planned]:
    """A run a fold: trained on the others, validated on it. The folds are those of ``convert --folds K``.

    Raises:
        ConfigError: there are no folds, or the YAML trains nothing.
    """
    directory = Path(str(base.values.get("dataset_dir", "data")))
    stems = list(dict.fromkeys(_FOLD.sub("", name) for name in names(base.values.get("dataset"))))
    known = entries(directory)
    folds = sorted((name for name in known if _FOLD.search(name) and _FOLD.sub("", name) in stems),
                   key=lambda name: (stems.index(_FOLD.sub("", name)), int(name.rpartition("_fold")[2])))  # fmt: skip
    if len(stems) != 1 or len(folds) < 2:
        shown = stems[0] if len(stems) == 1 else "NAME"
        raise ConfigError(f"{base.path}: one dataset with folds is needed, such as {shown}_fold1 and {shown}_fold2. "
                          f"Convert with --name {shown} --folds 5.")  # fmt: skip
    counts = {one.name: sum(1 for file in one.files for _ in rows(file))
              for one in named({"dataset": ",".join(folds)}, directory)}  # fmt: skip
    folder = folder_of(base, "crossval")
    made = []
    for fold in folds:
        others = [name for name in folds if name != fold]
        settings = {"dataset": ",".join(others), "eval_dataset": fold, "val_size": None, "do_eval": True}
        name = fold.removeprefix(f"{stems[0]}_")
        made.append(plan(base, folder, name, name, sum(counts.get(one, 0) for one in others), settings))
    return made


def curve(runs: Sequence[Ran], metric: str = LOSS) -> Table:
    """The table of a learning curve, smallest size first, and whether it still rises."""
    groups = spreads(runs, metric)
    measured = [(group, one) for group, one in groups.items() if one is not None]
    counts = {one.group: one.rows for one in runs}
    if len(measured) < 2 or measured[-1][0] != runs[-1].group:
        return _table(metric, groups, counts, runs, "curve_unknown")
    (small, before), (large, after) = measured[-2:]
    gain = (before.mean - after.mean) * (1 if metric == LOSS else -1)
    wide = max(before.deviation or 0.0, after.deviation or 0.0)
    rising = gain > RISING * abs(before.mean) and gain > wide
    return _table(
        metric, groups, counts, runs, "curve_rising" if rising else "curve_flat",
        small=counts[small], large=counts[large], before=_told(before), after=_told(after),
        least=f"{RISING:.0%}",
    )  # fmt: skip


def crossval(runs: Sequence[Ran], metric: str = LOSS) -> Table:
    """The table of a cross-validation: a fold a row, and all of them together in the sentence."""
    groups = spreads(runs, metric)
    counts = {one.group: one.rows for one in runs}
    together = spreads([Ran(one.name, "all", one.rows, one.output, one.result) for one in runs], metric)["all"]
    if together is None or together.deviation is None:
        return _table(metric, groups, counts, runs, "folds_unknown")
    worst = max if metric == LOSS else min
    hardest = worst((one.mean, group) for group, one in groups.items() if one is not None)[1]
    return _table(
        metric, groups, counts, runs, "folds", mean=number(together.mean), deviation=number(together.deviation),
        low=number(together.low), high=number(together.high), runs_done=together.runs, hardest=hardest,
    )  # fmt: skip


def _table(
    metric: str,
    groups: dict[str, Spread | None],
    counts: dict[str, int],
    runs: Sequence[Ran],
    text: str,
    **values: object,
) -> Table:
    failed = sum(one.problem is not None for one in runs)
    sentences = {
        language: said(text, language, metric=metric, **values)
        + (said("failed_runs", language, failed=failed, runs=len(runs)) if failed else "")
        for language in LANGUAGES
    }
    return Table(metric, groups, counts, tuple(runs), sentences)


def _told(one: Spread) -> str:
    return number(one.mean) if one.deviation is None else f"{number(one.mean)} ± {number(one.deviation)}"
