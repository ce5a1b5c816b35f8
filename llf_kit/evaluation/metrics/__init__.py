"""What can be measured of predictions, a family a file; each metric is a :class:`Column`, a value a row and one of all.

"Not scored" (None) is never zero. A row whose prediction is missing (``predict`` None) is scored by no metric; an empty
answer is an answer, and wrong. What else is not scored is said by each family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from llf_kit.errors import NotInstalledError


@dataclass(frozen=True)
class About:
    """What a metric means in plain words; ``percent`` where it is bounded, ``most`` where less is better."""

    meaning: str
    percent: bool = True
    most: bool = False


NAMES: Mapping[str, About] = {
    "value_accuracy": About("answers with the right values and units, and no wrong ones"),
    "value_numbers": About("wanted numbers that stand in the answer, whatever the unit"),
    "value_intervals": About("wanted intervals that stand in the answer, whatever the unit"),
    "value_units": About("wanted values that are given in a right unit"),
    "accuracy": About("choices and labels that are right"),
    "precision": About("of what was answered, how much was wanted; mean of the classes"),
    "recall": About("of what was wanted, how much was answered; mean of the classes"),
    "f1": About("both together; mean of the classes"),
    "precision_micro": About("of all that was answered, how much was wanted"),
    "recall_micro": About("of all that was wanted, how much was answered"),
    "f1_micro": About("both together"),
    "auc": About("how well its confidence separates right letters from wrong ones"),
    "mse": About("mean squared error of the number", percent=False, most=True),
    "mae": About("mean absolute error of the number", percent=False, most=True),
    "r2": About("explained part of the spread of the numbers (at most 1)", percent=False),
    "exact_match": About("answers that are the wanted one, word for word"),
    "json_valid": About("answers that hold a JSON object, where one was wanted"),
    "field_f1": About("fields of the JSON object that are right"),
    "format": About("answers in the format that was asked for"),
    "bleu-4": About("overlap of characters, as LLaMA-Factory counts it"),
    "bleu": About("overlap of words (Chinese: characters), as sacrebleu counts it over all answers"),
    "rouge-1": About("overlap of single words"),
    "rouge-2": About("overlap of pairs of words"),
    "rouge-l": About("longest common sequence of words"),
    "meteor": About("aligned words, in order; without synonyms"),
    "chrf": About("overlap of sequences of characters"),
    "distinct-1": About("different words of all words of an answer"),
    "distinct-2": About("different pairs of words of all of an answer"),
    "repetition": About("sequences of four words that an answer said before", most=True),
    "perplexity": About("how surprised the model is by the wanted answers", percent=False, most=True),
}

Of = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _mean(data: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    values: np.ndarray = drawn @ data[:, 0] / drawn.sum(axis=1)
    return values


@dataclass(frozen=True)
class Column:
    """One metric of all rows.

    ``values`` has one a row, None where it is not scored, or where a single row has none. ``data`` (rows × some
    numbers, the first NaN where the row does not count) is what the value of any rows is worked out from, by ``of``: a
    function of the data and of how often each row is drawn (draws × rows), to the value of each draw. A plain mean
    needs neither. ``notes`` say what is wrong, by the place of the row.
    """

    values: Sequence[float | None]
    notes: Mapping[int, str] = field(default_factory=dict)
    data: np.ndarray | None = None
    of: Of = _mean

    @property
    def table(self) -> np.ndarray:
        """``data``, or the values themselves."""
        if self.data is not None:
            return self.data
        return np.array([[np.nan if value is None else value] for value in self.values], dtype=float).reshape(-1, 1)


def sums(function: Callable[[np.ndarray], np.ndarray]) -> Of:
    """A metric that is a function of the sums of ``data`` over the rows (draws × numbers → a value a draw)."""

    def of(data: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        return function(drawn @ data)

    return of


def missing(error: ImportError) -> NotInstalledError:
    """The package that a metric needs is not there."""
    package = (error.name or "a package").split(".")[0]
    return NotInstalledError(f"evaluate: needs {package}. Install what it needs: pip install 'llf-kit[eval]'.")


def percent(value: bool | float) -> float:
    """A share as it is printed; four digits, as LLaMA-Factory rounds."""
    return round(100 * float(value), 4)
