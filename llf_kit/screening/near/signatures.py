"""N-grams of characters, and their MinHash signatures. The one place that knows the library behind them (rensa).

A text counts as the set of its runs of three characters, each an exact 64-bit number (three code points of 21 bits and
one bit for the part of the row), so that two sets are equal where the texts say the same and never by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from llf_kit.screening.near.facts import written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Signatures = NDArray[np.uint32]

SIZE = 128  # of a signature: its estimate of a similarity is off by 0.03 (one standard deviation at 0.9)
_GRAM = 3
_SEED = 22576
_AT_ONCE = 500  # rows whose values are Python numbers for a moment: more of them leave the cache of the processor
_END = "\0" * (_GRAM - 1)  # behind every text: one that is shorter than a gram ends here
# White space, punctuation and marks that do not show make no other text.
_QUIET = r"[\s\p{P}\p{C}~～]"


def plain(text: pl.Expr) -> pl.Expr:
    """A text as it is compared: lower case, without white space, punctuation and invisible marks."""
    return written(text).str.to_lowercase().str.replace_all(_QUIET, "")


def gram_set(text: str) -> frozenset[str]:
    """The n-grams of a :func:`plain` text; a shorter text is one itself."""
    return frozenset([text[start : start + _GRAM] for start in range(len(text) - _GRAM + 1)] or [text] * bool(text))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared n-grams over all n-grams, 0 to 1; two texts that say nothing are alike."""
    shared = len(one & other)
    every = len(one) + len(other) - shared
    return shared / every if every else 1.0


def signatures(parts: Sequence[pl.Series], kinds: pl.Series) -> tuple[Signatures, NDArray[np.bool_]]:
    """MinHash signatures of rows, (rows, SIZE), and whether a row has any n-gram at all.

    ``parts`` are :func:`plain` texts, a Series a part of the row; the same n-gram in another part is another. Rows of
    different ``kinds`` (UInt64) share no n-gram, and so no bucket.
    """
    import numpy as np
    from rensa import RMinHash

    tables = [_grams(part, number) for number, part in enumerate(parts)]
    lengths = np.sum([counts for _, counts in tables], axis=0)
    ends = np.cumsum(lengths)
    grams = np.empty(int(ends[-1]) if len(ends) else 0, dtype=np.uint64)
    begins = ends - lengths
    for values, counts in tables:  # those of a row stand together
        shift = begins - (np.cumsum(counts) - counts)
        grams[np.arange(len(values)) + np.repeat(shift, counts)] = values
        begins += counts
    # One multiplication spreads the code points over all bits; rensa mixes further.
    grams = (grams ^ np.repeat(kinds.to_numpy(), lengths)) * np.uint64(0x9E3779B97F4A7C15)
    offsets = np.concatenate(([0], ends)).astype(np.uint64)
    table = np.empty((len(lengths), SIZE), dtype=np.uint32)
    for begin in range(0, len(lengths), _AT_ONCE):
        few = offsets[begin : begin + _AT_ONCE + 1]
        digest = RMinHash.digest_matrix_from_flat_token_hashes
        matrix = digest(grams[few[0] : few[-1]], few - few[0], num_perm=SIZE, seed=_SEED)
        flat = np.fromiter(chain.from_iterable(matrix.to_rows()), dtype=np.uint32, count=(len(few) - 1) * SIZE)
        table[begin : begin + _AT_ONCE] = flat.reshape(-1, SIZE)
    return table, lengths > 0


def _grams(texts: pl.Series, part: int) -> tuple[Words, NDArray[np.int64]]:
    """All n-grams of all texts in their order, and how many each has."""
    import numpy as np

    lengths = texts.str.len_chars().to_numpy().astype(np.int64)
    counts = np.where(lengths, np.maximum(lengths - len(_END), 1), 0)
    joined = _END.join([*texts.to_list(), ""])
    points = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    before = np.cumsum(lengths + len(_END)) - lengths - len(_END)  # characters before each text
    starts = np.arange(int(counts.sum())) + np.repeat(before - (np.cumsum(counts) - counts), counts)
    grams = points[starts] | np.uint64(part << 63)
    for place in range(1, _GRAM):
        grams |= points[starts + place] << np.uint64(21 * place)
    return grams, counts
