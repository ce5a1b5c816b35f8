"""The epoch of a YAML: counted with the model's tokenizer where it is here, else guessed from the characters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from types import SimpleNamespace

from llf_kit.checks import counting
from llf_kit.checks.counting import Counts
from llf_kit.checks.epoch import Epoch, epoch
from llf_kit.checks.subject import Subject
from llf_kit.errors import ConfigError, DataError
from llf_kit.upstream.chat_template import Slot
from llf_kit.upstream.schedule import MULTIPLE
from llf_kit.upstream.tokenizer import Tokenizer

__all__ = ["Work", "read"]

# Characters a token: Qwen's documentation has 1.5 to 1.8 for Chinese and 3 to 4 for English; the least of both, so that
# the guess is rather too long.
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_OF_CHINESE, _OF_OTHERS = 1.5, 3.0


class Work:
    """The rows of a YAML: an epoch on ``devices`` GPUs, and the longest row that a batch may have, in tokens.

    ``exact`` is False where the model's tokenizer is not on this machine.
    """

    def __init__(self, subject: Subject, devices: int, counts: Counts, exact: bool) -> None:
        self.epoch: Epoch = epoch(subject, counts, devices)
        self.exact = exact
        self.uncounted = counts.uncounted
        cutoff = counting.unpacked_cutoff(subject)
        longest = cutoff if counting.packs(subject) else max(counts.widths)
        self.length = math.ceil(longest / MULTIPLE) * MULTIPLE


def read(subject: Subject, devices: int) -> Work:
    """What the datasets of ``subject`` come to.

    Raises:
        ConfigError: no dataset, or no template, is named.
        DataError: a file cannot be read, or no row of it can be trained on.
        ModelError: the tokenizer cannot be read.
    """
    if not any(one.key == "dataset" and one.path for one in subject.datasets):
        raise ConfigError(
            f"{subject.where('dataset')}: there is no dataset here to plan for. Convert one, and name it."
        )
    why = counting.uncountable(subject)
    if why is None:
        counts = counting.counted(subject)
    else:
        template = counting.configured(subject)
        if template is None:
            raise ConfigError(f"{subject.config.path}: the rows cannot be counted: {why[0]}. {why[1]}")
        counts = counting.count(subject, template, _Guess())
    if not counts.kept:
        raise DataError(f"{subject.where('dataset')}: has no row that can be trained on. See llf-kit check.")
    return Work(subject, devices, counts, exact=why is None)


class _Guess(Tokenizer):
    """A tokenizer that is not here."""

    def __init__(self) -> None:
        self.special = SimpleNamespace(add_bos=False)  # type: ignore[assignment]
        self.eos, self.bos = None, None

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """As many tokens as the characters make likely."""
        found = []
        for text in texts:
            chinese = len(_CHINESE.findall(text))
            found.append(math.ceil(chinese / _OF_CHINESE + (len(text) - chinese) / _OF_OTHERS))
        return found

    def slot(self, slot: Slot) -> list[int]:
        """A special token is one."""
        return [0]
