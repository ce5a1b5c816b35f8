"""Rows whose signatures agree in a band fall into one bucket; pairs out of a bucket are then compared for true."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from llf_kit.screening.near.signatures import SIZE, gram_set, jaccard, signatures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

_FOUND = 0.99  # the chance, at least, that a pair just at the threshold shares a bucket
# In a bucket of more than this every row is compared to so many next of it in the order of their texts, so that no
# table of phrases that are half alike costs the square of its rows.
_NEXT = 32
_REMEMBERED = 2_000_000  # pairs that were compared in another bucket already
_SETS = 1 << 15  # of n-grams that are kept at hand


def banding(threshold: float) -> int:
    """How many values of a signature make a band: as many as leave a pair at the threshold its chance to be found.

    A pair of similarity s shares a band of r values with the chance s**r, and one of SIZE // r bands with
    1 - (1 - s**r)**(SIZE // r).
    """
    return max(width for width in range(1, SIZE + 1) if 1 - (1 - threshold**width) ** (SIZE // width) >= _FOUND)


def band_keys(batch: pl.DataFrame, width: int) -> Keys:
    """What the buckets of rows are called, (rows, bands); the rows are ``asked, told, same``.

    Rows whose ``same`` differs share no bucket. A row without any n-gram has its place alone (see ``place``).
    """
    import numpy as np

    table, speaks = signatures((batch["asked"], batch["told"]), batch["same"].hash())
    bands = SIZE // width
    keys = np.zeros((len(table), bands), dtype=np.uint64)
    for value in range(width):
        column = table[:, value : width * bands : width].astype(np.uint64)
        keys = (keys ^ column) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(32)
    keys[~speaks] = batch["place"].to_numpy()[~speaks, None]
    return keys


def crowded(keys: Keys) -> NDArray[np.bool_]:
    """Which rows share a bucket with another."""
    import numpy as np

    shared = np.zeros(len(keys), dtype=bool)
    for column in keys.T:
        order = np.argsort(column)
        again = np.flatnonzero(column[order[1:]] == column[order[:-1]])
        shared[order[again]] = True
        shared[order[again + 1]] = True
    return shared


def _buckets(keys: Keys) -> Iterator[list[int]]:
    """The rows of every bucket of two or more in their order, band by band."""
    import numpy as np

    for column in keys.T:
        order = np.argsort(column, kind="stable")
        new = np.flatnonzero(np.diff(column[order])) + 1
        begins, ends = np.concatenate(([0], new)), np.concatenate((new, [len(order)]))
        several = ends - begins > 1
        rows = order.tolist()
        for begin, end in zip(begins[several].tolist(), ends[several].tolist(), strict=True):
            yield rows[begin:end]


class Likeness:
    """Whether two rows are near duplicates for true; the rows are ``asked, told, same``."""

    def __init__(self, rows: pl.DataFrame, threshold: float) -> None:
        self._asked, self._told, self._same = (rows[name] for name in ("asked", "told", "same"))
        self._threshold = threshold
        self._sets = lru_cache(_SETS)(self._both)

    def _both(self, row: int) -> tuple[frozenset[str], frozenset[str]]:
        return gram_set(self._asked[row]), gram_set(self._told[row])

    def __call__(self, one: int, other: int) -> bool:
        """Both parts alike by at least the threshold, and the same facts."""
        if self._same[one] != self._same[other]:
            return False
        pairs = zip(self._sets(one), self._sets(other), strict=True)
        return all(jaccard(*pair) >= self._threshold for pair in pairs)


class Union:
    """Which rows hang together: union-find over numbers."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def root(self, row: int) -> int:
        """The row that stands for all that hang together with ``row``."""
        root = row
        while (above := self._above.get(root, root)) != root:
            root = above
        while (above := self._above.get(row, row)) != root:
            self._above[row], row = root, above
        return root

    def join(self, one: int, other: int) -> None:
        """They hang together from now on; the lesser stands for all."""
        low, high = sorted((self.root(one), self.root(other)))
        if low != high:
            self._above[high] = low


def connect(rows: pl.DataFrame, keys: Keys, threshold: float) -> list[list[int]]:
    """Clusters of rows (their numbers in ``rows``: asked, told, same), each of two or more, in order.

    ``keys`` are their buckets. What is compared hangs on the texts alone, not on the order of the rows.
    """
    # Equal texts are one. In the order of the texts, neighbours in a long bucket are likely alike.
    texts = rows.with_row_index("rows").group_by("same", "asked", "told").agg("rows").sort("same", "asked", "told")
    union, alike = Union(), Likeness(texts, threshold)
    compared: set[tuple[int, int]] = set()
    for bucket in _buckets(keys[texts["rows"].list.first().to_numpy()]):
        for place, one in enumerate(bucket, start=1):
            for other in bucket[place : place + _NEXT]:
                if (one, other) in compared or union.root(one) == union.root(other):
                    continue
                if alike(one, other):
                    union.join(one, other)
                elif len(compared) < _REMEMBERED:
                    compared.add((one, other))
    clusters: dict[int, list[int]] = {}
    for number, equal in enumerate(texts["rows"].to_list()):
        clusters.setdefault(union.root(number), []).extend(equal)
    return sorted(sorted(cluster) for cluster in clusters.values() if len(cluster) > 1)
