"""Whether a model says the same when it is asked the same: again, and in other words.

Again, with the sampling that a user would deploy (``do_sample=true temperature=0.7``): with the likeliest token every
time, the answers are one. In other words: the row's own ``paraphrases`` (a list, or a line each), else rewordings that
cannot change what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from llf_kit.endpoints import Endpoint, Question, ask_all, content_key, kept_texts, replies
from llf_kit.errors import NotInstalledError
from llf_kit.evaluation import values
from llf_kit.evaluation.predict import messages
from llf_kit.evaluation.questions import Asked
from llf_kit.schema import CJK, USER

QUESTIONS = 20  # that are asked, at most
COLUMN = "paraphrases"


@dataclass(frozen=True)
class Agreement:
    """Of several answers to one question, over all pairs of them, in percent; None where there is no pair.

    ``text`` is the mean of how far their characters agree (chrF with beta 1, which is symmetric), ``values`` the share
    of pairs with the same values and units, None where no answer holds any.
    """

    answers: int
    text: float | None
    values: float | None


@dataclass(frozen=True)
class Steady:
    """One question: how far its answers agree when it is asked ``again``, and in ``other_words``."""

    place: str
    again: Agreement
    other_words: Agreement


@dataclass(frozen=True)
class Stability:
    """``times`` is how often each question was asked as it stands; ``partial`` says why answers are missing."""

    times: int
    questions: tuple[Steady, ...]
    partial: str | None

    def to_dict(self) -> dict[str, Any]:
        """What JSON has of it: means over the questions, and each of them."""
        said: dict[str, Any] = {"times": self.times, "partial": self.partial}
        for name in ("again", "other_words"):
            found = [getattr(one, name) for one in self.questions]
            said[name] = {key: _mean([getattr(one, key) for one in found]) for key in ("text", "values")}
        return {**said, "questions": [asdict(one) for one in self.questions]}


def some(rows: Sequence[Asked], number: int = QUESTIONS) -> list[Asked]:
    """At most ``number`` rows that can be asked, spread evenly over the dataset."""
    able = [one for one in rows if not one.refused and not one.tools]
    step = max(1, len(able) / number)
    return [able[int(place * step)] for place in range(min(number, len(able)))]


def measure(
    endpoint: Endpoint,
    asked: Sequence[Asked],
    times: int,
    kept: Path,
    settings: dict[str, Any] | None = None,
    on_answer: Callable[[], None] = lambda: None,
) -> Stability:
    """Ask each row ``times`` times as it stands, and once in each of its other wordings.

    What was answered before is kept in the file ``kept``, by content, and not asked again.

    Raises:
        NotInstalledError: the extra ``eval`` is missing.
    """
    given = dict(settings or {})
    system = given.pop("default_system", "")
    questions: dict[str, Question] = {}
    keys: dict[str, tuple[list[str], list[str]]] = {}
    for one in asked:
        again = {content_key(one.key, str(number)): messages(one, system) for number in range(times)}
        other = {
            content_key(one.key, wording): [*messages(one, system)[:-1], {"role": USER, "content": wording}]
            for wording in wordings(one)
        }
        keys[one.place] = list(again), [next(iter(again)), *other]
        questions |= {key: Question(said, given) for key, said in (again | other).items()}
    noted = kept_texts(kept)
    stopped = ask_all(endpoint, questions, replies.text, noted, on_answer)
    missing = sum(key not in noted.known for key in questions)
    steady = []
    for place, (again_keys, other_keys) in keys.items():
        told = [[noted.known[key] for key in group if key in noted.known] for group in (again_keys, other_keys)]
        steady.append(Steady(place, agreement(told[0]), agreement(told[1])))
    partial = f"{missing} of {len(questions)} answers are missing ({stopped})." if missing else None
    return Stability(times, tuple(steady), partial)


def answers(asked: Sequence[Asked], times: int) -> int:
    """How many answers :func:`measure` asks for."""
    return sum(times + len(wordings(one)) for one in asked)


def wordings(one: Asked) -> list[str]:
    """The question in other words: those the row brings, else some that mean the same for sure."""
    given = one.row.get(COLUMN)
    if isinstance(given, str):
        given = given.splitlines()
    if isinstance(given, list) and (own := [said.strip() for said in given if isinstance(said, str) and said.strip()]):
        return own
    plain = one.question.strip()
    polite = "请问：" if CJK.search(plain) else "Please answer: "
    named = "问题：" if CJK.search(plain) else "Question: "
    return [f"{polite}{plain}", f"{named}{plain}"]


def agreement(said: Sequence[str]) -> Agreement:
    """How far answers to one question agree.

    Raises:
        NotInstalledError: the extra ``eval`` is missing.
    """
    try:
        from sacrebleu.metrics import CHRF
    except ImportError:
        raise NotInstalledError("evaluate: needs sacrebleu. Install it: pip install 'llf-kit[eval]'.") from None
    pairs = list(combinations(range(len(said)), 2))
    chrf = CHRF(beta=1)
    texts = [
        100.0 if said[one] == said[other] else chrf.sentence_score(said[one], [said[other]]).score
        for one, other in pairs
    ]
    held = [{(value.low, value.high, value.unit) for value in found} for found in values.found(said)]
    same = [100.0 * (held[one] == held[other]) for one, other in pairs] if any(held) else []
    return Agreement(len(said), _mean(texts), _mean(same))


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return round(sum(known) / len(known), 2) if known else None
