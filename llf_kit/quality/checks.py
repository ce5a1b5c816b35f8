"""What other rooms find in the rows of a dataset that was written: flags, contradictions, near duplicates, leaks."""

from __future__ import annotations

import polars as pl

from llf_kit import dataset_info, registered
from llf_kit.errors import DataError
from llf_kit.evaluation import probes
from llf_kit.project import PROBES
from llf_kit.quality.words import Language
from llf_kit.registered import Registered
from llf_kit.schema import SAMPLE, USER
from llf_kit.screening import contamination, laboratory, near, quality

_ALIKE = 0.9  # the similarity from which on two rows are near duplicates
_ASIDE = ("_test", "_val")  # how the sets are named that training must not see


def flags(samples: pl.DataFrame) -> pl.DataFrame:
    """DataFrame of samples → ``flags`` added (see :mod:`llf_kit.schema`)."""
    return laboratory.stage(samples.lazy()).collect()


def say(kind: str, language: Language) -> str:
    """The kind of a flag in words."""
    return laboratory.KINDS.get(kind, kind) if language == "zh" else kind


def near_duplicates(samples: pl.DataFrame) -> list[list[int]]:
    """The places of rows that are nearly the same, each cluster of two or more."""
    texts = samples.select(pl.concat_str(*quality.said(), separator="\n", ignore_nulls=True)).to_series()
    return near.clusters(texts, _ALIKE)


def leaked(dataset: Registered, samples: pl.DataFrame) -> pl.Series:
    """Where a row's question stands among those that training must not see; null where it does not."""
    known = contamination.questions(_set_aside(dataset).lazy())
    asked = samples.lazy().with_columns(reason=pl.lit(None, dtype=pl.String))
    reasons = contamination.stage(asked, known).collect()["reason"]
    return reasons.str.strip_prefix(contamination.REASON)


def _set_aside(dataset: Registered) -> pl.DataFrame:
    """The samples of the test and validation sets of a dataset, and the probes of its project."""
    frames = [pl.DataFrame(schema=SAMPLE)]
    if not dataset.name.endswith(_ASIDE):
        entries = dataset_info.load(dataset.directory)
        names = [name for ending in _ASIDE if (name := dataset.name + ending) in entries]
        frames += [registered.samples(registered.find(dataset.directory, name)) for name in names]
        frames.append(_probes(dataset))
    return pl.concat(frames)


def _probes(dataset: Registered) -> pl.DataFrame:
    path = dataset.directory / PROBES
    try:
        found = probes.load(path) if path.is_file() else []
    except DataError:  # a file of that name that is none of ours
        found = []
    asked = [
        {"source": PROBES, "row": number, "messages": [{"role": USER, "content": probe.question}]}
        for number, probe in enumerate(found, start=1)
    ]
    return pl.DataFrame(asked, schema=SAMPLE)
