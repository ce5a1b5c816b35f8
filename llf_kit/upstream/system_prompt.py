"""The system prompt that a model was trained with: that of its rows, which upstream takes before any default."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Any

from llf_kit.errors import DataError
from llf_kit.upstream.dataset_entries import Dataset
from llf_kit.upstream.loading import rows

__all__ = ["SystemPrompt", "trained_with"]


@dataclass(frozen=True)
class SystemPrompt:
    """The commonest ``text`` among rows that are trained on, which ``rows`` of ``of`` have; empty for none at all.

    One that a single row of several has is not it: that is the text of a case, and belongs in no record.
    """

    text: str = ""
    rows: int = 0
    of: int = 0

    @property
    def is_shared(self) -> bool:
        """Whether all rows have it."""
        return self.rows == self.of


def trained_with(values: dict[str, Any], datasets: list[Dataset]) -> SystemPrompt | None:
    """What the rows of ``datasets`` say that ``values`` of a YAML train on; None where they cannot be read."""
    from llf_kit.upstream.aligned import Aligned, aligner, refusal  # which bring polars, that a look at a run needs not

    stage, most = str(values.get("stage") or "sft"), values.get("max_samples")
    found: Counter[str] = Counter()
    if stage == "pt":  # plain texts
        return SystemPrompt()
    try:
        for dataset in datasets:
            if dataset.key == "dataset":
                convert = aligner(dataset)
                every = (row for file in dataset.files for row in rows(file))
                for row in islice(every, most if isinstance(most, int) else None):
                    made = convert(row)
                    if isinstance(made, Aligned) and refusal(made, stage) is None:
                        found[made.system] += 1
    except DataError:
        return None
    if not found:
        return None
    text, count = found.most_common(1)[0]
    of = found.total()
    return SystemPrompt(text if count > 1 or of == 1 else "", count, of)
