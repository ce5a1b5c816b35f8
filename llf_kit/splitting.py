"""Stage 5: train, validation and test, or folds. Rows that ask the same stand on one side, so that no answer leaks.

**Groups.** Rows with the same first question (white space apart) are one group, and so are rows whose first questions
are near duplicates. A group is never parted.

**Sides.** A question is digested with the seed as the key (BLAKE2b, 64 bits); the least digest of a group is its place
between 0 and 1, and the shares cut that line. So a side hangs on the seed, the shares and the group's own questions,
and on nothing else: not on the order of the rows, their files, or this version of Python and polars.

**Labels.** By chance a label gets more or less than its share, the fewer rows the more. Where a side of a label has
less than half or more than one and a half of what it should, as few groups as bring it back change sides, those nearest
to the border. Labels too small to give a row to every side are taken together as one.

**What stays where it is when rows come or go:** every row whose label needed no such correction before and after, and
whose group did not change. (A group that grows may get a lesser digest; one in two does when a second question joins
the first.) Within a corrected label only the rows nearest to the border can change sides.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from llf_kit.batches import beside, in_batches
from llf_kit.errors import DataError, UsageError

TRAIN = "train"
NEAR = 0.8  # from this similarity on, two first questions are one group
_MOST_FOLDS = 20
_NOISE = 1e-6  # of a row, out of adding shares
_SHOWN = 5  # labels of many
_ROWS = {"at": pl.UInt32(), "label": pl.String(), "digest": pl.UInt64()}


def parts(test: float = 0.0, val: float = 0.0, folds: int = 0) -> dict[str, float]:
    """The sides in the order in which they are written, and the share of each; they sum to 1.

    Raises:
        UsageError: shares or folds that cannot be; all problems at once.
    """
    problems = []
    for name, share in (("test", test), ("val", val)):
        if not 0 <= share < 1:
            problems.append(f"--{name} {share}: is not a share. Give a number from 0 to below 1, such as 0.1.")
    if not problems and test + val >= 1:
        problems.append(f"--test {test} --val {val}: leave nothing to train on. Give shares that sum to less than 1.")
    if folds and not 2 <= folds <= _MOST_FOLDS:
        problems.append(f"--folds {folds}: are none. Give a number from 2 to {_MOST_FOLDS}, such as 5.")
    if folds and val:
        problems.append("--folds --val: each fold is the validation set of a run. Leave --val out.")
    if problems:
        raise UsageError(*problems)
    trained = {f"fold{number}": (1 - test) / folds for number in range(1, folds + 1)} or {TRAIN: 1 - test - val}
    return trained | {name: share for name, share in (("val", val), ("test", test)) if share}


def first_question(messages: pl.Expr) -> pl.Expr:
    """What a conversation begins with."""
    return messages.list.first().struct.field("content")


def digests(questions: pl.Series, seed: int) -> pl.Series:
    """First questions → 64-bit digests (UInt64), keyed by ``seed``; white space does not count."""
    key = str(seed).encode()
    plain = questions.str.replace_all("[ \n\t]", "").to_list()
    made = (hashlib.blake2b(text.encode(), digest_size=8, key=key).digest() for text in plain)
    return pl.Series("digest", [int.from_bytes(digest) for digest in made], dtype=pl.UInt64)


def stage(
    samples: pl.LazyFrame, shares: dict[str, float], seed: int, alike: Sequence[Sequence[int]]
) -> tuple[pl.LazyFrame, list[str]]:
    """LazyFrame of samples → ``side`` added (UInt8): the place in ``shares`` of the set that a row goes to; and notes
    for people.

    ``alike`` are clusters of the samples that are kept, by their numbers among these. ``samples`` are run more than
    once: give what lies in a file.

    Raises:
        DataError: there are fewer groups than sets.
    """
    kept = pl.col("reason").is_null() & ~pl.col("duplicate")
    asked = samples.with_row_index("at").filter(kept).select("at", "label", question=first_question(pl.col("messages")))
    batches = [batch.select("at", "label", digests(batch["question"], seed)) for batch in in_batches(asked)]
    rows = pl.concat([pl.DataFrame(schema=_ROWS), *batches])
    side = sides(rows, alike, shares)
    count = samples.select(pl.len()).collect().item()
    every = pl.zeros(count, dtype=pl.UInt8, eager=True).scatter(rows["at"], side)
    notes = _untaught(rows.with_columns(side=side), list(shares))
    return beside(samples, every.alias("side").to_frame()), notes


def _untaught(rows: pl.DataFrame, sets: list[str]) -> list[str]:
    """A line on the labels that have no row to train on."""
    trained = [side for side, name in enumerate(sets) if name not in ("val", "test")]
    taught = rows.filter(pl.col("side").is_in(trained))["label"].unique()
    labels = rows.filter(~pl.col("label").is_in(taught.implode()))["label"].drop_nulls().unique().sort().to_list()
    if not labels:
        return []
    some = ", ".join(labels[:_SHOWN]) + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
    return [f"labels {some}: all their rows are held out, so training never sees them; add rows, or try another --seed"]


def sides(rows: pl.DataFrame, alike: Sequence[Sequence[int]], shares: dict[str, float]) -> pl.Series:
    """The side of every row (UInt8): the place of its name in ``shares`` (see :func:`parts`).

    ``rows`` are ``digest`` (see :func:`digests`) and ``label`` (String); ``alike`` are clusters of row numbers whose
    questions are near duplicates.

    Raises:
        DataError: there are rows, and fewer groups than sides.
    """
    grouped = rows.with_columns(group=_groups(rows["digest"], alike))
    # The least digest of a group leads it: its place on the line, and its label.
    led = grouped.sort("digest", "label").group_by("group", maintain_order=True)
    groups = led.agg(pl.len().alias("size"), pl.col("digest").first(), pl.col("label").first()).sort("digest")
    if groups.is_empty():
        return pl.Series(dtype=pl.UInt8)
    if groups.height < len(shares):
        few = f"{groups.height} questions" if groups.height != 1 else "one question"
        raise DataError(
            f"--test, --val, --folds: {few} cannot be shared out among {len(shares)} sets. "
            "Give more rows, or ask for fewer sets."
        )
    borders = pl.Series([sum(list(shares.values())[:count]) for count in range(1, len(shares))])
    least = min(shares.values())
    total = pl.col("size").sum().over("label")
    groups = groups.with_columns(
        side=borders.search_sorted(groups["digest"].cast(pl.Float64) / 2.0**64, side="right").cast(pl.Int64),
        stratum=pl.when(total * least >= 1).then(pl.struct("label")),
    )
    chosen = groups["side"].to_list()
    for stratum in groups.with_row_index("at").partition_by("stratum"):
        for group in _correct(stratum, list(shares.values())):
            chosen[group.at] = group.side
    _fill(chosen, len(shares))
    by_group = groups.select("group", side=pl.Series(chosen, dtype=pl.UInt8))
    return grouped.select("group").join(by_group, on="group", how="left", maintain_order="left")["side"]


def _groups(digest: pl.Series, alike: Sequence[Sequence[int]]) -> pl.Series:
    """A name for the group of every row: one digest of it."""
    near: dict[int, set[int]] = {}  # digest → all digests of its group, one set for all of them
    for cluster in alike:
        joined = set(digest.gather(list(cluster)).to_list())
        joined = joined.union(*(near.get(one, ()) for one in joined))
        near.update(dict.fromkeys(joined, joined))
    named = {one: min(group) for one, group in near.items()}
    old, new = (pl.Series(values, dtype=pl.UInt64) for values in (named.keys(), named.values()))
    return digest.replace(old, new)


@dataclass
class _Group:
    at: int
    size: int
    side: int


def _correct(stratum: pl.DataFrame, shares: Sequence[float]) -> list[_Group]:
    """Bring every side to between half and one and a half of its share; ``stratum`` is in the order of the digests.

    What comes back are the groups with their sides, or nothing where all is well. Each move makes the whole deviation
    less, so it ends.
    """
    total = int(stratum["size"].sum())
    wanted = [share * total for share in shares]
    sums = dict(stratum.group_by("side").agg(pl.col("size").sum()).iter_rows())
    above = [sums.get(side, 0) - want for side, want in enumerate(wanted)]
    groups: list[_Group] = []
    on: dict[int, list[_Group]] = defaultdict(list)
    while way := _way(above, wanted):
        source, to = way
        if not groups:
            groups = [_Group(*row) for row in stratum.select("at", "size", "side").iter_rows()]
            for group in groups:
                on[group.side].append(group)
        for group in on[source] if to < source else on[source][::-1]:  # the nearest to the border first
            if abs(above[source] - group.size) + abs(above[to] + group.size) < abs(above[source]) + abs(above[to]):
                break
        else:  # no group is small enough to make it better
            break
        on[source].remove(group)
        on[to] = sorted([*on[to], group], key=lambda one: one.at)
        above[source] -= group.size
        above[to] += group.size
        group.side = to
    return groups


def _way(above: list[float], wanted: list[float]) -> tuple[int, int] | None:
    """From which side to which a group must go; None where none must."""
    lacks = [side for side, want in enumerate(wanted) if above[side] < -want / 2 - _NOISE]
    exceeds = [side for side, want in enumerate(wanted) if above[side] > want / 2 + _NOISE]
    if not lacks and not exceeds:
        return None
    most, least = max(range(len(above)), key=above.__getitem__), min(range(len(above)), key=above.__getitem__)
    return (most, min(lacks, key=above.__getitem__)) if lacks else (max(exceeds, key=above.__getitem__), least)


def _fill(chosen: list[int], count: int) -> None:
    """Give a side that no group fell on the nearest group of the side that has most; LLaMA-Factory loads no empty set.

    ``chosen`` are the sides of all groups in the order of their digests; there are at least ``count``.
    """
    for side in range(count):
        if side in chosen:
            continue
        most = max(range(count), key=chosen.count)
        at = chosen.index(most) if side < most else len(chosen) - 1 - chosen[::-1].index(most)
        chosen[at] = side
