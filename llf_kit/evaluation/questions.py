"""What a registered dataset asks: every row in its order, also those that LLaMA-Factory would leave out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from llf_kit.endpoints import content_key
from llf_kit.errors import DataError
from llf_kit.registered import Registered, rows
from llf_kit.schema import USER
from llf_kit.upstream.aligned import Refused, Turn, aligner

_TAGLESS = "alpaca"


@dataclass(frozen=True)
class Asked:
    """One row: ``place`` is ``dataset:row`` with rows from 1; ``turns`` end with the question, ``label`` answers it.

    ``refused`` says why LLaMA-Factory cannot ask it; then there are no turns. ``row`` is as the file has it.
    """

    place: str
    row: dict[str, Any]
    turns: tuple[Turn, ...] = ()
    label: str = ""
    system: str = ""
    tools: str = ""
    scenario: str | None = None
    refused: str | None = None

    @property
    def question(self) -> str:
        """The last turn of the user."""
        return next((turn.content for turn in reversed(self.turns) if turn.role == USER), "")

    @cached_property
    def key(self) -> str:
        """Of what is asked and wanted, wherever it stands."""
        return content_key(json.dumps([self.turns, self.label, self.system, self.tools], ensure_ascii=False))


def read(dataset: Registered) -> list[Asked]:
    """Every row of ``dataset``.

    Raises:
        DataError: a file cannot be read, the dataset holds plain texts or nothing, or not one of its rows asks.
    """
    one = dataset.attributes
    if one.formatting == _TAGLESS and not one.columns.get("response") and not one.ranking:
        raise DataError(
            f"{dataset.name}: holds plain texts, which ask nothing. Give a dataset of questions and answers."
        )
    align = aligner(dataset.upstream)
    asked: list[Asked] = []
    for file in dataset.files:
        for row in rows(file):
            place = f"{dataset.name}:{len(asked) + 1}"
            label = row.get("label")
            scenario = label if isinstance(label, str) and label.strip() else None
            made = align(row)
            if not isinstance(made, Refused) and len(made.prompt) % 2 != 1:
                made = Refused.COUNT
            if isinstance(made, Refused):
                asked.append(Asked(place, row, scenario=scenario, refused=str(made)))
                continue
            answer = made.response[0].content if made.response else ""
            asked.append(Asked(place, row, tuple(made.prompt), answer.strip(), made.system, made.tools, scenario))
    if all(one.refused for one in asked):
        raise DataError(f"{dataset.name}: no row of it asks anything. llf-kit inspect {dataset.name} shows why.")
    return asked
