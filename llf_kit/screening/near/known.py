"""Looking texts up among known ones: the same buckets and the same comparison, without joining the texts themselves."""

from __future__ import annotations

import polars as pl

from llf_kit.screening.near.buckets import Likeness, band_keys, banding
from llf_kit.screening.near.facts import facts
from llf_kit.screening.near.signatures import plain


def text_rows(texts: pl.Series, begin: int = 0) -> pl.DataFrame:
    """Texts as the rows that are compared: ``place`` (from ``begin``), ``asked``, ``told`` (nothing) and ``same``."""
    frame = texts.rename("text").fill_null("").to_frame().with_row_index("place", begin)
    return frame.select("place", asked=plain(pl.col("text")), told=pl.lit(""), same=facts(pl.col("text")))


class Known:
    """The texts of ``known``, to be found again."""

    def __init__(self, known: pl.Series, threshold: float) -> None:
        import numpy as np

        self._threshold = threshold
        self._width = banding(threshold)
        self._rows = text_rows(known)
        self._same = self._rows["same"].unique().implode()
        keys = band_keys(self._rows, self._width)
        self._order = np.argsort(keys, axis=0)
        self._sorted = np.take_along_axis(keys, self._order, axis=0)

    def find(self, texts: pl.Series) -> pl.Series:
        """For each text the first known one (UInt32, its place) that it is a near duplicate of, or null."""
        import numpy as np

        every = text_rows(texts)
        rows = every.filter(pl.col("same").is_in(self._same))  # what states other facts is out at once
        keys = band_keys(rows, self._width)
        known, found = self._rows.height, dict[int, int]()
        pairs = [np.empty(0, dtype=np.int64)]
        for band in range(keys.shape[1]):
            begins = np.searchsorted(self._sorted[:, band], keys[:, band], side="left")
            counts = np.searchsorted(self._sorted[:, band], keys[:, band], side="right") - begins
            asking = np.repeat(np.arange(len(keys)), counts)
            places = np.arange(len(asking)) - np.repeat(np.cumsum(counts) - counts, counts) + begins[asking]
            pairs.append(asking * known + self._order[places, band])
        alike = Likeness(pl.concat([self._rows, rows]), self._threshold)
        for pair in np.unique(np.concatenate(pairs)).tolist():
            row, place = divmod(pair, known)
            if row not in found and alike(place, known + row):
                found[row] = place
        matched = pl.Series([found.get(row) for row in range(rows.height)], dtype=pl.UInt32)
        return pl.repeat(None, every.height, dtype=pl.UInt32, eager=True).scatter(rows["place"], matched)
